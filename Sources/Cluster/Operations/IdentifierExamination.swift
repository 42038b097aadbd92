import ActiveCampaign
import Salesforce
import SyncRules

/// Looks up the ids that settings name, and writes nothing: an owner or record type that is not there refuses every
/// creation (R21, R22), and a list that is not there is joined by nobody (R44).
struct IdentifierExamination {
    let session: TenantSession

    private var settings: SyncSettings { session.tenant.settings }

    func examine() async -> [DoctorFinding] {
        var findings: [DoctorFinding] = []
        if let id = settings.ownerID { findings.append(await owner(id)) }
        let types = [
            ("default_record_type_id", settings.leadRecordTypeID, "Lead"),
            ("contact_record_type_id", settings.contactRecordTypeID, "Contact"),
            ("person_account_record_type_id", settings.personAccountRecordTypeID, "Account"),
        ]
        for (column, id, object) in types {
            if let id { findings.append(await recordType(id, of: object, "settings.\(column)")) }
        }
        if let id = settings.defaultListID { findings.append(await list(id)) }
        return findings
    }

    /// A user, or a queue of leads.
    private func owner(_ id: String) async -> DoctorFinding {
        let check = "settings.default_owner_id"
        let isQueue = id.hasPrefix("00G")
        let columns = isQueue ? ["Id"] : ["Id", "IsActive"]
        do throws(SalesforceError) {
            guard let owner = try await record(isQueue ? "Group" : "User", columns, id) else {
                return .failed(check, "Salesforce has no such user or queue, or hides it; creations would be refused")
            }
            return isQueue || owner["IsActive"]?.bool == true
                ? .ok(check, "the owner of created records is there")
                : .failed(check, "this user is not active, and can't own new records")
        } catch { return .warning(check, "it can't be looked up: \(StreamTrouble(error).message)") }
    }

    private func recordType(_ id: String, of object: String, _ check: String) async -> DoctorFinding {
        do throws(SalesforceError) {
            guard let type = try await record("RecordType", ["Id", "SobjectType", "IsActive"], id) else {
                return .failed(check, "Salesforce has no such record type, or hides it; creations would be refused")
            }
            guard let owner = type["SobjectType"]?.string, owner == object else {
                return .failed(check, "it is a record type of another object than \(object)")
            }
            return type["IsActive"]?.bool == true
                ? .ok(check, "the record type of created records is there")
                : .failed(check, "this record type is not active")
        } catch { return .warning(check, "it can't be looked up: \(StreamTrouble(error).message)") }
    }

    private func record(
        _ object: String, _ columns: [String], _ id: String
    ) async throws(SalesforceError) -> Salesforce.SalesforceRecord? {
        let query = SOQLQuery(columns, from: object, where: .equals("Id", .string(id)))
        return try await session.salesforce.client.query(query).value.records.first
    }

    private func list(_ id: Int64) async -> DoctorFinding {
        let check = "settings.default_list_id"
        do throws(ActiveCampaignError) {
            return try await session.activeCampaign.client.hasList(id)
                ? .ok(check, "the list new contacts join is there")
                : .failed(check, "ActiveCampaign has no list of this number; new contacts join none")
        } catch { return .warning(check, "it can't be looked up: \(StreamTrouble(error).message)") }
    }
}
