import Foundation
import Store
import SyncRules

/// Everything one run needs of its tenant: its rows as they are now, its rules, and its two providers.
struct TenantSession: Sendable {
    let tenant: ReadyTenant
    let store: Store
    let activeCampaign: ActiveCampaignGateway
    let salesforce: SalesforceGateway
    let outboundRules: OutboundRules
    let conversionRules: ConversionRules
    let accountRules: AccountRules
    /// Base address of ingest; nil registers no webhook.
    let webhookBase: String?
    /// Set once the tenant's webhook was seen to be there.
    let webhookMark: DoneMark
    /// Fields of accounts whose mapping changed and is not re-evaluated yet (T21).
    let pausedAccountFields: Set<String>
    private let inboundRules: [ObjectKind: InboundRules]
    private let streams: [StreamRow]

    /// Puts a tenant's parts together.
    init(
        tenant: ReadyTenant, streams: [StreamRow], store: Store, activeCampaign: ActiveCampaignGateway,
        salesforce: SalesforceGateway, webhookBase: String?, webhookMark: DoneMark
    ) {
        let unusable = UnusableFields(
            mappings: tenant.config.mappings, activeCampaign: activeCampaign, salesforce: salesforce)
        self.webhookBase = webhookBase
        self.webhookMark = webhookMark
        self.tenant = tenant
        self.streams = streams
        self.store = store
        self.activeCampaign = activeCampaign
        self.salesforce = salesforce
        func projector(_ object: ObjectKind) -> Projector {
            let lengths = salesforce.schema.lengths(of: object)
            return Projector(
                mappings: tenant.mappings(of: object).filter { !unusable.contains($0) }.map { mapping in
                    var mapping = mapping
                    mapping.maxLength = lengths[mapping.salesforceField]
                    return mapping
                })
        }
        let start = streams.map(\.createdAt).min() ?? .distantFuture
        let selection = SelectionRules(settings: tenant.settings, start: start, criteria: tenant.config.criteria)
        var paused: [ObjectKind: Set<String>] = [:]
        for object in [ObjectKind.contact, .lead, .account] {
            guard let stream = streams.first(where: { $0.direction == .inbound && $0.object == object }) else {
                continue
            }
            paused[object] = Self.pausedFields(
                stream, Self.conditions(of: object, tenant, projector(object).mappings))
        }
        pausedAccountFields = paused.removeValue(forKey: .account) ?? []
        var outbound = OutboundRules(
            settings: tenant.settings, contacts: projector(.contact), leads: projector(.lead), paused: paused)
        outbound.hasPersonAccounts = salesforce.facts.hasPersonAccounts
        outboundRules = outbound
        accountRules = AccountRules(settings: tenant.settings, projector: projector(.account))
        conversionRules = ConversionRules(
            settings: tenant.settings, contacts: outboundRules.contacts, leads: outboundRules.leads)
        inboundRules = Dictionary(
            uniqueKeysWithValues: [ObjectKind.contact, .lead].map {
                ($0, InboundRules(settings: tenant.settings, selection: selection, projector: projector($0)))
            })
    }

    /// Mappings that can't be used, as far as it is known by now.
    var unusable: UnusableFields {
        var unusable = UnusableFields(
            mappings: tenant.config.mappings, activeCampaign: activeCampaign, salesforce: salesforce)
        // What only a selection needs is that selection's trouble: see `brokenSelection`.
        for (object, fields) in unusable.salesforceFields {
            let left = fields.intersection(tenant.mappings(of: object).map(\.salesforceField))
            unusable.salesforceFields[object] = left.isEmpty ? nil : left
        }
        return unusable
    }

    var number: Int32 { tenant.number }
    /// Whether the org has the Salesforce package, which guards waiting records itself (architecture, section 7).
    var hasPackage: Bool { tenant.salesforce.isPackageInstalled }
    /// Whether records are created by external id (T17).
    var hasExternalID: Bool { tenant.salesforce.externalIDField != nil }

    /// The rules of one object's pull.
    func inbound(_ object: ObjectKind) -> InboundRules {
        guard let rules = inboundRules[object] else { preconditionFailure("no inbound rules for \(object.name)") }
        return rules
    }

    /// How one object's records are read.
    func projector(of object: ObjectKind) -> Projector {
        switch object {
        case .contact, .lead: inbound(object).projector
        case .account: accountRules.projector
        case .opportunity: Projector(mappings: [])
        }
    }

    /// Salesforce names of the formula fields of an object that go to ActiveCampaign.
    func formulas(of object: ObjectKind) -> [String] {
        projector(of: object).mappings.filter { $0.salesforceType.isFormula && $0.writes(to: .activeCampaign) }
            .map(\.salesforceField)
    }

    /// A stream's row as it was when the run began.
    func stream(_ direction: Direction, _ object: ObjectKind) throws -> StreamRow {
        guard let stream = streams.first(where: { $0.direction == direction && $0.object == object }) else {
            throw StreamTrouble(
                kind: .bug, code: "stream_missing",
                message:
                    "The stream \(direction.name) \(object.name) has no row; update sync_settings to make it again.")
        }
        return stream
    }

    /// All streams of a direction.
    func streams(of direction: Direction) -> [StreamRow] { streams.filter { $0.direction == direction } }

    /// Whether a job still has something to do: it may have been asked for while an earlier one was doing it.
    func isAsked(for kind: JobKind, at instant: Date) -> Bool {
        kind == .imports || kind == .sweep || streams(of: kind.direction).contains { $0.isDue(at: instant) }
    }

    /// Whether Salesforce is told what was synced (R52): it has the fields, and is written to at all.
    var acknowledges: Bool { hasPackage && tenant.settings.direction.writes(to: .salesforce) }

    /// What an object is mapped and selected by, as far as it is known by now what can be used (T7).
    func conditions(of object: ObjectKind) -> EntryConditions {
        let unusable = unusable
        return Self.conditions(of: object, tenant, tenant.mappings(of: object).filter { !unusable.contains($0) })
    }

    private static func conditions(
        of object: ObjectKind, _ tenant: ReadyTenant, _ mappings: [FieldMapping]
    ) -> EntryConditions {
        EntryConditions(
            of: object, mappings: mappings, settings: tenant.settings, criteria: tenant.config.criteria[object])
    }

    /// Fields whose mapping changed, from the moment their row changed until they were re-evaluated (T21).
    private static func pausedFields(_ stream: StreamRow, _ now: EntryConditions) -> Set<String> {
        let changed = stream.conditions.map { now.fieldsChanged(since: $0) } ?? []
        return changed.union(stream.reevaluated)
    }

    /// The fields the selection of an object needs and the org does not have or hides: none of its records can be judged.
    func brokenSelection(of object: ObjectKind) -> [String] {
        let unknown = salesforce.schema.unknown[object] ?? []
        guard !unknown.isEmpty else { return [] }
        var needed =
            switch tenant.settings.selection(of: object) {
            case .none, .new: [String]()
            case .marked: [tenant.settings.markerField]
            case .criteria: tenant.config.criteria[object]?.fields ?? []
            }
        // Persons have a selection of their own (R86).
        if object == .contact, salesforce.facts.hasPersonAccounts, tenant.settings.personAccountSelection == .marked {
            needed.append(tenant.settings.markerField)
        }
        return Set(needed.filter(unknown.contains)).sorted()
    }

    /// Whether a person has confirmed that many records are gone (T20).
    func confirmsMissing(at instant: Date) -> Bool {
        streams.contains { stream in stream.missingUntil.map { $0 > instant } ?? false }
    }

    /// Whether records are held back from being taken for missing.
    var isAlarmed: Bool { streams.contains { $0.errorCode == MassDeleteBrake.code } }

    /// Whether records of an object enter at all, persons among the contacts (R36, R86).
    func lets(enter object: ObjectKind) -> Bool {
        tenant.settings.selection(of: object) != .none
            || (object == .contact && salesforce.facts.hasPersonAccounts
                && tenant.settings.personAccountSelection != .none)
    }

    /// When the tenant began: the floor of selection by *new* (R37, D5).
    var start: Date { inbound(.contact).selection.start }

    /// An empty commit under the run's token.
    func commit(_ run: RunContext) -> RunCommit {
        RunCommit(tenant: number, fence: run.fence, run: run.runID)
    }

    /// A planner for one chunk of an outbound batch.
    func outboundChunk(now: Date, echoes: OutstandingEchoes) -> OutboundChunk {
        OutboundChunk(
            // The org guards Salesforce's pending changes; where ActiveCampaign leads they are overwritten knowingly.
            rules: outboundRules, isGuarded: hasPackage && tenant.settings.direction.writes(to: .activeCampaign),
            hasExternalID: hasExternalID, now: now, echoes: echoes)
    }

    /// What a contact holds, over both objects' mappings, to tell whether it changed since it was refused.
    func fingerprint(of contact: ActiveCampaignContact) -> Fingerprint {
        var fingerprint = Fingerprint(outboundRules.leads.project(contact))
        fingerprint.record(outboundRules.contacts.project(contact))
        return fingerprint
    }

    /// The accounts through which records are written that are persons' contacts (R85).
    func personAccounts(of recordIDs: [String]) async throws -> [String: String] {
        guard salesforce.facts.hasPersonAccounts else { return [:] }
        return try await store.personAccounts(tenant: number, recordIDs: recordIDs)
    }

    /// Writes of ours to these records and their contacts whose outcome was never committed.
    func echoes(of recordIDs: [String]) async throws -> OutstandingEchoes {
        OutstandingEchoes(try await store.echoes(tenant: number, recordIDs: recordIDs))
    }
}

/// Mappings that name a field one of the sides does not have: left out of every run and reported, while the record's
/// other fields go on (R64).
struct UnusableFields: Sendable {
    /// Personalization tags ActiveCampaign does not have.
    var personalizationTags: Set<String> = []
    /// The same of accounts' custom fields.
    var accountTags: Set<String> = []
    /// API names Salesforce does not show us, by object.
    var salesforceFields: [ObjectKind: Set<String>] = [:]

    /// Checks mappings against what is known of both sides: ActiveCampaign's field list, and the fields Salesforce said
    /// it does not have.
    init(mappings: [FieldMapping], activeCampaign: ActiveCampaignGateway, salesforce: SalesforceGateway) {
        let people = mappings.filter { $0.object != .account }.compactMap(\.activeCampaignField.personalizationTag)
        personalizationTags = Set(people.filter { activeCampaign.catalog.id(of: $0) == nil })
        // Looked at only while accounts are synced.
        if salesforce.readsAccounts {
            let tags = mappings.filter { $0.object == .account }.compactMap(\.activeCampaignField.personalizationTag)
            accountTags = Set(tags.filter { activeCampaign.accountCatalog.field($0) == nil })
        }
        salesforceFields = salesforce.unknownFields
    }

    var isEmpty: Bool {
        personalizationTags.isEmpty && accountTags.isEmpty && salesforceFields.values.allSatisfy(\.isEmpty)
    }

    func contains(_ mapping: FieldMapping) -> Bool {
        let missing = mapping.object == .account ? accountTags : personalizationTags
        if let tag = mapping.activeCampaignField.personalizationTag, missing.contains(tag) { return true }
        return salesforceFields[mapping.object]?.contains(mapping.salesforceField) ?? false
    }

    /// A sentence for the stream's row; nil when every mapping can be used.
    var message: String? {
        guard !isEmpty else { return nil }
        let tags =
            personalizationTags.sorted().map { "custom:\($0) (not in ActiveCampaign)" }
            + accountTags.sorted().map { "custom:\($0) (no account field in ActiveCampaign)" }
        let fields = salesforceFields.sorted { $0.key.rawValue < $1.key.rawValue }.flatMap { object, names in
            names.sorted().map { "\(object.salesforceName).\($0) (not in Salesforce, or hidden from our user)" }
        }
        return "Left out of the sync, mend field_mappings or the field: " + (tags + fields).joined(separator: ", ")
    }
}
