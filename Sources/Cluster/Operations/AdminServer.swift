import Foundation
import HTTPTypes
import Hummingbird
package import Logging
import NIOCore
import ServiceLifecycle

/// Every role's own little door for machines: `/livez`, `/readyz`, `/metrics`, and the scheduler's `/autoscale`.
///
/// Nothing can be changed here and nothing names a tenant; still it is for the inside of the house, so it listens on
/// loopback unless told otherwise.
package struct AdminServer: Service {
    private let address: BindAddress
    private let readiness: Readiness
    private let registry: PrometheusRegistry
    private let signal: (@Sendable () -> AutoscaleSignal?)?
    private let logger: Logger
    private let onBound: @Sendable (Int) async -> Void

    /// Makes a server.
    /// - Parameters:
    ///   - port: 0 takes any free port.
    ///   - signal: the autoscaling signal; nil for roles that have none.
    ///   - onBound: told the port once the server accepts connections.
    package init(
        host: String, port: Int, readiness: Readiness, registry: PrometheusRegistry, logger: Logger,
        signal: (@Sendable () -> AutoscaleSignal?)? = nil,
        onBound: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        address = .hostname(host, port: port)
        self.readiness = readiness
        self.registry = registry
        self.signal = signal
        self.logger = logger
        self.onBound = onBound
    }

    package func run() async throws {
        let router = Router(context: BasicRequestContext.self)
        router.get("/livez") { _, _ in Self.text("ok\n") }
        router.get("/readyz") { _, _ in await ready() }
        router.get("/metrics") { _, _ in
            Self.text(registry.text, type: "text/plain; version=0.0.4; charset=utf-8")
        }
        if let signal { router.get("/autoscale") { _, _ in Self.autoscale(signal()) } }
        let onBound = onBound
        let app = Application(
            router: router, configuration: .init(address: address, serverName: "ferry"),
            onServerRunning: { channel in await onBound(channel.localAddress?.port ?? 0) }, logger: logger)
        try await app.run()
    }

    // MARK: - Answers

    private func ready() async -> Response {
        let failures = await readiness.failures()
        guard !failures.isEmpty else { return Self.text("ready\n") }
        let lines = failures.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)\n" }
        return Self.text(lines.joined(), status: .serviceUnavailable)
    }

    /// Without a fresh sample an autoscaler gets no number, and keeps what it has.
    private static func autoscale(_ signal: AutoscaleSignal?) -> Response {
        guard let signal, let data = try? JSONEncoder().encode(signal) else {
            return text("no fresh sample of the cluster\n", status: .serviceUnavailable)
        }
        return text(String(decoding: data, as: UTF8.self) + "\n", type: "application/json")
    }

    private static func text(
        _ text: String, status: HTTPResponse.Status = .ok, type: String = "text/plain; charset=utf-8"
    ) -> Response {
        Response(
            status: status, headers: [.contentType: type], body: .init(byteBuffer: ByteBuffer(string: text)))
    }
}
