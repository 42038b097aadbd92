import Drivers
import Foundation
import Testing

@Suite(.timeLimit(.minutes(2))) struct RedisClientTests {
    private let server: RedisTestServer

    init() throws {
        server = try #require(RedisTestServer.shared)
    }

    @Test func everyKindOfReplyIsRead() async throws {
        let client = try server.client()
        let key = "kinds-\(UUID())"
        #expect(try await client.send("SET", key, "value") == .status("OK"))
        #expect(try await client.send("GET", key) == .bytes(Array("value".utf8)))
        #expect(try await client.send("GET", key + "-missing") == .null)
        #expect(try await client.send("STRLEN", key) == .integer(5))
        let nested = try await client.send("EVAL", "return {1, {'a', false}, {err='NOPE x'}}", "0")
        let error = RedisError(.server("NOPE"), fate: .answered, "NOPE x")
        #expect(nested == .array([.integer(1), .array([.bytes([97]), .null]), .error(error)]))
        await client.close()
    }

    @Test func bytesTravelUnchanged() async throws {
        let client = try server.client()
        let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let key = Array("bytes-\(UUID())".utf8)
        _ = try await client.send(RedisCommand([Array("SET".utf8), key, bytes]))
        #expect(try await client.send(RedisCommand([Array("GET".utf8), key])).rawBytes == bytes)
        await client.close()
    }

    @Test func anErrorOfTheServerIsThrownWithItsPrefixAndWithoutArguments() async throws {
        let client = try server.client()
        let error = await redisError { () throws(RedisError) in try await client.send("NOSUCH", "private-value") }
        #expect(error?.code == .server("ERR"))
        #expect(error?.fate == .answered)
        #expect(error?.retryability == .never)
        #expect(error?.description.contains("private-value") == false)
        #expect(try await client.send("PING") == .status("PONG"), "the connection stays")
        await client.close()
    }

    @Test func aPipelineAnswersInOrderAndOneErrorSparesTheOthers() async throws {
        let client = try server.client()
        let results = await client.pipeline([
            RedisCommand("ECHO", "a"), RedisCommand("NOSUCH"), RedisCommand("ECHO", "c"),
        ])
        #expect(results.count == 3)
        #expect(try results[0].get().text == "a")
        #expect(throws: RedisError.self) { try results[1].get() }
        #expect(try results[2].get().text == "c")
        #expect(await client.pipeline([]).isEmpty)
        await client.close()
    }

    @Test func aThousandConcurrentCallersGetTheirOwnAnswers() async throws {
        let client = try server.client { $0.connections = 2 }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<1_000 {
                group.addTask {
                    for call in 0..<20 {
                        let text = "\(caller)/\(call)"
                        let answer = try await client.send("ECHO", text)
                        #expect(answer.text == text)
                    }
                }
            }
            try await group.waitForAll()
        }
        await client.close()
    }

    @Test func cancellationKeepsTheConnectionInStep() async throws {
        let client = try server.client()
        _ = try await client.send("PING")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<500 {
                let task = Task { () throws(RedisError) in try await client.send("ECHO", "\(caller)") }
                if caller % 2 == 0 { task.cancel() }
                group.addTask {
                    do {
                        let answer = try await task.value
                        #expect(answer.text == "\(caller)")
                    } catch {
                        #expect((error as? RedisError)?.code == .cancelled)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await client.send("ECHO", "after").text == "after")
        await client.close()
    }

    @Test func aCommandTooLongIsRefusedBeforeItIsSent() async throws {
        let client = try server.client()
        let long = [UInt8](repeating: 1, count: RedisLimits.commandBytes)
        let error = await redisError { () throws(RedisError) in
            try await client.send(RedisCommand([Array("ECHO".utf8), long]))
        }
        #expect(error?.code == .commandTooLarge)
        #expect(error?.fate == .notSent)
        await client.close()
    }

    @Test func aClosedClientRefuses() async throws {
        let client = try server.client()
        _ = try await client.send("PING")
        await client.close()
        let error = await redisError { () throws(RedisError) in try await client.send("PING") }
        #expect(error?.code == .closed)
    }

    @Test func aBlockingPopWaitsForItsElement() async throws {
        let client = try server.client()
        let channel = client.blockingChannel()
        let key = "list-\(UUID())"
        async let popped = channel.popFirst(of: [key + "-other", key], timeout: .seconds(30))
        try await eventually("nobody blocks on the list") { try await blockedClients(client) > 0 }
        _ = try await client.send("RPUSH", key, "x")
        let result = try await popped
        #expect(result?.key == key)
        #expect(result?.element.text == "x")
        #expect(try await channel.popFirst(of: [key], timeout: .milliseconds(20)) == nil)
        await channel.close()
        await client.close()
    }

    @Test func aCancelledBlockingPopTakesNothing() async throws {
        let client = try server.client()
        let channel = client.blockingChannel()
        let key = "list-\(UUID())"
        let popping = Task { () throws(RedisError) in
            try await channel.popFirst(of: [key], timeout: .seconds(60)) != nil
        }
        try await eventually("nobody blocks on the list") {
            try await client.send("CLIENT", "LIST").text?.contains("cmd=blpop") == true
        }
        popping.cancel()
        await #expect(throws: RedisError.self) { try await popping.value }
        try await eventually("the server still blocks") {
            try await client.send("CLIENT", "LIST").text?.contains("cmd=blpop") == false
        }
        _ = try await client.send("RPUSH", key, "x")
        #expect(try await channel.popFirst(of: [key], timeout: .seconds(5))?.element.text == "x")
        await channel.close()
        await client.close()
    }

    private func blockedClients(_ client: RedisClient) async throws -> Int {
        let info = try await client.send("INFO", "clients").text ?? ""
        let line = info.split(separator: "\r\n").first { $0.hasPrefix("blocked_clients:") }
        return line.flatMap { Int($0.dropFirst("blocked_clients:".count)) } ?? 0
    }
}
