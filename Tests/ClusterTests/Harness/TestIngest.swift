import Cluster
import Drivers
import Logging
import Store

/// Ingest on a free port, with the inbox behind it.
final class TestIngest: Sendable {
    /// Its address, without a slash at the end.
    let base: String
    private let tasks: [Task<Void, any Error>]

    private init(base: String, tasks: [Task<Void, any Error>]) {
        self.base = base
        self.tasks = tasks
    }

    static func start(store: Store, clock: WallClock) async throws -> TestIngest {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let (ports, bound) = AsyncStream<Int>.makeStream()
        let inbox = ChangeInbox(logger: logger) { hints in
            try await store.recordChanges(
                hints.map { SeenChange(tenant: $0.tenant, contactID: $0.contactID) }, now: clock.now)
        }
        let server = IngestServer(
            host: "127.0.0.1", port: 0, inbox: inbox, logger: logger,
            lookup: { hash in try await store.tenant(forTokenHash: hash) }, report: { _, _ in },
            onBound: { bound.yield($0) })
        let tasks = [Task { try await inbox.run() }, Task { try await server.run() }]
        for await port in ports { return TestIngest(base: "http://127.0.0.1:\(port)", tasks: tasks) }
        throw CancellationError()
    }

    func stop() async {
        for task in tasks {
            task.cancel()
            _ = try? await task.value
        }
    }
}
