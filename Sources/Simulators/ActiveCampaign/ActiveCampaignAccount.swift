import Foundation
import Synchronization

/// One simulated account: what the API answers for it, and what tests and people do with it. One lock guards its
/// state; every operation holds it for as long as one request takes.
package final class ActiveCampaignAccount: Sendable {
    /// The account's name, the first label of its host.
    package let name: String
    private let clock: SimulatorClock
    private let state: Mutex<CampaignState>
    private let access: Mutex<Access>
    private let courier: CampaignCourier
    private let directory: CampaignDirectory
    private let seed: UInt64

    private struct Access {
        var token = ""
        /// Keys given out, the present one included.
        var keys = 0
        /// Answers given, which numbers them.
        var answers = 0
    }

    init(
        options: ActiveCampaignOptions, clock: SimulatorClock, deliver: @escaping ActiveCampaignSimulator.Deliver,
        directory: CampaignDirectory
    ) {
        name = options.name
        seed = options.seed
        self.clock = clock
        self.directory = directory
        state = Mutex(CampaignState(options: options))
        access = Mutex(Access())
        let gone = CampaignGoneHooks()
        courier = CampaignCourier(clock: clock, deliver: deliver) { gone.tell($0) }
        gone.account.withLock { $0.value = self }
        let number = directory.add(self)
        let token = options.token ?? Self.makeToken(options, number)
        access.withLock { $0.token = token }
        directory.admit(token: token, to: self)
    }

    private static func makeToken(_ options: ActiveCampaignOptions, _ number: Int) -> String {
        let named = options.name.utf8.reduce(options.seed) { CampaignRandom.mixed($0 ^ UInt64($1)) }
        return CampaignRandom.hex(named, UInt64(number)) + CampaignRandom.hex(~named, UInt64(number))
    }

    // MARK: - Access

    /// The API key in force; it opens nothing once revoked.
    package var token: String { access.withLock { $0.token } }

    /// Gives out another key, as another user of the account has; all keys share the account's limits.
    /// - Parameter forbidding: first path components (`lists`, `import`, …) that this user may not use.
    package func addToken(forbidding: Set<String> = []) -> String {
        let more = access.withLock { access in
            access.keys += 1
            return CampaignRandom.hex(seed, UInt64(access.keys)) + access.token.suffix(32)
        }
        directory.admit(token: more, to: self, forbidden: forbidding)
        return more
    }

    /// Makes the key worthless at once: 403 from now on.
    package func revokeToken() {
        directory.forget(token: token)
    }

    /// Switches off the user whose key this is: the key is worthless from now on, unless switched.
    package func disableUser(ofToken token: String) {
        if options.disabledUserLosesKey { directory.forget(token: token) }
    }

    /// Replaces the key; the old one is worthless at once, unless switched. Gives the new key.
    package func rotateToken() -> String {
        if options.rotationKillsOldKey { directory.forget(token: token) }
        let fresh = access.withLock { access in
            access.keys += 1
            access.token = CampaignRandom.hex(seed, UInt64(access.keys)) + access.token.suffix(32)
            return access.token
        }
        directory.admit(token: fresh, to: self)
        return fresh
    }

    // MARK: - Switches

    /// How the account behaves; assign to change it while it runs. For one switch ``change(_:)`` is safer beside
    /// others.
    package var options: ActiveCampaignOptions {
        get { state.withLock { $0.options } }
        set { state.withLock { $0.options = newValue } }
    }

    /// Changes switches in one step.
    package func change(_ body: (inout ActiveCampaignOptions) -> Void) {
        state.withLock { body(&$0.options) }
    }

    // MARK: - Calls

    /// All calls since the account was made.
    package var calls: ActiveCampaignCalls { state.withLock { $0.calls } }

    /// The calls up to now: subtract it from ``calls`` later on, or ask ``calls(since:)``.
    package func mark() -> ActiveCampaignCalls { calls }

    /// The calls after a mark.
    package func calls(since mark: ActiveCampaignCalls) -> ActiveCampaignCalls { calls - mark }

    /// Bulk imports that have not taken effect.
    package var importsOpen: Int { perform(as: .api) { $0.importer.open.count } }

    /// Seconds on the clock until the last open import has taken effect; 0 when none is open.
    package var secondsUntilImportsSettle: Double {
        perform(as: .api) { state in
            state.importer.open.last.map { max(0, $0.dueAt - state.instant) } ?? 0
        }
    }

    // MARK: - Webhooks

    /// Returns once no webhook call is waiting or under way.
    package func webhooksSettled() async {
        await courier.settled()
    }

    /// Webhook calls by what came of them: accepted (2xx), refused or unanswered, and lost because too many waited.
    package var webhookTally: (delivered: Int, refused: Int, overflowed: Int) {
        let tally = courier.tally
        return (tally.delivered, tally.refused, tally.overflowed)
    }

    fileprivate func noteGone(_ hook: UInt32) {
        state.withLock { state in
            guard hook <= state.webhooks.rows.count else { return }
            state.webhooks.rows[Int(hook - 1)].isDead = true
        }
    }

    // MARK: - Operations

    /// Answers one call of the API.
    func answer(_ call: CampaignCall) -> SimulatedResponse {
        let number = access.withLock { access in
            access.answers += 1
            return access.answers
        }
        return perform(as: .api) { $0.answer(call) }.response(number: number, seed: seed)
    }

    /// Runs one operation at the clock's present instant, after the imports that are due, and hands its webhooks over.
    func perform<Value: Sendable>(
        as source: ActiveCampaignSource?, _ body: (inout CampaignState) throws -> Value
    ) rethrows -> Value {
        let instant = clock.now.timeIntervalSince1970
        return try state.withLock { state in
            state.instant = instant
            state.carryOutDueImports()
            state.source = source
            defer { handOver(&state) }
            return try body(&state)
        }
    }

    /// Handed over under the state's lock, so that deliveries queue up in the order of their causes.
    private func handOver(_ state: inout CampaignState) {
        guard !state.outbox.isEmpty else { return }
        let reorders = state.outbox.map { _ in state.random.happens(rate: state.options.webhookReorderRate) }
        courier.take(state.outbox, reorders: reorders, atOnce: state.options.webhooksAtOnce)
        state.outbox = []
    }
}

/// Ties the courier's news of dead receivers to the account without keeping the account alive.
private final class CampaignGoneHooks: Sendable {
    struct Weak {
        weak var value: ActiveCampaignAccount?
    }

    let account = Mutex(Weak())

    func tell(_ hook: UInt32) {
        account.withLock { $0.value }?.noteGone(hook)
    }
}
