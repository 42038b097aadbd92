import Foundation
import NIOSSL
import Testing

@testable import Simulators

/// Answers every path with text of the length the path names.
private struct LengthProvider: SimulatedProvider {
    func handle(_ request: SimulatedRequest) async -> SimulatedResponse? {
        let length = Int(request.path.dropFirst()) ?? 0
        return SimulatedResponse(
            status: 200, headers: [("Content-Type", "text/plain")],
            body: Data(repeating: UInt8(ascii: "a"), count: length)
        )
    }
}

@Suite(.timeLimit(.minutes(2)))
struct ServerTLSTests {
    /// Serves the length provider and, if asked, the tunnel to it, while `body` runs.
    private static func serve(
        authority: SimulatedAuthority? = nil, tunnel: Bool = false, _ body: (Int, Int) async throws -> Void
    ) async throws {
        let server = SimulatorServer(clock: SimulatorClock(), providers: [LengthProvider()], authority: authority)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let port = try await server.port
            let proxy = SimulatorTunnel(targetPort: port)
            if tunnel { group.addTask { try await proxy.run() } }
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(port, tunnel ? try await proxy.port : 0))
            } catch {
                result = .failure(error)
            }
            await server.stop()
            group.cancelAll()
            try? await group.waitForAll()
            try result.get()
        }
    }

    private static func get(_ length: Int, _ headers: String = "") -> String {
        "GET /\(length) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\(headers)\r\n"
    }

    // This client takes the address for the name; that names are verified too, the real clients of FerryTests show.
    @Test(arguments: ["localhost", "login.salesforce.com", "acme.my.salesforce.com", "acme.api-us1.com"])
    func theCertificateIsTrustedThroughItsAuthority(name: String) async throws {
        let authority = try SimulatedAuthority(now: Date())
        try await Self.serve(authority: authority) { port, _ in
            let answer = try await TLSClient.exchange(
                port: port, trusting: authority.authorityPEM, name: name, Self.get(3))
            #expect(answer.hasPrefix("HTTP/1.1 200") && answer.hasSuffix("\r\n\r\naaa"))
        }
    }

    @Test func aClientThatTrustsAnotherAuthorityTurnsAway() async throws {
        let authority = try SimulatedAuthority(now: Date())
        let other = try SimulatedAuthority(now: Date())
        try await Self.serve(authority: authority) { port, _ in
            await #expect(throws: (any Error).self) {
                try await TLSClient.exchange(
                    port: port, trusting: other.authorityPEM, name: "localhost", Self.get(3))
            }
        }
    }

    @Test func namesAreMatchedLikeCertificatesMatchThem() {
        for name in ["login.salesforce.com", "ACME.my.salesforce.com", "x.api-us1.com", "a.activehosted.com"] {
            #expect(SimulatedAuthority.isNamed(name), "\(name)")
        }
        for name in ["salesforce.com", "a.b.api-us1.com", ".api-us1.com", "api-us1.com.evil.example", "example.com"] {
            #expect(!SimulatedAuthority.isNamed(name), "\(name)")
        }
    }

    @Test func longAnswersAreCompressedForWhoAcceptsIt() async throws {
        try await Self.serve { port, _ in
            let plain = await RawClient.exchange(port: port, Self.get(5_000))
            #expect(plain.text.hasSuffix(String(repeating: "a", count: 5_000)))
            #expect(!plain.text.lowercased().contains("content-encoding"))
            let long = await RawClient.exchange(port: port, Self.get(5_000, "Accept-Encoding: deflate, gzip\r\n"))
            #expect(long.text.lowercased().contains("content-encoding: gzip\r\n"))
            let body = try #require(long.bytes.range(of: Data("\r\n\r\n".utf8))).upperBound
            let inflated = try Gunzip.inflate(Data(long.bytes[body...]), limit: 10_000)
            #expect(inflated == Data(repeating: UInt8(ascii: "a"), count: 5_000))
            let short = await RawClient.exchange(port: port, Self.get(100, "Accept-Encoding: gzip\r\n"))
            #expect(short.text.hasSuffix(String(repeating: "a", count: 100)))
            let other = await RawClient.exchange(port: port, Self.get(5_000, "Accept-Encoding: br\r\n"))
            #expect(other.text.hasSuffix(String(repeating: "a", count: 5_000)))
        }
    }

    @Test func whatIsNoHTTPIsAnswered400AndTheServerLivesOn() async throws {
        try await Self.serve { port, _ in
            for garbage in [
                "garbage\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}",
                "GET /1 HTTP/1.1\r\nA B: c\r\n\r\n",
            ] {
                let answer = await RawClient.exchange(port: port, garbage)
                #expect(answer.bytes.isEmpty || answer.text.hasPrefix("HTTP/1.1 400"), "\(answer.text)")
            }
            #expect(await RawClient.exchange(port: port, Self.get(2)).text.hasSuffix("\r\n\r\naa"))
        }
    }

    @Test func theTunnelLeadsToTheSimulatorAndNowhereElse() async throws {
        try await Self.serve(tunnel: true) { _, tunnel in
            let through = await RawClient.exchange(
                port: tunnel, "CONNECT login.salesforce.com:443 HTTP/1.1\r\nHost: login.salesforce.com\r\n\r\n",
                Data(Self.get(4).utf8))
            #expect(through.text.hasPrefix("HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200"))
            #expect(through.text.hasSuffix("\r\n\r\naaaa"))
            let elsewhere = await RawClient.exchange(port: tunnel, "CONNECT example.com:443 HTTP/1.1\r\n\r\n")
            #expect(elsewhere.text.hasPrefix("HTTP/1.1 403"))
            let noTunnel = await RawClient.exchange(port: tunnel, "GET http://login.salesforce.com/ HTTP/1.1\r\n\r\n")
            #expect(noTunnel.text.hasPrefix("HTTP/1.1 405"))
            let endless = await RawClient.exchange(
                port: tunnel, "CONNECT login.salesforce.com:443 HTTP/1.1\r\nX: " + String(repeating: "y", count: 40_000)
            )
            #expect(endless.bytes.isEmpty)
        }
    }
}
