import ArgumentParser
import Foundation
import Simulators
import SyncRules

/// Work whose calls are counted; names are those of the figures.
enum CallsScenario: String, CaseIterable, ExpressibleByArgument {
    /// One hour without a change: an hourly pull of contacts, leads, accounts and opportunities, and six batches.
    case idleHour = "idle_hour"
    /// 1,000 linked contacts changed in ActiveCampaign, in an org with the Salesforce package.
    case outboundPackage = "outbound_1000_package"
    /// The same in an org without it.
    case outboundPlain = "outbound_1000_plain"
    /// 1,000 new contacts that automations send to Salesforce.
    case create = "create_1000"
    /// 10,000 new Salesforce contacts.
    case pull = "pull_10000"
    /// 100,000 Salesforce contacts that were there before the tenant.
    case backfill = "backfill_100000"

    /// How the tenant is set up.
    var options: BenchTenant.Options {
        BenchTenant.Options(
            hasPackage: self != .outboundPlain, isLimited: true, hasObjects: self == .idleHour,
            existing: self == .backfill ? 100_000 : 0)
    }

    /// Contacts that come into ActiveCampaign by import, where their pace is a figure too.
    var imported: Int? {
        switch self {
        case .pull: 10_000
        case .backfill: 100_000
        default: nil
        }
    }

    /// Names of its figures: an org has the package unless something else is said.
    var names: [String] { self == .outboundPackage ? [rawValue, "outbound_1000"] : [rawValue] }

    /// Contacts a minute that should come in at least: the importer's limit of 25,000 (100 imports of 250) less the
    /// hundredth import, which would meet the limit whenever one is late, and less the time it takes to begin and to end.
    var leastPace: Double? { self == .backfill ? 24_000 : nil }

    /// The most calls anybody should need, to Salesforce and to ActiveCampaign; nil where nothing is said of it.
    var goals: (salesforce: Int, activeCampaign: Int?) {
        switch self {
        case .idleHour, .outboundPackage: (2, 12)
        case .outboundPlain: (3, nil)
        case .create: (4, nil)
        case .pull: (18, 200)
        case .backfill: (200, nil)
        }
    }

    /// What must be there before calls are counted.
    func prepare(_ cluster: BenchCluster, _ tenant: BenchTenant) async throws {
        switch self {
        case .idleHour, .backfill: break
        case .outboundPackage, .outboundPlain:
            tenant.enter(1_000, "Contact")
            cluster.clock.advance(by: 60)
            try await tenant.run(.inbound)
            try await tenant.run(.outbound)
            cluster.clock.advance(by: 600)
            try tenant.renumber()
        case .create: try tenant.sendToSalesforce(1_000)
        case .pull: tenant.enter(10_000, "Contact")
        }
        cluster.clock.advance(by: 60)
    }

    /// The work itself.
    func perform(_ cluster: BenchCluster, _ tenant: BenchTenant) async throws {
        switch self {
        case .idleHour:
            // Steps of a minute, as a departure is up to a minute late (R10).
            for _ in 0..<60 {
                cluster.clock.advance(by: 60)
                try await cluster.settle()
            }
        case .outboundPackage, .outboundPlain, .create: try await tenant.run(.outbound)
        case .pull: try await tenant.run(.inbound)
        case .backfill: try await tenant.backfill()
        }
    }
}
