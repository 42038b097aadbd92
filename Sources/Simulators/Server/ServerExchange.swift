import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

/// One request and its answer on the wire, with the faults between them.
struct ServerExchange: Sendable {
    let clock: SimulatorClock
    let providers: [any SimulatedProvider]
    let faults: FaultPlan

    /// Thrown after a connection was broken on purpose, so that nothing more is written to it.
    private struct ConnectionBroken: Error {}

    /// Reads the request, decides its fault, and answers or breaks the connection.
    @concurrent
    func respond(
        to request: Request, writer: consuming ResponseWriter, channel: any Channel
    ) async throws {
        let simulated: SimulatedRequest
        do {
            simulated = try await read(request)
        } catch let refusal as RequestRefusal {
            return try await send(refusal.response, request: request, writer: writer)
        }
        // Most of the time nothing is to go wrong; then nobody asks whose call it is.
        guard faults.count > 0 else { return try await send(await answer(simulated), request: request, writer: writer) }
        let (provider, identity) = identify(simulated)
        let fault = provider?.isBeyondFaults == true ? nil : faults.effect(for: simulated, identity: identity)
        switch fault {
        case .answer(let status, let body):
            try await send(Self.response(status, body), request: request, writer: writer)
        case .reset:
            try await reset(channel)
        case .loseAnswer:
            _ = await answer(simulated)
            try await close(channel)
        case .cutBody:
            let response = await answer(simulated)
            try await sendHalf(response, writer: writer)
            try await close(channel)
        case .stall(let seconds):
            try await Task.sleep(for: .seconds(seconds))
            try await send(await answer(simulated), request: request, writer: writer)
        case .revokeToken:
            provider?.revokeToken(of: simulated)
            try await send(await answer(simulated), request: request, writer: writer)
        case nil:
            try await send(await answer(simulated), request: request, writer: writer)
        }
    }

    private func identify(
        _ request: SimulatedRequest
    ) -> (provider: (any SimulatedProvider)?, identity: SimulatedCallIdentity?) {
        for provider in providers {
            if let identity = provider.identify(request) { return (provider, identity) }
        }
        return (nil, nil)
    }

    private func answer(_ request: SimulatedRequest) async -> SimulatedResponse {
        for provider in providers {
            if let response = await provider.handle(request) { return response }
        }
        return SimulatedResponse(status: 404)
    }

    // MARK: - Reading

    private func read(_ request: Request) async throws -> SimulatedRequest {
        let raw = request.head.path ?? "/"
        let target = RequestTarget(raw)
        var headers: [String: String] = [:]
        var headerBytes = 0
        for field in request.headers {
            headers[field.name.canonicalName] = field.value
            headerBytes += field.name.rawName.utf8.count + field.value.utf8.count + 4
        }
        if let authority = request.head.authority { headers["host"] = authority }
        var simulated = SimulatedRequest(
            method: request.method.rawValue, path: target.path, query: target.query, headers: headers,
            body: try await body(
                of: request, encoding: headers["content-encoding"],
                most: mostBodyBytes(method: request.method.rawValue, path: target.path)))
        simulated.targetBytes = raw.utf8.count
        simulated.headerBytes = headerBytes
        return simulated
    }

    private func mostBodyBytes(method: String, path: String) -> Int {
        providers.lazy.map { $0.requestBodyBytes(method: method, path: path) }.max()
            ?? SimulatorsLimits.requestBodyBytes
    }

    private func body(of request: Request, encoding: String?, most: Int) async throws -> Data {
        var data = Data()
        for try await buffer in request.body {
            guard data.count + buffer.readableBytes <= most else {
                throw RequestRefusal(status: 413)
            }
            buffer.withUnsafeReadableBytes { data.append(contentsOf: $0) }
        }
        switch encoding?.lowercased() {
        case nil, "identity", "": return data
        case "gzip", "x-gzip":
            guard let plain = try? Gunzip.inflate(data, limit: SimulatorsLimits.inflatedBodyBytes) else {
                throw RequestRefusal(status: 400)
            }
            return plain
        default: throw RequestRefusal(status: 415)
        }
    }

    // MARK: - Sending

    private func head(of response: SimulatedResponse) -> HTTPResponse {
        var head = HTTPResponse(status: .init(code: response.status))
        head.headerFields[.date] = HTTPDate.string(clock.now)
        for (name, value) in response.headers {
            if let name = HTTPField.Name(name) { head.headerFields.append(HTTPField(name: name, value: value)) }
        }
        // 204 and 304 have no body by definition, so no length either.
        if response.status != 204, response.status != 304 {
            head.headerFields[.contentLength] = String(response.body.count)
        }
        return head
    }

    @concurrent
    private func send(
        _ response: SimulatedResponse, request: Request, writer: consuming ResponseWriter
    ) async throws {
        let body = request.method == .head ? Data() : response.body
        try await writer.write(response: head(of: response), body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }

    @concurrent
    private func sendHalf(_ response: SimulatedResponse, writer: consuming ResponseWriter) async throws {
        var body = try await writer.writeHead(head(of: response))
        try await body.write(ByteBuffer(bytes: response.body.prefix(response.body.count / 2)))
    }

    private static func response(_ status: Int, _ body: FaultBody) -> SimulatedResponse {
        switch body {
        case .empty:
            SimulatedResponse(status: status)
        case .json(let text):
            SimulatedResponse(
                status: status, headers: [("Content-Type", "application/json;charset=UTF-8")], body: Data(text.utf8))
        case .html(let text):
            SimulatedResponse(
                status: status, headers: [("Content-Type", "text/html;charset=UTF-8")], body: Data(text.utf8))
        }
    }

    // MARK: - Breaking

    private func close(_ channel: any Channel) async throws -> Never {
        try? await channel.close()
        throw ConnectionBroken()
    }

    /// A socket closed with a linger time of zero sends RST instead of FIN.
    private func reset(_ channel: any Channel) async throws -> Never {
        if let socket = channel as? any SocketOptionProvider {
            try? await socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        }
        try await close(channel)
    }
}

/// A request refused before any provider sees it.
private struct RequestRefusal: Error {
    let status: Int
    var response: SimulatedResponse { SimulatedResponse(status: status, headers: [("Connection", "close")]) }
}
