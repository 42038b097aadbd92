import Cluster
import Foundation
import Store
import Synchronization

/// A worker process's line in the roll of workers: what it tells, and what it is told.
final class WorkerEnrolment: Sendable {
    private let store: Store
    private let name: String
    private let concurrency: Int
    private let isEnrolled = Mutex(false)

    init(store: Store, name: String, concurrency: Int) {
        self.store = store
        self.name = name
        self.concurrency = concurrency
    }

    /// Reports the worker's state; what it learns are its orders.
    func orders(_ state: RoleState) async throws -> RoleOrder {
        if !isEnrolled.withLock({ $0 }) {
            try await store.enroll(
                worker: name, host: ProcessInfo.processInfo.hostName,
                processID: ProcessInfo.processInfo.processIdentifier, concurrency: concurrency)
            isEnrolled.withLock { $0 = true }
        }
        let reported: WorkerState =
            switch state {
            case .working: .running
            case .ending: .stopping
            case .resting: .quiet
            }
        let orders = try await store.report(worker: name, state: reported)
        // Another process of the same name left, or the roll was restored from a backup.
        if !orders.isEnrolled { isEnrolled.withLock { $0 = false } }
        let order = Self.order(orders)
        MetricCatalog.gauge("ferry_worker_quiet", order == .work ? 0 : 1)
        return order
    }

    /// A worker's own wish weighs more than the queue's switch.
    static func order(_ orders: WorkerOrders) -> RoleOrder {
        switch (orders.wish, orders.mode) {
        case (.stop, _): .leave
        case (.quiet, _), (nil, .paused): .rest
        case (nil, .running), (nil, .draining): .work
        }
    }

    /// Takes the line off the roll; without PostgreSQL it is forgotten after a day.
    func leave() async { try? await store.dismiss(worker: name) }
}
