import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Drivers

/// Answers every request of every connection with its own path and body.
private func echo(_ connection: RawConnection) {
    while let request = connection.readRequest() {
        connection.answer(body: "\(request.line) \(String(decoding: request.body, as: UTF8.self))")
    }
}

private func failure(_ client: HTTPClient, _ request: HTTPRequest) async -> HTTPError? {
    do throws(HTTPError) {
        _ = try await client.send(request)
        return nil
    } catch {
        return error
    }
}

@Suite(.timeLimit(.minutes(2))) struct HTTPClientTests {
    @Test func everyMethodArrivesWithItsBodyAndHeaders() async throws {
        let server = try RawServer { connection in
            while let request = connection.readRequest() {
                let token = request.headers["x-token"] ?? "-"
                let agent = request.headers["user-agent"] ?? "-"
                connection.answer(
                    body: "\(request.line)|\(token)|\(agent)|\(String(decoding: request.body, as: UTF8.self))")
            }
        }
        defer { server.stop() }
        let client = try HTTPClient(options: .loopback)
        for method in [HTTPMethod.get, .post, .put, .patch, .delete] {
            let body = method == .get ? "" : "körper"
            let request = HTTPRequest(method, server.url("/a?b=c"), headers: ["X-Token": "t"], body: Data(body.utf8))
            let response = try await client.send(request)
            #expect(response.status == 200)
            let expected = "\(method.rawValue) /a?b=c HTTP/1.1|t|Ferry/1|\(body)"
            #expect(String(decoding: response.body, as: UTF8.self) == expected)
        }
        let head = try await client.send(HTTPRequest(.head, server.url()))
        #expect(head.status == 200 && head.body.isEmpty)
    }

    @Test func aThousandCallersEachGetTheirOwnAnswer() async throws {
        let server = try RawServer(handler: echo)
        defer { server.stop() }
        let client = try HTTPClient(options: .loopback)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<1_000 {
                group.addTask {
                    let request = HTTPRequest(.post, server.url("/\(number)"), body: Data("body \(number)".utf8))
                    let response = try await client.send(request)
                    return String(decoding: response.body, as: UTF8.self)
                        == "POST /\(number) HTTP/1.1 body \(number)"
                }
            }
            for try await isOwn in group { #expect(isOwn) }
        }
        #expect(server.connections <= HTTPLimits.connectionsPerHost)
        let statistics = await client.statistics
        #expect(statistics.requestsStarted == 1_000)
        #expect(statistics.connectionsOpened == server.connections)
        #expect(statistics.active == 0 && statistics.waiting == 0)
    }

    @Test func oneConnectionServesRequestsInARow() async throws {
        let server = try RawServer(handler: echo)
        defer { server.stop() }
        let client = try HTTPClient(options: .loopback)
        for _ in 0..<20 { _ = try await client.send(HTTPRequest(.get, server.url())) }
        #expect(server.connections == 1)
        #expect(await client.statistics.connectionsOpened == 1)
    }

    @Test func aRedirectIsAnAnswerAndIsNotFollowed() async throws {
        let server = try RawServer { connection in
            while let request = connection.readRequest() {
                guard request.path == "/" else {
                    connection.answer(body: "followed")
                    continue
                }
                connection.answer("302 Found", headers: "Location: /elsewhere\r\n")
            }
        }
        defer { server.stop() }
        let response = try await HTTPClient(options: .loopback).send(HTTPRequest(.get, server.url()))
        #expect(response.status == 302)
        #expect(response.headers["location"] == "/elsewhere")
    }

    @Test func gzipIsUnderstoodBothWays() async throws {
        let text = String(repeating: "the same words again and again. ", count: 500)
        let packed = try #require(Gzip.compress(Data(text.utf8)))
        let server = try RawServer { connection in
            while let request = connection.readRequest() {
                let isGzip = request.headers["content-encoding"] == "gzip"
                let asksGzip = request.headers["accept-encoding"] == "gzip"
                connection.write(
                    "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nx-got: \(isGzip) \(asksGzip)\r\n"
                        + "content-length: \(request.body.count)\r\n\r\n")
                connection.write(request.body)
            }
        }
        defer { server.stop() }
        var request = HTTPRequest(.post, server.url(), body: Data(text.utf8))
        request.gzipBody = true
        let response = try await HTTPClient(options: .loopback).send(request)
        #expect(response.headers["x-got"] == "true true")
        #expect(String(decoding: response.body, as: UTF8.self) == text)
        #expect(packed.count < text.utf8.count / 10)
    }

    @Test func interimAnswersLeaveNoHeadersBehind() async throws {
        let server = try RawServer { connection in
            while connection.readRequest() != nil {
                connection.write("HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n")
                connection.answer(headers: "set-cookie: a\r\nset-cookie: b\r\n", body: "ok")
            }
        }
        defer { server.stop() }
        let response = try await HTTPClient(options: .loopback).send(HTTPRequest(.get, server.url()))
        #expect(response.headers["link"] == nil)
        #expect(response.headers.fields.filter { $0.name == "set-cookie" }.map(\.value) == ["a", "b"])
    }

    @Test func cancellingClosesTheConnectionAtOnce() async throws {
        let arrived = Signal()
        let closed = Signal()
        let server = try RawServer { connection in
            guard connection.readRequest() != nil else { return }
            arrived.fire()
            if connection.waitForClose() { closed.fire() }
        }
        defer { server.stop() }
        let client = try HTTPClient(options: .loopback)
        let task = Task { await failure(client, HTTPRequest(.post, server.url(), body: Data("x".utf8))) }
        await arrived.wait()
        task.cancel()
        let error = await task.value
        #expect(error?.code == .cancelled)
        #expect(error?.fate == .unknown)
        await closed.wait()
        #expect(await client.statistics.active == 0)
    }

    @Test func aWaitingRequestCanBeCancelledWithoutBeingSent() async throws {
        let arrived = Signal()
        let server = try RawServer { connection in
            guard connection.readRequest() != nil else { return }
            arrived.fire()
            _ = connection.waitForClose()
        }
        defer { server.stop() }
        var options = HTTPOptions.loopback
        options.maxConnectionsPerHost = 1
        options.maxWaiting = 1
        let client = try HTTPClient(options: options)
        let first = Task { await failure(client, HTTPRequest(.get, server.url())) }
        await arrived.wait()
        let second = Task { await failure(client, HTTPRequest(.get, server.url())) }
        while await client.statistics.waiting == 0 { await Task.yield() }
        let third = await failure(client, HTTPRequest(.get, server.url()))
        #expect(third?.code == .tooManyWaiting && third?.retryability == .retry)
        second.cancel()
        let error = await second.value
        #expect(error?.code == .cancelled && error?.fate == .notSent)
        first.cancel()
        _ = await first.value
        #expect(server.connections == 1)
    }

    @Test func theTotalTimeIncludesWaitingForATurn() async throws {
        let arrived = Signal()
        let server = try RawServer { connection in
            guard connection.readRequest() != nil else { return }
            arrived.fire()
            _ = connection.waitForClose()
        }
        defer { server.stop() }
        var options = HTTPOptions.loopback
        options.maxConnectionsPerHost = 1
        let client = try HTTPClient(options: options)
        let first = Task { await failure(client, HTTPRequest(.get, server.url())) }
        await arrived.wait()
        var request = HTTPRequest(.get, server.url())
        request.timeout = .milliseconds(100)
        let error = await failure(client, request)
        #expect(error?.code == .timeout && error?.fate == .notSent)
        first.cancel()
        _ = await first.value
    }

    @Test func shuttingDownEndsRunningRequestsAndRefusesNewOnes() async throws {
        let arrived = Signal()
        let server = try RawServer { connection in
            guard connection.readRequest() != nil else { return }
            arrived.fire()
            _ = connection.waitForClose()
        }
        defer { server.stop() }
        let client = try HTTPClient(options: .loopback)
        let task = Task { await failure(client, HTTPRequest(.get, server.url())) }
        await arrived.wait()
        await client.shutdown()
        #expect(await task.value?.code == .closed)
        #expect(await failure(client, HTTPRequest(.get, server.url()))?.code == .closed)
    }
}
