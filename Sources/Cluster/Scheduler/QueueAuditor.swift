import Drivers
import Foundation
import JobQueue
import Logging
import Store
import Synchronization

/// Compares what PostgreSQL says is on the queue with what is: a claimed stream that is in no queue is claimed anew, and
/// jobs of tenants that are gone are dropped. Several audit side by side; nothing they do hurts when it is done twice.
///
/// An audit looks at a bounded number of pages and the next one goes on behind them. When it dies the next one begins at
/// the longest overdue stream.
final class QueueAuditor: Sendable {
    /// What an audit found.
    struct Findings: Hashable, Sendable {
        /// Streams that were claimed and nowhere.
        var readded = 0
        /// Jobs of tenants that are gone.
        var dropped = 0
    }

    private struct Place {
        var last: DueStream?
        var walk = TenantWalk()
    }

    private let store: Store
    private let queue: JobQueue
    private let clock: WallClock
    private let logger: Logger
    private let place = Mutex(Place())

    init(store: Store, queue: JobQueue, clock: WallClock, logger: Logger) {
        self.store = store
        self.queue = queue
        self.clock = clock
        self.logger = logger
    }

    /// Looks at the next pages of both sides.
    func runOnce() async throws -> Findings {
        Findings(readded: try await readd(), dropped: try await drop())
    }

    // MARK: - Claimed, and on no queue

    private func readd() async throws -> Int {
        var readded = 0
        for _ in 0..<ClusterLimits.auditPages {
            let now = clock.now
            let page = try await store.claimedPage(
                after: place.withLock { $0.last }, limit: ClusterLimits.auditPage,
                claimEndsBy: now.addingTimeInterval(ClusterLimits.claimSeconds - ClusterLimits.auditPatience), now: now)
            readded += try await compare(page)
            let isLast = page.count < ClusterLimits.auditPage
            place.withLock { $0.last = isLast ? nil : page.last }
            if isLast { break }
        }
        return readded
    }

    private func compare(_ streams: [DueStream]) async throws -> Int {
        let places = try await queue.places(of: streams.map(\.job))
        let lost = zip(streams, places).filter { $0.1 == .nowhere }.map(\.0)
        // Its run may have ended since the page was read: then it is not due any more and its claim stays.
        let readded = try await store.releaseClaims(of: lost, now: clock.now)
        MetricCatalog.count("ferry_audited_streams_total", streams.count)
        MetricCatalog.count("ferry_audit_readded_total", readded)
        let dead = zip(streams, places).filter { $0.1 == .dead }.map(\.0.job)
        if !dead.isEmpty { try await revive(Set(dead)) }
        return readded
    }

    /// A job whose workers died under it several times in a row is a dead letter: it says so in its streams' rows, and is
    /// tried again after a while, so that a bad night of the machines needs no human.
    func revive(_ keys: Set<JobKey>) async throws {
        for letter in try await queue.deadLetters(of: Array(keys)) {
            let isRested = clock.now.timeIntervalSince(letter.buriedAt) >= ClusterLimits.humanRetry
            if isRested, try await queue.retryDead(letter.key) { continue }
            logger.error("a job died again and again", metadata: ["job": "\(letter.key)", "code": "\(letter.code)"])
            guard let kind = JobKind(rawValue: letter.key.kind), kind != .imports, kind != .sweep else { continue }
            try await store.reportDeadJob(tenant: letter.key.tenant, direction: kind.direction, code: letter.code)
        }
    }

    // MARK: - On the queue, and gone

    private func drop() async throws -> Int {
        var dropped = 0
        for _ in 0..<ClusterLimits.auditPages {
            var walk = place.withLock { $0.walk }
            let page = try await queue.nextTenants(&walk)
            place.withLock { $0.walk = walk }
            guard let page else { break }
            let gone = try await store.goneTenants(among: Array(Set(page)))
            if !gone.isEmpty { dropped += try await queue.forget(tenants: gone) }
        }
        MetricCatalog.count("ferry_audit_dropped_total", dropped)
        return dropped
    }
}
