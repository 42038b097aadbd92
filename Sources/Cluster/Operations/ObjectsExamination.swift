import ActiveCampaign
import Salesforce
import Store
import SyncRules

/// Looks at what accounts, opportunities and person accounts need on both sides, and writes nothing: only what the
/// tenant's settings switch on is asked for.
struct ObjectsExamination {
    let session: TenantSession

    private var settings: SyncSettings { session.tenant.settings }

    func examine() async throws -> [DoctorFinding] {
        var findings: [DoctorFinding] = []
        if settings.syncsAccounts { findings += await accounts() }
        if settings.syncsOpportunities { findings += await opportunities() }
        if settings.personAccountSelection != .none, !session.salesforce.facts.hasPersonAccounts {
            findings.append(
                .warning(
                    "settings.person_account_selection",
                    "the org has no person accounts, or hides them from our user; the setting has no effect"))
        }
        return findings
    }

    // MARK: - Accounts

    private func accounts() async -> [DoctorFinding] {
        var findings: [DoctorFinding] = []
        do throws(SalesforceError) {
            guard let description = try await session.salesforce.describe("Account") else {
                return []
            }
            let examination = FieldExamination(
                object: .account, description: description, campaign: campaignFields())
            findings.append(
                description.isQueryable
                    ? .ok("salesforce.account", "the integration user may read Account")
                    : .failed("salesforce.account", "the integration user may not read Account"))
            findings.append(examination.cursor())
            findings += session.tenant.mappings(of: .account).flatMap(examination.examine)
        } catch { findings.append(.failed("salesforce.account", StreamTrouble(error).message)) }
        return findings
    }

    /// The account fields that are mapped, by tag; those that ActiveCampaign does not have are missing.
    private func campaignFields() -> [String: CampaignField] {
        let tags = session.tenant.mappings(of: .account).compactMap(\.activeCampaignField.personalizationTag)
        let found = tags.compactMap { tag in
            session.activeCampaign.accountCatalog.field(tag).map { (tag, CampaignField(kind: $0.kind)) }
        }
        return Dictionary(found, uniquingKeysWith: { first, _ in first })
    }

    // MARK: - Opportunities

    private func opportunities() async -> [DoctorFinding] {
        var findings: [DoctorFinding] = []
        for (object, fields) in [
            ("Opportunity", OpportunityRules.fields), (SalesforceGateway.roleObject, ["ContactId", "IsPrimary"]),
        ] {
            let check = "salesforce.\(object)"
            do throws(SalesforceError) {
                guard let description = try await session.salesforce.describe(object) else {
                    continue
                }
                let lacking = fields.filter { description.fields[$0] == nil }
                findings.append(
                    lacking.isEmpty
                        ? .ok(check, "it can be read")
                        : .failed(check, "our user does not see \(lacking.joined(separator: ", ")); give read access"))
            } catch { findings.append(.failed(check, StreamTrouble(error).message)) }
        }
        findings.append(await target())
        return findings
    }

    private func target() async -> DoctorFinding {
        let check = "activecampaign.opportunities"
        do throws(ActiveCampaignError) {
            switch settings.opportunityTarget {
            case .deal:
                _ = try await session.activeCampaign.client.dealPipelines()
                return .ok(check, "deals can be read; the pipeline is made with the first opportunity")
            case .customObject:
                guard let schema = try await session.activeCampaign.client.objectSchema(slug: OpportunityObject.slug)
                else { return .ok(check, "custom objects can be read; ours is made with the first opportunity") }
                do { _ = try OpportunityObject.checked(schema) } catch let trouble as StreamTrouble {
                    return .failed(check, trouble.message)
                } catch { return .failed(check, "the custom object can't be read") }
                return .ok(check, "the custom object is there with its fields")
            }
        } catch { return .failed(check, StreamTrouble(error).message) }
    }
}
