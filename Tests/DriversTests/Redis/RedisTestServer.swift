import Drivers
import Embedded
import Foundation
import Testing

/// A Redis server of one's own; the shared one is for tests that do it no harm.
final class RedisTestServer: Sendable {
    private let folder: URL
    let redis: EmbeddedRedis

    static let shared: RedisTestServer? = {
        let server = try? RedisTestServer()
        atexit { RedisTestServer.shared?.stop() }
        return server
    }()

    init(arguments: [String] = []) throws {
        folder = Self.newFolder()
        redis = try EmbeddedRedis(folder: folder, durable: false, arguments: arguments)
    }

    /// A second server where the first one was.
    init(takingOver other: RedisTestServer) throws {
        folder = other.folder
        redis = try EmbeddedRedis(folder: folder, durable: false)
    }

    func client(_ adjust: (inout RedisOptions) -> Void = { _ in }) throws -> RedisClient {
        var options = RedisOptions()
        options.connections = 1
        adjust(&options)
        return try RedisClient(url: redis.url, options: options)
    }

    func stop() {
        redis.stop()
        try? FileManager.default.removeItem(at: folder)
    }

    private static func newFolder() -> URL {
        URL(fileURLWithPath: "/tmp/ferry-redis-\(UInt32.random(in: 0 ... .max))")
    }
}

/// Waits for a condition that has no event, at most `seconds`.
func eventually(
    seconds: Int = 20, _ comment: Comment, _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while try await !condition() {
        try #require(ContinuousClock.now < deadline, comment)
        try await Task.sleep(for: .milliseconds(5))  // a look at a condition
    }
}

/// The error a body throws.
func redisError(_ body: () async throws(RedisError) -> some Any) async -> RedisError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error
    }
}
