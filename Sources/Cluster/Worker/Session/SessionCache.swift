import ActiveCampaign
import Drivers
import Foundation
import JobQueue
import Salesforce
import Store
import SyncRules
import Synchronization

/// Which provider addresses a process may call, and how ActiveCampaign reaches ingest.
package struct ProviderPolicy: Sendable {
    /// Suffixes that Salesforce addresses must end with.
    package var hostSuffixes: [String]
    /// Whether plain http to loopback addresses is accepted; dev and test only.
    package var allowsLoopback: Bool
    /// Base address of ingest for webhooks; nil registers none.
    package var webhookBase: String?

    /// Makes a policy.
    package init(hostSuffixes: [String], allowsLoopback: Bool, webhookBase: String?) {
        self.hostSuffixes = hostSuffixes
        self.allowsLoopback = allowsLoopback
        self.webhookBase = webhookBase
    }
}

/// Keeps tenants' clients between runs: access tokens, field lists and tag ids are dear to fetch. What is kept follows
/// from the tenant's rows of one version; a changed row makes it anew.
final class SessionCache: Sendable {
    /// What is kept of one tenant.
    private struct Parts: Sendable {
        let version: Int64
        let connection: Connection
        let activeCampaign: ActiveCampaignGateway
        let salesforce: SalesforceGateway
        let webhookMark = DoneMark()
        let madeAt: Date
        var usedAt: ContinuousClock.Instant
    }

    private let store: Store
    private let clock: WallClock
    private let http: HTTPClient
    private let keys: KeyRing
    private let providers: ProviderPolicy
    private let paceClock: PaceClock
    private let pacers: AccountPacers
    /// Nil where no queue is: calls keep the process's own pace.
    private let pace: SharedPace?
    private let kept = Mutex<[Int32: Parts]>([:])

    init(
        store: Store, clock: WallClock, http: HTTPClient, keys: KeyRing, providers: ProviderPolicy,
        paceClock: PaceClock = .system, pace: SharedPace? = nil
    ) {
        self.pace = pace
        self.store = store
        self.clock = clock
        self.http = http
        self.keys = keys
        self.providers = providers
        self.paceClock = paceClock
        pacers = AccountPacers(clock: paceClock)
    }

    /// A session for one run, on the tenant's rows as they are now.
    func session(for tenant: ReadyTenant) async throws -> TenantSession {
        var parts: Parts
        if let known = kept.withLock({ $0[tenant.number] }), known.version == tenant.version, isFresh(known, tenant) {
            parts = known
        } else {
            parts = try await make(tenant)
        }
        parts.usedAt = .now
        keep(parts, for: tenant.number)
        return TenantSession(
            tenant: tenant, streams: try await store.streams(tenant: tenant.number), store: store,
            activeCampaign: parts.activeCampaign, salesforce: parts.salesforce,
            webhookBase: providers.webhookBase, webhookMark: parts.webhookMark)
    }

    /// Field lists change without a word to us; sooner when a mapping waits for a field to be made.
    private func isFresh(_ parts: Parts, _ tenant: ReadyTenant) -> Bool {
        let unusable = UnusableFields(
            mappings: tenant.config.mappings, activeCampaign: parts.activeCampaign, salesforce: parts.salesforce)
        let life = unusable.isEmpty ? ClusterLimits.fieldListLife : ClusterLimits.brokenFieldListLife
        return clock.now.timeIntervalSince(parts.madeAt) < life
    }

    /// Drops what is kept of a tenant whose fields or credentials turned out to be others. Not when it merely has to wait:
    /// least of all for calls, which fetching it all anew takes.
    func forget(_ tenant: Int32, after trouble: StreamTrouble) {
        switch trouble.kind {
        case .retry, .budget, .dailyLimit: return
        case .needsHuman, .bug: kept.withLock { $0[tenant] = nil }
        }
    }

    private func keep(_ parts: Parts, for tenant: Int32) {
        kept.withLock { kept in
            kept[tenant] = parts
            guard kept.count > ClusterLimits.cachedSessions else { return }
            if let oldest = kept.min(by: { $0.value.usedAt < $1.value.usedAt })?.key { kept[oldest] = nil }
        }
    }

    // MARK: - Making

    private func make(_ tenant: ReadyTenant) async throws -> Parts {
        let client = try activeCampaign(tenant)
        let catalog: FieldCatalog
        do { catalog = FieldCatalog(try await client.fields()) } catch { throw StreamTrouble(error) }
        var campaign = ActiveCampaignGateway(
            client: client, catalog: catalog, tagIDs: TagCache(), defaultListID: tenant.settings.defaultListID)
        if tenant.mapsAccountFields {
            do { campaign.accountCatalog = AccountCatalog(try await client.accountFields()) } catch {
                throw StreamTrouble(error)
            }
        }
        var org = try salesforce(tenant)
        // Another user of the org may see other fields.
        if let known = kept.withLock({ $0[tenant.number] }), known.connection == tenant.salesforce {
            org.shelf = known.salesforce.shelf
        }
        org.facts = try await facts(of: tenant, org)
        // A value can be cut only to a length that is known before it is sent (D6).
        let cut = Set(tenant.config.mappings.filter(\.truncates).map(\.object))
        _ = try await org.learn(tenant.settings.syncsAccounts ? cut : cut.subtracting([.account]))
        return Parts(
            version: tenant.version, connection: tenant.salesforce, activeCampaign: campaign, salesforce: org,
            madeAt: clock.now, usedAt: .now)
    }

    /// A describe once in a while, kept for all workers (R85).
    private func facts(of tenant: ReadyTenant, _ org: SalesforceGateway) async throws -> OrgFacts {
        if let known = try await store.orgFacts(tenant: tenant.number),
            clock.now.timeIntervalSince(known.learnedAt) < ClusterLimits.orgFactsLife
        {
            return known
        }
        let facts = try await org.learnFacts()
        try await store.keepOrgFacts(facts, tenant: tenant.number)
        return facts
    }

    private func activeCampaign(_ tenant: ReadyTenant) throws -> ActiveCampaignClient {
        let secret = try open(tenant.activeCampaign.sealedSecret, of: tenant)
        do {
            let account = try AccountURL(tenant.activeCampaign.baseURL, allowLoopback: providers.allowsLoopback)
            return try ActiveCampaignClient(
                account: account, token: String(decoding: secret, as: UTF8.self), http: http,
                pacer: pacers.pacer(of: account), clock: paceClock, admission: admission(to: account),
                onCall: { RunAccount.current?.count(CallClass($0.kind), wasSent: $0.wasSent) })
        } catch { throw StreamTrouble(error) }
    }

    private func salesforce(_ tenant: ReadyTenant) throws -> SalesforceGateway {
        let secret = try SalesforceSecret(try open(tenant.salesforce.sealedSecret, of: tenant))
        var options = providers.allowsLoopback ? SalesforceOptions.loopback : SalesforceOptions()
        options.apiVersion = tenant.salesforce.apiVersion
        if !providers.hostSuffixes.isEmpty { options.hosts.suffixes = providers.hostSuffixes.map { "." + $0 } }
        let client = SalesforceClient(
            http: http, credentials: secret.credentials(loginURL: tenant.salesforce.baseURL), options: options,
            clock: clock, refreshTokens: refreshTokens(of: tenant, secret),
            admit: { _ async throws(SalesforceError) in
                guard let account = RunAccount.current else { return }
                do throws(BudgetRefusal) { try await account.admit(.salesforce) } catch { throw SalesforceError(error) }
            }, onCall: { RunAccount.current?.count($0) })
        let settings = tenant.settings
        let isMarked = [settings.contactSelection, settings.leadSelection, settings.personAccountSelection]
            .contains(.marked)
        var gateway = SalesforceGateway(
            client: client, clock: clock, hasPackage: tenant.salesforce.isPackageInstalled,
            externalIDField: tenant.salesforce.externalIDField,
            fields: Dictionary(
                uniqueKeysWithValues: ObjectKind.allCases.map { object in
                    let mapped =
                        object == .opportunity
                        ? OpportunityRules.fields : tenant.mappings(of: object).map(\.salesforceField)
                    return (object, Set(mapped + (tenant.config.criteria[object]?.fields ?? [])).sorted())
                }),
            markerField: isMarked ? settings.markerField : nil)
        gateway.readsAccounts = settings.syncsAccounts
        gateway.assignsOnCreate = settings.usesAssignmentRule
        return gateway
    }

    /// The cluster's pace, then the tenant's allowance.
    private func admission(to account: AccountURL) -> CallAdmission {
        let (pace, name) = (pace, account.description)
        return CallAdmission(
            admit: { lanes, call throws(ActiveCampaignError) in
                try await pace?.admit(name, lanes, call)
                guard let account = RunAccount.current else { return }
                do throws(BudgetRefusal) { try await account.admit(.activeCampaign) } catch {
                    throw ActiveCampaignError(
                        .retry(after: error.wait, kind: .rateLimit, fate: .notSent), call: call, code: error.code)
                }
            }, paused: { lane, duration in pace?.pause(name, lane, for: duration) })
    }

    /// A rotated refresh token is sealed and stored before its access token is used: the old one is dead (T18).
    private func refreshTokens(of tenant: ReadyTenant, _ secret: SalesforceSecret) -> RefreshTokenStore {
        guard secret.flow == .refreshToken, let key = keys.keys.first?.publicKey else { return .none }
        let (store, keys) = (store, keys)
        return RefreshTokenStore(
            persist: { token in
                let data = try secret.replacing(refreshToken: token)
                let sealed = try SealedSecret(sealing: data, tenant: tenant.id, to: key)
                try await store.replaceSecret(tenant: tenant.id, provider: .salesforce, secret: sealed.text)
            },
            reload: {
                guard let sealed = try await store.tenantConfig(tenant.number)?.connections[.salesforce]?.sealedSecret
                else { return nil }
                return try SalesforceSecret(keys.open(SealedSecret(text: sealed), tenant: tenant.id)).refreshToken
            })
    }

    private func open(_ secret: String, of tenant: ReadyTenant) throws -> Data {
        do { return try keys.open(SealedSecret(text: secret), tenant: tenant.id) } catch {
            throw StreamTrouble(
                kind: .needsHuman, code: "secret_unreadable", message: "A sealed secret of this tenant \(error).")
        }
    }
}

extension RunAccount {
    /// A request to Salesforce has ended.
    fileprivate func count(_ record: SalesforceCallRecord) {
        count(
            CallClass(record.callClass), usage: record.usage.map { ($0.used, $0.limit) },
            requestStart: record.requestStart, isCounted: record.callClass.isCounted,
            wasSent: record.fate != .notSent)
    }
}

extension SalesforceError {
    /// A call that was not made.
    fileprivate init(_ refusal: BudgetRefusal) {
        self.init(code: refusal.code, verdict: .retry(after: refusal.wait, kind: .rateLimit, fate: .notSent))
    }
}

extension CallClass {
    fileprivate init(_ kind: ActiveCampaignCall.Kind) {
        self =
            switch kind {
            case .contactsPage, .contactsByID, .contactByEmail, .contactGet, .contactTags: .read
            case .contactSync, .contactUpdate, .contactCreate, .contactDelete: .write
            case .fields, .tags, .list: .describe
            case .bulkImport: .bulkImport
            case .importInfo: .importCheck
            case .contactTagAdd, .contactTagRemove, .tagCreate: .tag
            case .accountsPage, .accountGet, .accountValues, .accountPlaces, .deals: .read
            case .accountCreate, .accountUpdate, .accountPlaceAdd, .accountPlaceRemove, .objectRecordUpsert,
                .dealCreate,
                .dealUpdate:
                .write
            case .accountFields, .objectSchemas, .dealFields, .dealPipelines, .dealStages: .describe
            default: .other
            }
    }

    fileprivate init(_ callClass: SalesforceCallClass) {
        self =
            switch callClass {
            case .query, .read, .updated, .deleted: .read
            case .write: .write
            case .describe: .describe
            case .token: .token
            case .versions, .limits: .other
            }
    }
}
