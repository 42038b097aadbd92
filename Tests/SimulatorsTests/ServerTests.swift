import Foundation
import Synchronization
import Testing

@testable import Simulators

/// A provider that echoes, for tests of the server around it.
private final class EchoProvider: SimulatedProvider {
    let handled = Mutex(0)
    let revoked = Mutex(0)

    func handle(_ request: SimulatedRequest) async -> SimulatedResponse? {
        guard request.path.hasPrefix("/echo") else { return nil }
        handled.withLock { $0 += 1 }
        let text =
            request.query.map { "\($0.name)=\($0.value);" }.joined() + String(decoding: request.body, as: UTF8.self)
        return SimulatedResponse(status: 200, headers: [("X-Path", request.path)], body: Data(text.utf8))
    }

    func identify(_ request: SimulatedRequest) -> SimulatedCallIdentity? {
        request.path.hasPrefix("/echo")
            ? SimulatedCallIdentity(account: request.headers["x-account"], callClass: "echo") : nil
    }

    func revokeToken(of request: SimulatedRequest) { revoked.withLock { $0 += 1 } }
}

@Suite(.timeLimit(.minutes(2)))
struct ServerTests {
    private static func serve(
        _ provider: EchoProvider = EchoProvider(), _ body: (SimulatorServer, Int) async throws -> Void
    ) async throws {
        let server = SimulatorServer(clock: SimulatorClock(), providers: [provider])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            do {
                try await body(server, try await server.port)
            } catch {
                await server.stop()
                throw error
            }
            await server.stop()
            try await group.waitForAll()
        }
    }

    private static func get(_ path: String, headers: String = "") -> String {
        "GET \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\(headers)\r\n"
    }

    @Test func decodesPathAndQueryAndSetsTheDate() async throws {
        try await Self.serve { _, port in
            let answer = await RawClient.exchange(port: port, Self.get("/echo/a%20b?q=x+y%3D&ids[]=1&ids[]=2"))
            #expect(answer.text.hasPrefix("HTTP/1.1 200"))
            #expect(answer.text.contains("X-Path: /echo/a b\r\n"))
            #expect(answer.text.contains(" GMT\r\n"))
            #expect(answer.text.hasSuffix("q=x y=;ids[]=1;ids[]=2;"))
        }
    }

    @Test func anUnknownPathIs404() async throws {
        try await Self.serve { _, port in
            #expect(await RawClient.exchange(port: port, Self.get("/nothing")).text.hasPrefix("HTTP/1.1 404"))
        }
    }

    @Test func gzipBodiesAreUndoneAndOthersRefused() async throws {
        // `printf hello | gzip -n`
        let body = Data(base64Encoded: "H4sIAAAAAAAAA8tIzcnJBwCGphA2BQAAAA==") ?? Data()
        let head = "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: \(body.count)\r\n"
        try await Self.serve { _, port in
            let plain = await RawClient.exchange(port: port, head + "Content-Encoding: gzip\r\n\r\n", body)
            #expect(plain.text.hasSuffix("\r\n\r\nhello"))
            let cut = await RawClient.exchange(port: port, head + "Content-Encoding: br\r\n\r\n", body)
            #expect(cut.text.hasPrefix("HTTP/1.1 415"))
        }
    }

    @Test func aFaultStrikesAsOftenAsPlanned() async throws {
        try await Self.serve { server, port in
            let id = server.faults.add(
                .answer(status: 503, body: .html("<h1>down</h1>")), on: FaultMatch(pathPrefix: "/echo"),
                .times(2, skipping: 1))
            var statuses: [String] = []
            for _ in 0..<4 {
                statuses.append(
                    String(await RawClient.exchange(port: port, Self.get("/echo")).text.prefix(12).suffix(3)))
            }
            #expect(statuses == ["200", "503", "503", "200"])
            #expect(server.faults.strikes(of: id) == 2)
        }
    }

    @Test func aFaultOfOneAccountLeavesOthersAlone() async throws {
        try await Self.serve { server, port in
            server.faults.add(
                .answer(status: 500, body: .json("{}")), on: FaultMatch(account: "a", method: "GET", callClass: "echo"),
                .rate(1))
            let struck = await RawClient.exchange(port: port, Self.get("/echo", headers: "X-Account: a\r\n"))
            #expect(struck.text.hasPrefix("HTTP/1.1 500") && struck.text.hasSuffix("{}"))
            #expect(
                await RawClient.exchange(port: port, Self.get("/echo", headers: "X-Account: b\r\n")).text.hasPrefix(
                    "HTTP/1.1 200"))
            server.faults.removeAll()
            #expect(
                await RawClient.exchange(port: port, Self.get("/echo", headers: "X-Account: a\r\n")).text.hasPrefix(
                    "HTTP/1.1 200"))
        }
    }

    @Test func aCutBodyIsShorterThanDeclared() async throws {
        let provider = EchoProvider()
        try await Self.serve(provider) { server, port in
            server.faults.add(.cutBody)
            let answer = await RawClient.exchange(port: port, Self.get("/echo?name=12345"))
            #expect(answer.text.contains("Content-Length: 11\r\n"))
            #expect(answer.text.hasSuffix("\r\n\r\nname="))
            #expect(provider.handled.withLock { $0 } == 1)
        }
    }

    @Test func aResetLeavesNoAnswerAndRunsNothing() async throws {
        let provider = EchoProvider()
        try await Self.serve(provider) { server, port in
            server.faults.add(.reset)
            let answer = await RawClient.exchange(port: port, Self.get("/echo"))
            #expect(answer.text.isEmpty && answer.wasReset)
            #expect(provider.handled.withLock { $0 } == 0)
        }
    }

    @Test func aLostAnswerWasHandled() async throws {
        let provider = EchoProvider()
        try await Self.serve(provider) { server, port in
            server.faults.add(.loseAnswer)
            let answer = await RawClient.exchange(port: port, Self.get("/echo"))
            #expect(answer.text.isEmpty)
            #expect(provider.handled.withLock { $0 } == 1)
        }
    }

    @Test func aStallDelaysAndARevocationReachesTheProvider() async throws {
        let provider = EchoProvider()
        try await Self.serve(provider) { server, port in
            server.faults.add(.stall(seconds: 0.2))
            server.faults.add(.revokeToken)
            let start = ContinuousClock.now
            #expect(await RawClient.exchange(port: port, Self.get("/echo")).text.hasPrefix("HTTP/1.1 200"))
            #expect(ContinuousClock.now - start >= .seconds(0.2))
            #expect(provider.revoked.withLock { $0 } == 0)
            #expect(await RawClient.exchange(port: port, Self.get("/echo")).text.hasPrefix("HTTP/1.1 200"))
            #expect(provider.revoked.withLock { $0 } == 1)
        }
    }

    @Test func salesforceIsServedUnderItsOwnAddress() async throws {
        let caller = try SalesforceCaller()
        let server = SimulatorServer(
            clock: caller.clock, providers: [caller.simulator], faults: caller.simulator.faults)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let port = try await server.port
            #expect(caller.simulator.instanceURL == "http://127.0.0.1:\(port)")
            let authorization = "Authorization: Bearer \(caller.token)\r\n"
            let limits = Self.get("/services/data/v66.0/limits", headers: authorization)
            let answer = await RawClient.exchange(port: port, limits)
            #expect(answer.text.contains("Sforce-Limit-Info: api-usage=1/115000\r\n"))

            caller.org.addFault(.revokeToken, callClass: "limits")
            #expect(await RawClient.exchange(port: port, limits).text.hasPrefix("HTTP/1.1 401"))
            let long = Self.get(
                "/services/data/v66.0/query?q=" + String(repeating: "x", count: 16_384), headers: authorization)
            #expect(await RawClient.exchange(port: port, long).text.hasPrefix("HTTP/1.1 414"))
            await server.stop()
            try await group.waitForAll()
        }
    }
}
