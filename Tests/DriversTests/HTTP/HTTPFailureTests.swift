import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Drivers

private func failure(
    _ url: String, options: HTTPOptions = .loopback, _ change: (inout HTTPRequest) -> Void = { _ in }
) async throws -> HTTPError {
    var request = HTTPRequest(.post, url, body: Data("{}".utf8))
    change(&request)
    let client = try HTTPClient(options: options)
    do throws(HTTPError) {
        let response = try await client.send(request)
        throw HTTPError(.internal, "answered \(response.status)")
    } catch {
        return error
    }
}

@Suite(.timeLimit(.minutes(2))) struct HTTPFailureTests {
    @Test(arguments: [true, false]) func anAnswerOverTheCapIsRefusedAndNotBuffered(saysLength: Bool) async throws {
        let sent = Atomic<Int>(0)
        let size = 100 << 20
        let done = Signal()
        let server = try RawServer { connection in
            guard connection.readRequest() != nil else { return }
            let length = saysLength ? "content-length: \(size)\r\n" : ""
            connection.write("HTTP/1.1 200 OK\r\n\(length)\r\n")
            let block = Data(repeating: 0x61, count: 1 << 20)
            for _ in 0..<100 {
                guard connection.write(block) else { break }
                sent.add(block.count, ordering: .sequentiallyConsistent)
            }
            done.fire()
        }
        defer { server.stop() }
        let error = try await failure(server.url()) { $0.maxBodyBytes = 1 << 20 }
        #expect(error.code == .tooLarge)
        #expect(error.fate == .answered(status: 200))
        await done.wait()
        #expect(sent.load(ordering: .sequentiallyConsistent) < 20 << 20)
    }

    @Test func aCompressedAnswerIsMeasuredAfterInflation() async throws {
        let bomb = try #require(Gzip.compress(Data(repeating: 0x61, count: 8 << 20)))
        let server = try RawServer { connection in
            guard connection.readRequest() != nil else { return }
            connection.write("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: \(bomb.count)\r\n\r\n")
            connection.write(bomb)
            _ = connection.waitForClose()
        }
        defer { server.stop() }
        let error = try await failure(server.url()) { $0.maxBodyBytes = 1 << 20 }
        #expect(error.code == .tooLarge)
    }

    @Test func anEndlessHeaderBlockIsRefused() async throws {
        let server = try RawServer { connection in
            guard connection.readRequest() != nil else { return }
            connection.write("HTTP/1.1 200 OK\r\n")
            let line = "x-filler: \(String(repeating: "x", count: 1_000))\r\n"
            while connection.write(line) {}
        }
        defer { server.stop() }
        let error = try await failure(server.url())
        #expect(error.code == .tooLarge)
    }

    @Test func aServerThatDripsABytePerSecondIsIdle() async throws {
        let server = try RawServer { connection in
            guard connection.readRequest() != nil else { return }
            connection.write("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
            while connection.write("x") { usleep(1_000_000) }  // the pace of a slow server
        }
        defer { server.stop() }
        let error = try await failure(server.url()) { $0.idleTimeout = .seconds(2) }
        #expect(error.code == .idle)
        #expect(error.fate == .answered(status: 200))
    }

    @Test func aServerThatNeverAnswersTimesOutWithUnknownFate() async throws {
        let server = try RawServer { connection in
            guard connection.readRequest() != nil else { return }
            _ = connection.waitForClose()
        }
        defer { server.stop() }
        let error = try await failure(server.url()) { $0.timeout = .milliseconds(300) }
        #expect(error.code == .timeout)
        #expect(error.fate == .unknown)
        #expect(error.retryability == .retryIfRepeatable)
    }

    @Test func aBodyCutShortIsNotAnAnswer() async throws {
        let server = try RawServer { connection in
            guard connection.readRequest() != nil else { return }
            connection.write("HTTP/1.1 201 Created\r\ncontent-length: 1000\r\n\r\n{\"half\":")
        }
        defer { server.stop() }
        let error = try await failure(server.url())
        #expect(error.code == .connectionLost)
        #expect(error.fate == .answered(status: 201))
    }

    @Test func aResetAfterTheRequestHasUnknownFate() async throws {
        let server = try RawServer { connection in
            guard connection.readRequest() != nil else { return }
            connection.resetOnClose()
        }
        defer { server.stop() }
        let error = try await failure(server.url())
        #expect(error.code == .connectionLost)
        #expect(error.fate == .unknown)
    }

    @Test func aPostIsNeverSentTwiceOnAKeptConnectionThatDied() async throws {
        let requests = Atomic<Int>(0)
        let server = try RawServer { connection in
            guard connection.readRequest() != nil else { return }
            connection.answer()
            guard connection.readRequest() != nil else { return }
            requests.add(1, ordering: .sequentiallyConsistent)
        }
        defer { server.stop() }
        let client = try HTTPClient(options: .loopback)
        _ = try await client.send(HTTPRequest(.get, server.url()))
        await #expect(throws: HTTPError.self) {
            _ = try await client.send(HTTPRequest(.post, server.url(), body: Data("create".utf8)))
        }
        #expect(requests.load(ordering: .sequentiallyConsistent) == 1)
    }

    @Test func aRepeatableRequestIsSentAgainWhenAKeptConnectionDied() async throws {
        let server = try RawServer { connection in
            guard connection.readRequest() != nil else { return }
            connection.answer()
            _ = connection.readRequest()
        }
        defer { server.stop() }
        let client = try HTTPClient(options: .loopback)
        _ = try await client.send(HTTPRequest(.get, server.url()))
        let response = try await client.send(HTTPRequest(.put, server.url(), body: Data("same".utf8)))
        #expect(response.status == 200)
        #expect(server.connections == 2)
    }

    @Test func nobodyListeningMeansNotSent() async throws {
        let server = try RawServer { _ in }
        server.stop()
        let error = try await failure(server.url())
        #expect(error.code == .connect)
        #expect(error.fate == .notSent)
        #expect(error.retryability == .retry)
    }

    @Test func aNameThatDoesNotResolveMeansNotSent() async throws {
        let error = try await failure("https://no-such-host.invalid/")
        #expect(error.code == .dns)
        #expect(error.fate == .notSent)
    }

    @Test func somethingThatIsNotHTTPIsABadResponse() async throws {
        let server = try RawServer { connection in
            guard connection.readRequest() != nil else { return }
            connection.write("SSH-2.0-OpenSSH_9.2\r\n\r\n")
        }
        defer { server.stop() }
        let error = try await failure(server.url())
        #expect(error.code == .badResponse)
    }

    @Test(arguments: ["http://example.com/", "http://10.0.0.1/", "http://127.0.0.1.example.com/", "http://[::2]/"])
    func plainHTTPIsForLoopbackOnly(url: String) async throws {
        let error = try await failure(url)
        #expect(error.code == .insecure)
    }

    @Test func plainHTTPToLoopbackNeedsTheOption() async throws {
        let error = try await failure("http://127.0.0.1:1/", options: HTTPOptions())
        #expect(error.code == .insecure)
    }

    @Test(arguments: [
        "https://127.0.0.1:1/", "https://localhost:1/", "https://[::1]:1/", "https://[::ffff:127.0.0.1]:1/",
        "https://10.1.2.3/", "https://169.254.169.254/", "https://2130706433:1/", "https://0x7f.1:1/",
        "https://0177.0.0.1:1/", "https://192.168.1.1/",
    ])
    func hostsInsideTheNetworkAreRefusedBeforeAConnection(url: String) async throws {
        let error = try await failure(url, options: HTTPOptions())
        #expect(error.code == .addressRefused)
        #expect(error.fate == .notSent)
        #expect(error.retryability == .never)
    }

    @Test(arguments: [
        "ftp://example.com/", "file:///etc/passwd", "https://user:pass@example.com/", "not a url",
        "https://example.com/\r\nX: y", "https://example.com/ü", "",
    ])
    func otherURLsAreRefused(url: String) async throws {
        #expect(try await failure(url).code == .invalidRequest)
    }

    @Test(arguments: [("X-A", "b\r\nX-Evil: 1"), ("X A", "b"), ("", "b"), ("X-A", "b\u{0}")])
    func aHeaderCannotSmuggleAnother(name: String, value: String) async throws {
        let error = try await failure("https://example.com/") { (request: inout HTTPRequest) in
            request.headers.add(name, value)
        }
        #expect(error.code == .invalidRequest)
    }

    @Test func anErrorShowsNeitherURLNorBody() async throws {
        let server = try RawServer { _ in }
        defer { server.stop() }
        let error = try await failure(server.url("/secret-token")) { $0.body = Data("secret-body".utf8) }
        #expect(!"\(error)".contains("secret"))
    }
}
