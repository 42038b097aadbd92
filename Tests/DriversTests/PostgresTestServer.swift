import Dispatch
import Drivers
import Embedded
import Foundation
import Synchronization
import Testing

/// Private servers for the tests of the PostgreSQL driver.
enum PostgresTestServer {
    /// One server for all tests that don't hurt it.
    static let shared = Result { try launch() }

    private static let count = Mutex(0)

    /// A server of one's own, stopped and removed when the process ends.
    static func start(folder: URL? = nil) async throws -> EmbeddedPostgres {
        try await offThePool { try launch(in: folder) }
    }

    /// Stops a server without holding up other tests.
    static func stop(_ server: EmbeddedPostgres) async throws {
        try await offThePool { server.stop() }
    }

    /// Starts a server; blocks until it accepts connections.
    static func launch(in folder: URL? = nil, arguments: [String] = []) throws -> EmbeddedPostgres {
        let folder = folder ?? freshFolder()
        let server = try EmbeddedPostgres(folder: folder, durable: false, arguments: arguments)
        leftovers.withLock { $0.append((server, folder)) }
        _ = removal
        return server
    }

    /// A folder nobody else uses, not made yet.
    static func freshFolder() -> URL {
        let number = count.withLock { count in
            count += 1
            return count
        }
        return URL(fileURLWithPath: "/tmp/ferry-pg-\(getpid())-\(number)")
    }

    /// Runs what blocks on a thread of its own: the cooperative pool has one thread a core.
    static func offThePool<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Result { try body() }) }
        }
    }

    private static let leftovers = Mutex<[(EmbeddedPostgres, URL)]>([])
    private static let removal: Void = {
        atexit {
            for (server, folder) in PostgresTestServer.leftovers.withLock({ $0 }) {
                server.stop()
                try? FileManager.default.removeItem(at: folder)
            }
        }
    }()

    /// A pool on the shared server.
    static func pool(
        maximum: Int = 4, _ adjust: (inout PostgresConfiguration) -> Void = { _ in }
    ) throws -> PostgresPool {
        try pool(on: shared.get(), maximum: maximum, adjust)
    }

    static func pool(
        on server: EmbeddedPostgres, maximum: Int = 4, _ adjust: (inout PostgresConfiguration) -> Void = { _ in }
    ) throws -> PostgresPool {
        var configuration = try PostgresConfiguration(url: server.url(database: "postgres"))
        configuration.maximumConnections = maximum
        adjust(&configuration)
        return PostgresPool(configuration)
    }
}

/// The `PostgresError` that `body` throws.
func postgresError<Value>(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Value
) async throws -> PostgresError {
    do {
        _ = try await body()
    } catch let error as PostgresError {
        return error
    }
    Issue.record("expected a PostgresError", sourceLocation: sourceLocation)
    throw CancellationError()
}

/// Looks again and again until `condition` holds, for at most `limit`.
func postgresEventually(
    within limit: Duration = .seconds(20), sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            Issue.record("the condition did not come true within \(limit)", sourceLocation: sourceLocation)
            return
        }
        try await Task.sleep(for: .milliseconds(5))  // a look at a condition
    }
}
