import Foundation
import Synchronization

/// One simulated org: what tests and demos do with it besides HTTP.
///
/// Every call, over HTTP or from Swift, is handled whole under the org's lock; the state itself does no I/O.
package final class SalesforceOrg: Sendable {
    let identity: OrgIdentity
    /// Calls by class: `composite`, `collections`, `retrieve`, `query`, `row`, `describe`, `limits`, `changes`, `batch`,
    /// `graph`, `tree`, `bulk`, `token`; all but `token` and `versions` count against the allocation.
    package let calls = CallCounter()
    /// The simulator's fault plan; `addFault` limits a fault to this org.
    package let faults: FaultPlan
    /// The app's private key (PKCS#8 PEM), the same for every org of a simulator.
    package let privateKeyPEM: String
    /// A refresh token of the integration user's consent. With rotation it dies at its first use.
    package let refreshToken: String

    private let clock: SimulatorClock
    private let state: Mutex<OrgState>
    private let access: Mutex<(isApproved: Bool, hasRunAsUser: Bool)>

    init(
        _ state: sending OrgState, clock: SimulatorClock, faults: FaultPlan, privateKeyPEM: String,
        isApproved: Bool, hasRunAsUser: Bool
    ) {
        var state = state
        identity = state.identity
        refreshToken = state.sessions.approve(now: clock.now.timeIntervalSince1970)
        self.clock = clock
        self.faults = faults
        self.privateKeyPEM = privateKeyPEM
        self.state = Mutex(state)
        access = Mutex((isApproved, hasRunAsUser))
    }

    // MARK: - Identity

    /// 18-character org id; what a fault's `account` matches.
    package var id: String { identity.id }
    /// The name it was made with.
    package var name: String { identity.name }
    /// The integration user's name, `sub` of the JWT.
    package var username: String { identity.username }
    /// The app's consumer key, `iss` of the JWT.
    package var clientID: String { identity.clientID }
    /// The app's consumer secret.
    package var clientSecret: String { identity.clientSecret }
    /// The integration user's record id: `LastModifiedById` of what it wrote.
    package var integrationUserID: String { identity.userID }

    /// Whether the integration user is pre-authorised for the app.
    package var isApproved: Bool {
        get { access.withLock { $0.isApproved } }
        set { access.withLock { $0.isApproved = newValue } }
    }

    /// Whether the client-credentials flow has a run-as user.
    package var hasRunAsUser: Bool {
        get { access.withLock { $0.hasRunAsUser } }
        set { access.withLock { $0.hasRunAsUser = newValue } }
    }

    // MARK: - Tokens

    /// A live access token, as if a flow had been run; not counted.
    package func accessToken() -> String { openSession(now: now) }

    /// Ends every session; with `includingRefreshTokens` the consent too.
    package func revokeTokens(includingRefreshTokens: Bool = false) {
        state.withLock { $0.sessions.revokeAll(includingRefreshTokens: includingRefreshTokens) }
    }

    /// Counts a call to the token endpoint, against the allocation too where the org does so.
    func countTokenCall() {
        calls.count("token")
        if identity.unconfirmed.countsTokenCalls { spendCalls(1) }
    }

    /// Seconds a session lives.
    var sessionLifetime: Double { state.withLock { $0.sessions.lifetime } }

    func openSession(now: Double) -> String { state.withLock { $0.sessions.open(now: now) } }

    func refreshSession(_ token: String, now: Double) -> (access: String, refresh: String?)? {
        state.withLock { $0.sessions.refresh(token, now: now) }
    }

    func sessionExpiry(_ token: String, now: Double) -> Double? {
        state.withLock { $0.sessions.expiry(of: token, now: now) }
    }

    func revoke(_ token: String) -> Bool { state.withLock { $0.sessions.revoke(token) } }

    // MARK: - Calls

    /// Runs a call to the data API.
    func answer(_ request: APIRequest, token: String, callClass: String) -> APIReply {
        let now = now
        return state.withLock { state in
            guard state.sessions.use(token, now: now) else {
                var reply = APIReply(.invalidSession())
                reply.headers.append(("Sforce-Limit-Info", state.limitInfo(now: now)))
                return reply
            }
            calls.count(callClass, CallClass.cost(of: request))
            return state.answer(request, now: now)
        }
    }

    /// Calls within the last 24 hours, other integrations' included, and how many there may be.
    package var apiUsage: (used: Int, limit: Int) {
        let now = now
        return state.withLock { ($0.allocation.used(now: now), $0.allocation.limit) }
    }

    /// Calls other integrations of the org make now.
    package func spendCalls(_ calls: Int) {
        let now = now
        state.withLock { $0.allocation.add(calls, now: now) }
    }

    /// Adds a fault for this org only; see `FaultPlan.add`.
    @discardableResult
    package func addFault(
        _ effect: FaultEffect, callClass: String? = nil, method: String? = nil, pathPrefix: String? = nil,
        _ frequency: FaultFrequency = .times(1)
    ) -> Int {
        faults.add(
            effect,
            on: FaultMatch(account: id, method: method, pathPrefix: pathPrefix, callClass: callClass), frequency)
    }

    // MARK: - State

    private var now: Double { clock.now.timeIntervalSince1970 }

    /// Runs `body` under the lock with the present instant; what it wrote is committed, or taken back when it throws.
    func transaction<Result: Sendable>(
        _ body: (inout OrgState, Double) throws -> sending Result
    ) rethrows -> sending Result {
        let now = now
        return try state.withLock { state throws -> Result in
            state.runJobs(now: now)
            let savepoint = state.records.database.savepoint
            do {
                let result = try body(&state, now)
                state.records.database.commit()
                return result
            } catch {
                state.records.database.rollback(to: savepoint)
                state.records.database.commit()
                throw error
            }
        }
    }
}
