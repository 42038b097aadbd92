import ArgumentParser
import Cluster
import Drivers
import Foundation
import JobQueue
import Store
import SyncRules

/// `ferry tenants why`.
struct TenantsWhy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Tell the one thing that keeps a tenant from running, and the instant it will.",
        discussion: "Ends with 1 when only a human can end it.")

    @Argument(help: "The tenant's id.")
    var tenant: String

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let obstacle = try await Control.run("tenants") { runtime in
            let store = runtime.store
            let row = try await Control.tenant(tenant, in: store)
            let queue = try runtime.queue()
            let now = runtime.clock.now
            let document = try await store.show(tenant)
            let alive = try await store.workers().filter {
                now.timeIntervalSince($0.seenAt) < StoreLimits.workerSilence
            }
            let reason = try await Control.unlessWiped { () async throws(JobQueueError) in
                try await queue.why(tenant: row.number)
            }
            return TenantObstacle(
                tenant: row, document: document, streams: try await store.streams(tenant: row.number),
                queue: try await store.queueSwitch(), workers: alive, reason: reason,
                revival: try await Self.revival(of: row.number, reason, on: queue), now: now)
        }
        try output.print(obstacle) { obstacle.text }
        if obstacle.needsHuman { throw ExitCode.failure }
    }

    /// When the first of a tenant's dead letters is tried again; nil when it has none.
    private static func revival(of tenant: Int32, _ reason: TenantReason?, on queue: JobQueue) async throws -> Date? {
        guard case .dead(let kinds) = reason else { return nil }
        let letters = try await queue.deadLetters(of: kinds.map { JobKey(tenant: tenant, kind: $0) })
        return letters.map(\.buriedAt).min()?.addingTimeInterval(ClusterLimits.humanRetry)
    }
}

/// The one thing that keeps a tenant from running: of all that do, the one that would still do so if the others were gone.
/// Pure: everything comes in.
struct TenantObstacle: Encodable {
    let tenant: String
    /// Stable word: `paused`, `waiting`, `running`, ….
    let code: String
    let why: String
    /// When it will run; nil when that is not an instant, or a human must act first.
    private(set) var until: Date?
    private(set) var needsHuman = false

    var text: String {
        let when = until.map { " Until \($0.formatted(.iso8601))." } ?? ""
        return "\(tenant): \(why)\(when)"
    }

    private init(_ tenant: String, _ code: String, _ why: String, until: Date? = nil, needsHuman: Bool = false) {
        self.tenant = tenant
        self.code = code
        self.why = why
        self.until = until
        self.needsHuman = needsHuman
    }

    init(
        tenant: TenantSummary, document: TenantDocument, streams: [StreamRow], queue: QueueSwitch,
        workers: [WorkerRow], reason: TenantReason?, revival: Date? = nil, now: Date
    ) {
        self =
            Self.rows(tenant, document, streams)
            ?? Self.cluster(tenant.id, queue, workers)
            ?? Self.queued(tenant.id, reason, revival, isDue: streams.contains { $0.isDue(at: now) })
            ?? Self.schedule(tenant.id, streams, now)
    }

    // MARK: - What only a human ends

    private static func rows(
        _ tenant: TenantSummary, _ document: TenantDocument, _ streams: [StreamRow]
    ) -> TenantObstacle? {
        func stop(_ code: String, _ why: String) -> TenantObstacle {
            TenantObstacle(tenant.id, code, why, needsHuman: true)
        }
        switch tenant.state {
        case .paused:
            return stop(
                "paused",
                "it is paused\(tenant.pauseReason.map { ": \($0)" } ?? ""). `ferry tenants resume \(tenant.id)` ends that."
            )
        case .removed: return stop("removed", "it is removed. `ferry tenants resume \(tenant.id)` takes that back.")
        case .active: break
        }
        if document.settings == nil { return stop("no_settings", "it has no row in sync_settings; insert one.") }
        let providers = Set((document.connections ?? []).map(\.provider))
        for provider in ["activecampaign", "salesforce"] where !providers.contains(provider) {
            return stop("no_connection", "it has no row in connections for \(provider); insert one.")
        }
        if !streams.contains(where: \.isEnabled) { return stop("switched_off", "all of its streams are switched off.") }
        return nil
    }

    private static func cluster(_ id: String, _ queue: QueueSwitch, _ workers: [WorkerRow]) -> TenantObstacle? {
        if queue.mode != .running {
            let reason = queue.reason.map { ": \($0)" } ?? ""
            return TenantObstacle(
                id, "queue_\(queue.mode.rawValue)",
                "the whole queue is \(queue.mode.rawValue)\(reason). `ferry queue resume` ends that.", needsHuman: true)
        }
        if workers.isEmpty {
            return TenantObstacle(id, "no_worker", "no worker reports. Start `ferry worker`.", needsHuman: true)
        }
        if workers.allSatisfy({ $0.state != .running }) {
            return TenantObstacle(
                id, "workers_quiet", "all workers are quiet. `ferry workers resume --all` ends that.", needsHuman: true)
        }
        return nil
    }

    // MARK: - What the queue says

    /// - Parameters:
    ///   - reason: nil when Redis was wiped.
    ///   - revival: when a dead letter is tried again.
    private static func queued(
        _ id: String, _ reason: TenantReason?, _ revival: Date?, isDue: Bool
    ) -> TenantObstacle? {
        switch reason {
        case nil:
            TenantObstacle(id, "queue_lost", "Redis lost the queue; a running scheduler rebuilds it within seconds.")
        case .running(let kinds):
            TenantObstacle(id, "running", "nothing: it runs \(kinds.joined(separator: " and ")) now.")
        case .ready: TenantObstacle(id, "ready", "nothing: it is queued, and its turn comes.")
        case .atLimit(let running):
            TenantObstacle(
                id, "at_limit", "\(running) of its jobs run, as many as may; the next follows when one ends.")
        case .parked(let until, let reason): TenantObstacle(id, "parked", "it is parked: \(reason).", until: until)
        case .paused(let reason):
            TenantObstacle(id, "queue_tenant_paused", "it is paused on the queue: \(reason).", needsHuman: true)
        case .delayed(let until): TenantObstacle(id, "delayed", "its job waits for its time.", until: until)
        case .dead(let kinds):
            TenantObstacle(
                id, "dead",
                "workers died under its \(kinds.joined(separator: " and ")) job; it is tried again every 15 "
                    + "minutes. `ferry queue dead retry --tenant \(id) --yes` tries now.", until: revival)
        case .idle where isDue:
            TenantObstacle(
                id, "unplaced", "it is due and no scheduler has placed it yet. Is a `ferry scheduler` running?")
        case .idle: nil
        }
    }

    // MARK: - What its streams say

    private static func schedule(_ id: String, _ streams: [StreamRow], _ now: Date) -> TenantObstacle {
        let enabled = streams.filter(\.isEnabled)
        guard let next = enabled.min(by: { $0.nextRunAt < $1.nextRunAt }) else {
            return TenantObstacle(id, "switched_off", "all of its streams are switched off.", needsHuman: true)
        }
        let name = "\(next.direction.name) \(next.object.name)"
        guard next.failures == 0 else {
            return TenantObstacle(
                id, "failing",
                "\(name) is \(next.state) after \(next.failures) failures: "
                    + "\(next.lastError ?? next.errorCode ?? "no reason"). It is tried again.", until: next.nextRunAt,
                needsHuman: next.state == "needs attention")
        }
        return TenantObstacle(id, "waiting", "nothing is due; \(name) runs next.", until: next.nextRunAt)
    }
}
