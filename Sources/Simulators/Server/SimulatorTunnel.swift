import Foundation
import NIOCore
import NIOPosix
import ServiceLifecycle

/// An HTTP proxy that leads `CONNECT login.salesforce.com:443` and the other names of `SimulatedAuthority` to a
/// simulator server on this machine, and nobody anywhere else.
///
/// Clients that insist on the providers' own host names work unmodified with `HTTPS_PROXY` set to it and the
/// authority's certificate trusted; a name that is not simulated is refused with 403, so nothing reaches the network.
package final class SimulatorTunnel: Service {
    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    private let targetPort: Int
    private let requestedPort: Int
    private let started = StartSignal()

    /// A proxy that is not yet listening.
    /// - Parameters:
    ///   - targetPort: the simulator server's TLS port.
    ///   - port: TCP port on 127.0.0.1; 0 takes a free one.
    package init(targetPort: Int, port: Int = 0) {
        self.targetPort = targetPort
        requestedPort = port
    }

    /// The port, once the proxy listens. Throws when `run()` ended before that.
    package var port: Int {
        get async throws { try await started.port() }
    }

    /// Serves until graceful shutdown of the surrounding service group, or cancellation. Tunnels in use are cut.
    package func run() async throws {
        defer { started.fail() }
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: "127.0.0.1", port: requestedPort, childChannelInitializer: Self.wrap)
        started.fulfil(server.channel.localAddress?.port ?? 0)
        do {
            try await cancelWhenGracefulShutdown { try await self.accept(on: server) }
        } catch is CancellationError {
            // The end that was asked for.
        }
    }

    private func accept(on server: NIOAsyncChannel<Connection, Never>) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            try await server.executeThenClose { connections in
                for try await connection in connections {
                    // A client that goes away is no failure of the proxy.
                    group.addTask { try? await self.serve(connection) }
                }
            }
        }
    }

    @Sendable
    private static func wrap(_ channel: any Channel) -> EventLoopFuture<Connection> {
        channel.eventLoop.makeCompletedFuture {
            try Connection(
                wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
        }
    }

    // MARK: - One tunnel

    @concurrent
    private func serve(_ client: Connection) async throws {
        try await client.executeThenClose { inbound, outbound in
            var iterator = inbound.makeAsyncIterator()
            var rest = ByteBuffer()
            var head: String?
            while head == nil {
                guard rest.readableBytes <= SimulatorsLimits.tunnelHeadBytes, var part = try await iterator.next()
                else { return }
                rest.writeBuffer(&part)
                head = Self.takeHead(from: &rest)
            }
            guard let head else { return }
            if let refusal = Self.refusal(of: head) { return try await outbound.write(ByteBuffer(string: refusal)) }
            let target = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "127.0.0.1", port: targetPort, channelInitializer: Self.wrap)
            try await target.executeThenClose { answers, requests in
                try await outbound.write(ByteBuffer(string: "HTTP/1.1 200 Connection established\r\n\r\n"))
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        for try await part in answers { try await outbound.write(part) }
                        outbound.finish()
                    }
                    if rest.readableBytes > 0 { try await requests.write(rest) }
                    while let part = try await iterator.next() { try await requests.write(part) }
                    requests.finish()
                    try await group.waitForAll()
                }
            }
        }
    }

    /// Takes everything up to the empty line; nil while there is none.
    private static func takeHead(from buffer: inout ByteBuffer) -> String? {
        let bytes = Array(buffer.readableBytesView)
        for index in bytes.indices.dropFirst(3) where bytes[index - 3...index].elementsEqual("\r\n\r\n".utf8) {
            return buffer.readString(length: index + 1)
        }
        return nil
    }

    /// The answer to a request that opens no tunnel; nil when it does.
    private static func refusal(of head: String) -> String? {
        let line = head.prefix { $0 != "\r\n" }
        let words = line.split(separator: " ")
        guard words.count == 3, words[0] == "CONNECT" else {
            return "HTTP/1.1 405 Method Not Allowed\r\nAllow: CONNECT\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        }
        let host = words[1].split(separator: ":").first.map(String.init) ?? ""
        guard SimulatedAuthority.isNamed(host), host != "localhost" else {
            return "HTTP/1.1 403 Not simulated\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        }
        return nil
    }
}
