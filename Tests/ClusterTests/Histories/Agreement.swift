import Drivers
import Foundation
import Simulators

/// Looks for every way in which both sides, and what Ferry knows of them, can disagree once there is peace.
struct Agreement {
    let history: ClusterHistory

    private struct LinkRow {
        let contactID: Int64
        let object: Int16
        let recordID: String
        let isActive: Bool
    }

    /// Sentences, one for each disagreement.
    func complaints() async throws -> [String] {
        let rows = try await history.cluster.pool.query("SELECT ac_id, object, sf_id, state FROM ferry.links")
        let links = try rows.decode { row in
            LinkRow(
                contactID: try row.get("ac_id"), object: try row.get("object"), recordID: try row.get("sf_id"),
                isActive: try row.get("state", as: Int16.self) == 1)
        }
        let failed = Set(
            try await history.cluster.pool.query("SELECT record_id FROM ferry.record_failures")
                .decode { try $0.get("record_id", as: String.self) })
        // A contact that its record left for another one's address is told so, and created anew only when it changes (R8).
        let left = Set(
            try await history.cluster.pool.query(
                "SELECT DISTINCT ac_id FROM ferry.record_decisions WHERE detail = 'R8.left'"
            ).decode { try $0.get("ac_id", as: Int64.self) })
        // A record that was refused for good, as for an address somebody else has, is on record and out of step.
        return differences(links.filter { $0.isActive && !failed.contains($0.recordID) })
            + unlinked(links, failed, left: left) + duplicates() + (try await leftOvers(failed))
    }

    private var contacts: [Int64: ActiveCampaignContact] {
        Dictionary(
            history.tenant.account.contacts().map { (Int64($0.id), $0) }, uniquingKeysWith: { first, _ in first })
    }

    private var records: [SalesforceRecord] {
        history.tenant.org.records("Contact") + history.tenant.org.records("Lead")
    }

    /// Field by field, through the link that leads: a contact's where there is a lead as well (R91).
    private func differences(_ links: [LinkRow]) -> [String] {
        let byID = Dictionary(records.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let contacts = contacts
        return Dictionary(grouping: links, by: \.contactID).flatMap { contactID, own -> [String] in
            guard let link = own.min(by: { $0.object < $1.object }) else { return [] }
            guard let contact = contacts[contactID], let record = byID[link.recordID] else {
                return ["a link \(contactID) – \(link.recordID) without both ends"]
            }
            let pairs = [
                ("Email", contact.email, record["Email"]), ("FirstName", contact.firstName, record["FirstName"]),
                ("LastName", contact.lastName, record["LastName"]), ("Phone", contact.phone, record["Phone"]),
                ("Note__c", contact.fields["NOTE"] ?? "", record["Note__c"]),
            ]
            let apart = pairs.filter { $0.1 != $0.2.text ?? "" }.map {
                "\(contact.email) \(record.id): \($0.0) is '\($0.1)' in ActiveCampaign, '\($0.2.text ?? "")' in Salesforce"
            }
            return apart + consent(contact, record)
        }
    }

    /// R79–R83: who gets no mail on one side gets none on the other.
    private func consent(_ contact: ActiveCampaignContact, _ record: SalesforceRecord) -> [String] {
        let isOut = !contact.lists.values.contains(1)
        guard !contact.lists.isEmpty, (record["HasOptedOutOfEmail"] == true) != isOut else { return [] }
        // Whoever is out is never subscribed again by another record's word.
        if isOut, history.moved.contains(contact.email) { return [] }
        return ["\(contact.email) \(record.id): \(isOut ? "out" : "in") in ActiveCampaign only"]
    }

    /// Everybody who should travel did, or stands among the failures, or was left by a record.
    private func unlinked(_ links: [LinkRow], _ failed: Set<String>, left: Set<Int64>) -> [String] {
        let linkedRecords = Set(links.map(\.recordID))
        let knownContacts = Set(links.map(\.contactID)).union(left)
        let lost = records.filter {
            $0["IsConverted"] != true && !linkedRecords.contains($0.id) && !failed.contains($0.id)
        }
        let asked = contacts.values.filter { contact in
            contact.tags.contains(ActiveCampaignAutomation.createContactInSalesforce.tag)
                || contact.tags.contains(ActiveCampaignAutomation.createLeadInSalesforce.tag)
        }
        let missing = asked.filter { !knownContacts.contains(Int64($0.id)) && !failed.contains(String($0.id)) }
        return lost.map { "record \($0.id) \($0["Email"].text ?? "") neither linked nor failed" }
            + missing.map { "contact \($0.email) neither linked nor failed" }
    }

    /// Of one address Salesforce has what its users made, and one record of ours at most.
    private func duplicates() -> [String] {
        Dictionary(grouping: records) { $0["Email"].text ?? "" }.compactMap { email, own in
            let ours = own.count - (history.userRecords[email] ?? 0)
            return ours > 1 ? "\(ours) records of ours for \(email)" : nil
        }
    }

    private func leftOvers(_ failed: Set<String>) async throws -> [String] {
        var complaints: [String] = []
        for table in ["pending_changes", "imports", "writebacks"] {
            let count: Int64 = try await history.cluster.value("SELECT count(*) AS value FROM ferry.\(table)")
            if count > 0 { complaints.append("\(count) rows left in \(table)") }
        }
        if history.hasPackage {
            let waiting = records.filter { $0["AC_Sync_Status__c"] != "Synced" }
            let known = Set(
                try await history.cluster.pool.query("SELECT sf_id FROM ferry.links WHERE state = 1")
                    .decode { try $0.get("sf_id", as: String.self) })
            complaints += waiting.filter { known.contains($0.id) && !failed.contains($0.id) }.map {
                "\($0.id) still waits in Salesforce"
            }
        }
        return complaints
    }
}
