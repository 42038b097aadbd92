import Drivers
import Embedded
import Foundation
import Testing

@Suite(.timeLimit(.minutes(3))) struct RedisFaultTests {
    @Test func aCommandUnderWayWhenTheServerIsKilledHasAnUnknownFate() async throws {
        let server = try RedisTestServer()
        defer { server.stop() }
        let client = try server.client { $0.commandTimeout = .seconds(30) }
        let channel = client.blockingChannel()
        _ = try await client.send("PING")
        let call = Task {
            await redisError { () throws(RedisError) in
                try await channel.popFirst(of: ["nothing"], timeout: .seconds(60)) as Any
            }
        }
        try await eventually("nobody blocks") {
            try await client.send("CLIENT", "LIST").text?.contains("cmd=blpop") == true
        }
        try server.redis.server.signal(SIGKILL)
        let error = await call.value
        #expect(error?.code == .connectionLost)
        #expect(error?.fate == .unknown)
        #expect(error?.retryability == .ifIdempotent)
        await channel.close()
        await client.close()
    }

    @Test func aClientWorksAgainAfterTheServerCameBack() async throws {
        let server = try RedisTestServer()
        let client = try server.client { $0.commandTimeout = .seconds(30) }
        _ = try await client.send("PING")
        try server.redis.server.signal(SIGKILL)
        server.redis.server.waitUntilExit()
        // Not sent yet, so it waits for the next server instead of failing.
        let early = Task { () throws(RedisError) in try await client.send("ECHO", "early") }
        let next = try RedisTestServer(takingOver: server)
        defer { next.stop() }
        switch await early.result {
        case .success(let value): #expect(value.text == "early")
        case .failure(let error): #expect((error as? RedisError)?.fate == .unknown)
        }
        #expect(try await client.send("ECHO", "again").text == "again")
        await client.close()
    }

    @Test func withoutAServerACommandFailsAtItsDeadlineUnsent() async throws {
        let client = try RedisClient(url: "unix:///tmp/ferry-no-such-socket")
        let error = await redisError { () throws(RedisError) in
            try await client.send(RedisCommand("PING"), timeout: .milliseconds(200))
        }
        #expect(error?.code == .notConnected)
        #expect(error?.fate == .notSent)
        #expect(error?.retryability == .safe)
        await client.close()
    }

    @Test func aStoppedServerIsNoticedAndTheConnectionReplaced() async throws {
        let server = try RedisTestServer()
        defer { server.stop() }
        let client = try server.client {
            $0.commandTimeout = .milliseconds(300)
            $0.connectTimeout = .milliseconds(300)
        }
        let before = try await client.send("CLIENT", "ID").number
        try server.redis.server.signal(SIGSTOP)
        let error = await redisError { () throws(RedisError) in try await client.send("PING") }
        #expect(error?.fate == .unknown)
        let second = await redisError { () throws(RedisError) in try await client.send("PING") }
        #expect(second != nil, "a stopped server answers nobody")
        try server.redis.server.signal(SIGCONT)
        let after = try await client.send(RedisCommand("CLIENT", "ID"), timeout: .seconds(20)).number
        #expect(after != before)
        await client.close()
    }

    @Test func aSocketThatNeverAnswersDoesNotHoldCallers() async throws {
        let listener = try SilentListener()
        var options = RedisOptions()
        options.connectTimeout = .milliseconds(100)
        let client = try RedisClient(url: "redis://127.0.0.1:\(listener.port)", options: options)
        let error = await redisError { () throws(RedisError) in
            try await client.send(RedisCommand("PING"), timeout: .milliseconds(500))
        }
        #expect(error?.code == .notConnected)
        #expect(error?.fate == .notSent)
        await client.close()
    }

    @Test func aReplyOf100MegabytesIsRefused() async throws {
        let server = try RedisTestServer()
        defer { server.stop() }
        let client = try server.client { $0.commandTimeout = .seconds(30) }
        _ = try await client.send("SETRANGE", "big", "\(100 << 20)", "x")
        let error = await redisError { () throws(RedisError) in try await client.send("GET", "big") }
        #expect(error?.code == .replyTooLarge)
        #expect(error?.retryability == .never)
        let script = "local a = {} for i = 1, 2000000 do a[i] = 'some element' end return a"
        let array = await redisError { () throws(RedisError) in try await client.send("EVAL", script, "0") }
        #expect(array?.code == .replyTooLarge, "many small elements are one large reply as well")
        #expect(try await client.send("ECHO", "on").text == "on")
        await client.close()
    }

    @Test func waitingCommandsAreBounded() async throws {
        let client = try RedisClient(
            address: RedisAddress("unix:///tmp/ferry-no-such-socket"),
            options: {
                var options = RedisOptions()
                options.connections = 1
                options.waitingCommands = 10
                options.commandTimeout = .milliseconds(300)
                return options
            }())
        let codes = await withTaskGroup(of: RedisError.Code?.self) { group in
            for _ in 0..<25 {
                group.addTask { await redisError { () throws(RedisError) in try await client.send("PING") }?.code }
            }
            return await group.reduce(into: [RedisError.Code?]()) { $0.append($1) }
        }
        #expect(codes.count { $0 == .tooManyWaiting } == 15)
        #expect(codes.count { $0 == .notConnected } == 10)
        let later = await redisError { () throws(RedisError) in try await client.send("PING") }
        #expect(later?.code == .notConnected, "room is given back")
        await client.close()
    }

    @Test func aServerThatTurnedReadOnlyCostsTheConnection() async throws {
        let server = try RedisTestServer()
        defer { server.stop() }
        let client = try server.client()
        let before = try await client.send("CLIENT", "ID").number
        _ = try await client.send("REPLICAOF", "127.0.0.1", "1")
        // A replica without its master serves reads and refuses writes.
        let error = await redisError { () throws(RedisError) in try await client.send("SET", "a", "1") }
        #expect(error?.code == .server("READONLY"))
        #expect(error?.retryability == .safe)
        let after = try await client.send("CLIENT", "ID").number
        #expect(after != before)
        await client.close()
    }

    @Test func aWrongPasswordIsToldAtOnce() async throws {
        let server = try RedisTestServer(arguments: ["--requirepass", "right"])
        defer { server.stop() }
        let good = RedisClient(
            address: RedisAddress(.unix(path: server.redis.socketPath), password: "right", database: 3))
        #expect(try await good.send("PING") == .status("PONG"))
        #expect(try await good.send("CLIENT", "LIST").text?.contains("db=3") == true)
        let bad = RedisClient(address: RedisAddress(.unix(path: server.redis.socketPath), password: "wrong-one"))
        let error = await redisError { () throws(RedisError) in try await bad.send("PING") }
        #expect(error?.code == .authentication)
        #expect(error?.description.contains("wrong-one") == false)
        await good.close()
        await bad.close()
    }

    @Test func aHostNameIsResolved() async throws {
        let port = Int.random(in: 20_000..<30_000)
        let server = try RedisTestServer(arguments: ["--port", "\(port)", "--bind", "127.0.0.1"])
        defer { server.stop() }
        let client = try RedisClient(url: "redis://localhost:\(port)/1")
        #expect(try await client.send("PING") == .status("PONG"))
        await client.close()
    }
}

/// Accepts connections in the kernel and never reads from them.
private final class SilentListener: Sendable {
    let port: UInt16
    private let descriptor: Int32

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        port = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length)
                getsockname(descriptor, $0, &length)
            }
            return UInt16(bigEndian: pointer.pointee.sin_port)
        }
        try #require(listen(descriptor, 8) == 0)
    }

    deinit { close(descriptor) }
}
