import Foundation
import Synchronization

/// What goes wrong with a request.
package enum FaultEffect: Sendable, Equatable {
    /// Answers with this status and body instead of handling the request.
    case answer(status: Int, body: FaultBody)
    /// Handles the request, declares the whole length of the answer, sends half of it and closes.
    case cutBody
    /// Resets the connection (RST) without handling the request.
    case reset
    /// Waits this many seconds, then handles the request as usual.
    case stall(seconds: Double)
    /// Handles the request, so that its writes are made, then drops the connection without an answer.
    case loseAnswer
    /// Revokes the caller's access token, then handles the request with it.
    case revokeToken
}

/// The body of a fault's answer.
package enum FaultBody: Sendable, Equatable {
    /// No body at all.
    case empty
    /// `application/json` with this text.
    case json(String)
    /// `text/html` with this text.
    case html(String)
}

/// Which requests a fault meets; a part left `nil` meets all.
package struct FaultMatch: Sendable {
    /// The account or org, by the name its provider reports.
    package var account: String?
    /// Upper-case HTTP method.
    package var method: String?
    /// How the decoded path begins.
    package var pathPrefix: String?
    /// The class the provider counts the call under, such as `composite`.
    package var callClass: String?

    /// Makes a match; every part left out meets all requests.
    package init(account: String? = nil, method: String? = nil, pathPrefix: String? = nil, callClass: String? = nil) {
        self.account = account
        self.method = method
        self.pathPrefix = pathPrefix
        self.callClass = callClass
    }

    func meets(_ request: SimulatedRequest, identity: SimulatedCallIdentity?) -> Bool {
        (account == nil || account == identity?.account)
            && (method == nil || method == request.method)
            && (pathPrefix.map(request.path.hasPrefix) ?? true)
            && (callClass == nil || callClass == identity?.callClass)
    }
}

/// How often a fault strikes among the requests it meets.
package enum FaultFrequency: Sendable, Equatable {
    /// The next `n`, after letting `skipping` pass.
    case times(Int, skipping: Int = 0)
    /// Each with this probability, 0…1, drawn from the plan's seed.
    case rate(Double)
}

/// The faults both providers are under: decided per request, in the order they were added, the first that strikes wins.
package final class FaultPlan: Sendable {
    private struct Entry {
        let id: Int
        let match: FaultMatch
        let effect: FaultEffect
        var frequency: FaultFrequency
        var struck = 0
    }

    private struct State {
        var entries: [Entry] = []
        var nextID = 1
        var struck: [Int: Int] = [:]
        var random: SeededRandom
    }

    private let state: Mutex<State>

    /// An empty plan; `seed` makes its rates repeatable.
    package init(seed: UInt64 = 1) {
        state = Mutex(State(random: SeededRandom(seed: seed)))
    }

    /// Adds a fault and returns its id.
    @discardableResult
    package func add(
        _ effect: FaultEffect, on match: FaultMatch = FaultMatch(), _ frequency: FaultFrequency = .times(1)
    ) -> Int {
        state.withLock { state in
            precondition(state.entries.count < SimulatorsLimits.faults, "too many faults in one plan")
            let id = state.nextID
            state.nextID += 1
            state.entries.append(Entry(id: id, match: match, effect: effect, frequency: frequency))
            return id
        }
    }

    /// How many faults are set.
    package var count: Int { state.withLock { $0.entries.count } }

    /// Starts the sequence of the rates anew.
    package func reseed(_ seed: UInt64) {
        state.withLock { $0.random = SeededRandom(seed: seed) }
    }

    /// Takes a fault back.
    package func remove(_ id: Int) {
        state.withLock { $0.entries.removeAll { $0.id == id } }
    }

    /// Takes every fault back; counts of strikes stay.
    package func removeAll() {
        state.withLock { $0.entries.removeAll() }
    }

    /// How often the fault of this id has struck.
    package func strikes(of id: Int) -> Int {
        state.withLock { $0.struck[id] ?? 0 }
    }

    /// Decides one request. Counts down what strikes.
    func effect(for request: SimulatedRequest, identity: SimulatedCallIdentity?) -> FaultEffect? {
        state.withLock { state in
            for index in state.entries.indices where state.entries[index].match.meets(request, identity: identity) {
                guard strikes(&state.entries[index], &state.random) else { continue }
                let entry = state.entries[index]
                state.struck[entry.id, default: 0] += 1
                if case .times(0, _) = entry.frequency { state.entries.remove(at: index) }
                return entry.effect
            }
            return nil
        }
    }

    private func strikes(_ entry: inout Entry, _ random: inout SeededRandom) -> Bool {
        switch entry.frequency {
        case .times(let count, let skipping) where skipping > 0:
            entry.frequency = .times(count, skipping: skipping - 1)
            return false
        case .times(let count, _):
            entry.frequency = .times(count - 1)
            return count > 0
        case .rate(let probability):
            return Double.random(in: 0..<1, using: &random) < probability
        }
    }
}
