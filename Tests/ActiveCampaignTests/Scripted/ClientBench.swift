import Drivers
import Foundation
import Synchronization
import TestSupport

@testable import ActiveCampaign

/// A clock that moves only by the waits it is asked for, at once.
final class StepClock: Sendable {
    private let state = Mutex<(now: Duration, sleeps: [Duration])>((.seconds(1_000), []))

    var sleeps: [Duration] { state.withLock { $0.sleeps } }
    var now: Duration { state.withLock { $0.now } }

    func advance(by duration: Duration) { state.withLock { $0.now += duration } }

    var clock: PaceClock {
        PaceClock(now: { self.now }) { duration in
            try Task.checkCancellation()
            self.state.withLock { state in
                state.now += duration
                state.sleeps.append(duration)
            }
        }
    }
}

/// A client of a scripted server, with the calls it made.
final class ClientBench: Sendable {
    static let token = "0123456789abcdefsecret"

    let server: ScriptedServer
    let time = StepClock()
    let pacer: AccountPacer
    let client: ActiveCampaignClient
    private let observed: Observed

    private final class Observed: Sendable {
        let calls = Mutex<[ActiveCampaignCall]>([])
    }

    /// What the client's observer was told.
    var calls: [ActiveCampaignCall] { observed.calls.withLock { $0 } }
    var kinds: [ActiveCampaignCall.Kind] { calls.map(\.kind) }

    init(_ script: @escaping @Sendable (ScriptedServer.Request, Int) -> ScriptedServer.Answer) throws {
        server = try ScriptedServer(script)
        let observed = Observed()
        self.observed = observed
        pacer = AccountPacer(clock: time.clock)
        client = try ActiveCampaignClient(
            account: AccountURL("http://127.0.0.1:\(server.port)", allowLoopback: true), token: Self.token,
            http: HTTPClient(options: .loopback), pacer: pacer, clock: time.clock
        ) { call in
            observed.calls.withLock { $0.append(call) }
        }
    }

    deinit { server.stop() }
}

/// The error `body` ends with, nil when it succeeds.
func failure<T>(_ body: () async throws(ActiveCampaignError) -> T) async -> ActiveCampaignError? {
    do throws(ActiveCampaignError) {
        _ = try await body()
        return nil
    } catch {
        return error
    }
}

let userAnswer = #"{"user":{"username":"jdoe","id":"1"}}"#
