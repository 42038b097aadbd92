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
///
/// Faults of the plan are applied here, around the providers, so that both get the same ones. When the server dies its
/// providers keep their state: run another server over them.
package final class SimulatorServer: Service {
    /// The faults every request passes.
    package let faults: FaultPlan

    private let clock: SimulatorClock
    private let providers: [any SimulatedProvider]
    private let requestedPort: Int
    private let started = StartSignal()
    private let group = Mutex<ServiceGroup?>(nil)

    /// Makes a server that is not yet listening.
    ///
    /// - Parameters:
    ///   - clock: the clock of the providers; the `Date` header of every answer comes from it.
    ///   - providers: asked in order, the first that knows the path answers.
    ///   - faults: what goes wrong, for both providers.
    ///   - port: TCP port on 127.0.0.1; 0 takes a free one.
    package init(
        clock: SimulatorClock, providers: [any SimulatedProvider], faults: FaultPlan = FaultPlan(), port: Int = 0
    ) {
        self.clock = clock
        self.providers = providers
        self.faults = faults
        self.requestedPort = port
    }

    /// The port, once the server listens. Throws when `run()` ended before that.
    package var port: Int {
        get async throws { try await started.port() }
    }

    /// `http://127.0.0.1:PORT`, once the server listens.
    package var baseURL: String {
        get async throws { "http://127.0.0.1:\(try await port)" }
    }

    /// Serves until `stop()`, graceful shutdown of the surrounding service group, or cancellation.
    package func run() async throws {
        let exchange = ServerExchange(clock: clock, providers: providers, faults: faults)
        let builder = HTTPServerBuilder { _ in
            HTTP1Channel(
                responder: { request, writer, channel in
                    try await exchange.respond(to: request, writer: writer, channel: channel)
                },
                configuration: .init(idleTimeout: .seconds(SimulatorsLimits.idleConnectionSeconds)))
        }
        let logger = Logger(label: "simulators") { _ in SwiftLogNoOpLogHandler() }
        let server = try builder.buildServer(
            configuration: .init(address: .hostname("127.0.0.1", port: requestedPort), serverName: nil),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger,
            responder: { _, _, _ in },
            onServerRunning: { [started, providers] channel in
                let port = channel.localAddress?.port ?? 0
                for provider in providers { provider.serverStarted(baseURL: "http://127.0.0.1:\(port)") }
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

/// Hands the port from the server's start to whoever waits for it.
private final class StartSignal: Sendable {
    private enum State {
        case waiting([CheckedContinuation<Int, any Error>])
        case listening(Int)
        case ended
    }

    private let state = Mutex(State.waiting([]))

    func port() async throws -> Int {
        try await withCheckedThrowingContinuation { continuation in
            let ready: Result<Int, any Error>? = state.withLock { state in
                switch state {
                case .waiting(let waiters):
                    state = .waiting(waiters + [continuation])
                    return nil
                case .listening(let port): return .success(port)
                case .ended: return .failure(SimulatorServerError.endedBeforeListening)
                }
            }
            if let ready { continuation.resume(with: ready) }
        }
    }

    func fulfil(_ port: Int) {
        finish(.listening(port), with: .success(port))
    }

    func fail() {
        finish(.ended, with: .failure(SimulatorServerError.endedBeforeListening))
    }

    private func finish(_ next: State, with result: Result<Int, any Error>) {
        let waiters = state.withLock { state in
            defer { state = next }
            if case .waiting(let waiters) = state { return waiters }
            return []
        }
        for waiter in waiters { waiter.resume(with: result) }
    }
}

/// Why a simulator server gave up.
package enum SimulatorServerError: Error {
    /// `run()` returned or threw before the port was open, or the server has ended since.
    case endedBeforeListening
}
