import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// Serves the simulated providers over HTTP on one loopback port: `/services/…` is Salesforce, `/api/3/…`
/// ActiveCampaign; whichever provider knows a path answers it.
/// With an authority it speaks TLS. Answers are gzipped for clients that accept it.
///
/// Faults of the plan are applied here, around the providers, so that both get the same ones. When the server dies its
/// providers keep their state: run another server over them.
package final class SimulatorServer: Service {
    /// The faults every request passes.
    package let faults: FaultPlan

    private let clock: SimulatorClock
    private let providers: [any SimulatedProvider]
    private let requestedPort: Int
    private let authority: SimulatedAuthority?
    private let started = StartSignal()
    private let group = Mutex<ServiceGroup?>(nil)

    /// Makes a server that is not yet listening.
    ///
    /// - Parameters:
    ///   - clock: the clock of the providers; the `Date` header of every answer comes from it.
    ///   - providers: asked in order, the first that knows the path answers.
    ///   - faults: what goes wrong, for both providers.
    ///   - port: TCP port on 127.0.0.1; 0 takes a free one.
    ///   - authority: whose certificate the server shows; nil serves plain HTTP.
    package init(
        clock: SimulatorClock, providers: [any SimulatedProvider], faults: FaultPlan = FaultPlan(), port: Int = 0,
        authority: SimulatedAuthority? = nil
    ) {
        self.clock = clock
        self.providers = providers
        self.faults = faults
        self.requestedPort = port
        self.authority = authority
    }

    /// The port, once the server listens. Throws when `run()` ended before that.
    package var port: Int {
        get async throws { try await started.port() }
    }

    /// `http://127.0.0.1:PORT` or `https://127.0.0.1:PORT`, once the server listens.
    package var baseURL: String {
        get async throws { baseURL(port: try await port) }
    }

    private func baseURL(port: Int) -> String { "\(authority == nil ? "http" : "https")://127.0.0.1:\(port)" }

    /// Serves until `stop()`, graceful shutdown of the surrounding service group, or cancellation.
    package func run() async throws {
        let exchange = ServerExchange(clock: clock, providers: providers, faults: faults)
        let tls = try authority?.context()
        let builder = HTTPServerBuilder { _ in
            let http = HTTP1Channel(
                responder: { request, writer, channel in
                    try await exchange.respond(to: request, writer: writer, channel: channel)
                },
                configuration: .init(idleTimeout: .seconds(SimulatorsLimits.idleConnectionSeconds)))
            return SimulatorChannel(base: http, tls: tls)
        }
        let logger = Logger(label: "simulators") { _ in SwiftLogNoOpLogHandler() }
        let server = try builder.buildServer(
            configuration: .init(address: .hostname("127.0.0.1", port: requestedPort), serverName: nil),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger,
            responder: { _, _, _ in },
            onServerRunning: { [self] channel in
                let port = channel.localAddress?.port ?? 0
                for provider in providers { provider.serverStarted(baseURL: baseURL(port: port)) }
                started.fulfil(port)
            })
        let group = ServiceGroup(services: [server], logger: logger)
        self.group.withLock { $0 = group }
        defer { started.fail() }
        try await group.run()
    }

    /// Stops accepting, lets requests in flight finish, then lets `run()` return.
    package func stop() async {
        await group.withLock { $0 }?.triggerGracefulShutdown()
    }
}

/// Why a simulator server gave up.
package enum SimulatorServerError: Error {
    /// `run()` returned or threw before the port was open, or the server has ended since.
    case endedBeforeListening
}
