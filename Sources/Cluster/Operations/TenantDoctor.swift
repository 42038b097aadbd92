import ActiveCampaign
package import Drivers
import Foundation
package import JobQueue
import Salesforce
package import Store
import SyncRules

/// One thing a doctor looked at.
package struct DoctorFinding: Sendable, Hashable, Codable {
    /// How it stands, from well to bad.
    package enum Verdict: String, Sendable, Codable, Comparable {
        case ok, warning, failed

        package static func < (left: Self, right: Self) -> Bool {
            let order: [Self] = [.ok, .warning, .failed]
            return (order.firstIndex(of: left) ?? 0) < (order.firstIndex(of: right) ?? 0)
        }
    }

    /// What was looked at: `salesforce.contact.Birthdate`.
    package let check: String
    package let verdict: Verdict
    /// What was found and how to mend it; names fields, never values or secrets.
    package let message: String

    static func ok(_ check: String, _ message: String) -> Self { Self(check: check, verdict: .ok, message: message) }
    static func warning(_ check: String, _ message: String) -> Self {
        Self(check: check, verdict: .warning, message: message)
    }
    static func failed(_ check: String, _ message: String) -> Self {
        Self(check: check, verdict: .failed, message: message)
    }
}

/// Looks at a tenant online and writes nothing: credentials, permissions, fields and their types, pick lists, headroom.
/// Costs some four calls to ActiveCampaign and four to eleven to Salesforce, by what the settings switch on.
package struct TenantDoctor: Sendable {
    private let store: Store
    private let looks: LookAccount
    private let sessions: SessionCache

    /// Makes a doctor.
    /// - Parameter queue: keeps the tenants' budgets and paces.
    package init(
        store: Store, queue: JobQueue, clock: WallClock, http: HTTPClient, keys: KeyRing, providers: ProviderPolicy
    ) {
        self.store = store
        looks = LookAccount(store: store, queue: queue, clock: clock)
        sessions = SessionCache(
            store: store, clock: clock, http: http, keys: keys, providers: providers, pace: SharedPace(queue: queue))
    }

    /// Examines a tenant; what a later check needs and an earlier one missed is left out.
    /// - Throws: `StoreError`, `TenantRefusal` when there is no call left for it; troubles of the tenant's own are findings.
    package func examine(_ tenant: Int32) async throws -> [DoctorFinding] {
        try await looks.run(at: tenant) { _ in try await findings(tenant) }
    }

    private func findings(_ tenant: Int32) async throws -> [DoctorFinding] {
        guard let config = try await store.tenantConfig(tenant) else {
            return [.failed("rows", "there is no tenant of this number")]
        }
        var findings: [DoctorFinding] = []
        let session: TenantSession
        do {
            let ready = try ReadyTenant(config)
            findings.append(.ok("rows", "both connections and settings are there"))
            session = try await sessions.session(for: ready)
        } catch let trouble as StreamTrouble {
            return findings + [.failed(Self.place(trouble), trouble.message)]
        }
        findings.append(.ok("activecampaign.credentials", "the address answers and the API key is accepted"))
        let campaign = try await campaignFields(session, &findings)
        for object in [ObjectKind.contact, .lead] {
            let examined = try await examine(object, session, campaign)
            findings += examined
            if examined.contains(where: { $0.check == "salesforce.credentials" }) { return findings }
        }
        findings += try await ObjectsExamination(session: session).examine()
        findings += await IdentifierExamination(session: session).examine()
        await headroom(session, &findings)
        try await brakes(session, &findings)
        return findings
    }

    private static func place(_ trouble: StreamTrouble) -> String {
        switch trouble.code {
        case "row_missing": "rows"
        case "secret_unreadable": "secrets"
        default: "activecampaign.credentials"
        }
    }

    // MARK: - ActiveCampaign

    private func campaignFields(
        _ session: TenantSession, _ findings: inout [DoctorFinding]
    ) async throws -> [String: CampaignField] {
        do throws(ActiveCampaignError) {
            let fields = try await session.activeCampaign.client.fields()
            _ = try await session.activeCampaign.client.tag(named: SyncTag.addedToContact.rawValue)
            findings.append(.ok("activecampaign.permissions", "custom fields and tags can be read"))
            return Dictionary(
                fields.map { ($0.perstag.uppercased(), CampaignField(kind: $0.kind, options: $0.options)) },
                uniquingKeysWith: { first, _ in first })
        } catch {
            findings.append(.failed("activecampaign.permissions", StreamTrouble(error).message))
            return [:]
        }
    }

    // MARK: - Salesforce

    private func examine(
        _ object: ObjectKind, _ session: TenantSession, _ campaign: [String: CampaignField]
    ) async throws -> [DoctorFinding] {
        let name = object.salesforceName
        let description: ObjectDescription
        do throws(SalesforceError) {
            guard let found = try await session.salesforce.describe(name) else { return [] }
            description = found
        } catch {
            return [.failed("salesforce.credentials", StreamTrouble(error).message)]
        }
        let examination = FieldExamination(object: object, description: description, campaign: campaign)
        let mappings = session.tenant.mappings(of: object)
        var findings = examination.permissions()
        findings.append(examination.cursor())
        findings += mappings.flatMap(examination.examine)
        findings += examination.unmappedRequirements(mappings)
        if session.tenant.settings.selection(of: object) == .criteria {
            let rows = session.tenant.config.criteria[object]?.groups.joined().map(\.self) ?? []
            findings += rows.map(examination.criterion)
        }
        if session.tenant.settings.selection(of: object) == .marked {
            findings += examination.names([session.tenant.settings.markerField], purpose: "the selection by mark")
        }
        if session.hasPackage { findings += examination.names(PackageField.all, purpose: "the Salesforce package") }
        if let key = session.tenant.salesforce.externalIDField { findings.append(examination.externalID(key)) }
        return findings
    }

    /// Records that a brake holds: written too often (T13), or vanished with too many others (T20).
    private func brakes(_ session: TenantSession, _ findings: inout [DoctorFinding]) async throws {
        let held = try await store.failures(tenant: session.number, code: LoopBrake.code)
        findings.append(
            held == 0
                ? .ok("records.loop_brake", "no record is written again and again")
                : .warning(
                    "records.loop_brake",
                    "\(held) records were written more than \(LoopBrake.writes) times within an hour and are held; another "
                        + "program may be changing them back: `ferry records failed \(session.tenant.id) --code "
                        + "\(LoopBrake.code)`"))
        let withheld = try await store.withheldMissing(tenant: session.number)
        if withheld > 0 {
            findings.append(
                .warning(
                    "records.missing",
                    "\(withheld) linked records vanished at once and are held back; `ferry sync confirm-missing "
                        + "\(session.tenant.id)` when they were deleted on purpose"))
        }
    }

    /// Calls left today, against what this tenant's schedule takes when nothing changes.
    private func headroom(_ session: TenantSession, _ findings: inout [DoctorFinding]) async {
        let check = "salesforce.headroom"
        let idle = 24 / max(1, session.tenant.settings.inboundIntervalHours)
        do throws(SalesforceError) {
            guard let day = try await session.salesforce.client.limits().value["DailyApiRequests"] else {
                return findings.append(.warning(check, "the org does not tell how many calls it has left"))
            }
            let text = "\(day.remaining) of \(day.max) calls are left today; the schedule alone takes \(idle) a day"
            let isTight = day.remaining < max(idle * 10, day.max / 10)
            findings.append(isTight ? .warning(check, text + ": little room for changes") : .ok(check, text))
        } catch {
            findings.append(.warning(check, "the limits can't be read: \(StreamTrouble(error).message)"))
        }
    }
}
