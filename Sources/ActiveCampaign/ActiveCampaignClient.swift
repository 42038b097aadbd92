package import Drivers
import Foundation

/// One ActiveCampaign account, v3 API.
///
/// Each call waits for the account's pace, is repeated within `patience` where repeating is safe, and ends in its
/// answer or in one `ActiveCampaignError` that says who has to act. The client keeps nothing between calls; it may be
/// used by many tasks at once.
package struct ActiveCampaignClient: Sendable, CustomStringConvertible {
    /// The account's URL.
    package let account: AccountURL
    private let token: APIToken
    private let http: HTTPClient
    let pacer: AccountPacer
    private let clock: PaceClock
    private let patience: Duration
    private let admission: CallAdmission
    private let onCall: @Sendable (ActiveCampaignCall) -> Void

    /// Makes a client.
    /// - Parameters:
    ///   - account: where the account is.
    ///   - token: the API key of one of its users.
    ///   - http: the process's HTTP client.
    ///   - pacer: the account's pace, shared by all of the process's clients of it (`AccountPacers`).
    ///   - patience: time one call may spend waiting between its tries; beyond it the call fails with `retry`.
    ///   - clock: time of waits; the system's outside of tests.
    ///   - admission: asked before every request.
    ///   - onCall: told of every request, repeats and checks of the key included; must not block.
    /// - Throws: `needsHuman(.credentials)` for a key that cannot be one.
    package init(
        account: AccountURL, token: String, http: HTTPClient, pacer: AccountPacer,
        patience: Duration = ActiveCampaignLimits.patience, clock: PaceClock = .system,
        admission: CallAdmission = .open, onCall: @escaping @Sendable (ActiveCampaignCall) -> Void = { _ in }
    ) throws(ActiveCampaignError) {
        self.account = account
        self.token = try APIToken(token)
        self.http = http
        self.pacer = pacer
        self.patience = patience
        self.clock = clock
        self.admission = admission
        self.onCall = onCall
    }

    package var description: String { "ActiveCampaign account \(account)" }

    // MARK: - Performing

    /// Performs a call and reads its answer.
    /// - Parameter read: turns the answer into the result; what it throws, other than an `ActiveCampaignError`, counts
    ///   as an unreadable answer and is repeated like a server's failure.
    func perform<Answer>(
        _ call: APICall, _ read: (HTTPResponse) throws -> Answer
    ) async throws(ActiveCampaignError) -> Answer {
        var attempts = CallAttempts(call: call.kind, isRepeatable: call.isRepeatable, patience: patience)
        while true {
            var judgement: Judgement
            switch try await attempt(call, number: attempts.tries + 1) {
            case .success(let response):
                judgement = AnswerClassification(call: call.kind).judge(response)
                if judgement == .accepted {
                    do { return try read(response) } catch let error as ActiveCampaignError { throw error } catch {
                        judgement = .failed(AnswerClassification(call: call.kind).unreadable(status: response.status))
                    }
                }
            case .failure(let error):
                judgement = AnswerClassification(call: call.kind).judge(error)
            }
            try await follow(judgement, &attempts)
        }
    }

    /// Waits, asks or gives up, as the attempts say.
    private func follow(_ judgement: Judgement, _ attempts: inout CallAttempts) async throws(ActiveCampaignError) {
        var action = attempts.ended(judgement, jitter: Double.random(in: 0...1))
        if action == .probe, case .doubted(let status) = judgement {
            action = attempts.probed(try await probe(), refusedStatus: status)
        }
        pauseAccount(after: judgement, attempts: attempts)
        switch action {
        case .again(let delay):
            do { try await clock.sleep(delay) } catch {
                throw ActiveCampaignError(.retry(after: nil, kind: .cancelled, fate: .unknown), call: attempts.call)
            }
        case .fail(let error): throw error
        case .probe: throw ActiveCampaignError(.ourBug(code: "probe_without_refusal"), call: attempts.call)
        }
    }

    /// A 429, and the 503 that stood for it once, are about the account: its other calls wait, too (reference 2.4).
    private func pauseAccount(after judgement: Judgement, attempts: CallAttempts) {
        guard case .failed(let error) = judgement, case .retry(let after, let kind, _) = error.verdict else { return }
        let delay = after ?? CallAttempts.delay(tries: attempts.tries, jitter: 0)
        switch kind {
        case .rateLimit: pause([.calls], for: delay)
        case .server where error.status == 503: pause([.calls], for: delay)
        case .importLimit: pause([.imports, .singleImports], for: delay)
        case .server, .network, .cancelled: break
        }
    }

    private func pause(_ lanes: [PaceLane], for delay: Duration) {
        for lane in lanes {
            pacer.pause(lane, for: delay)
            admission.paused(lane, delay)
        }
    }

    private func probe() async throws(ActiveCampaignError) -> Judgement {
        let call = APICall.get(.usersMe, "users/me")
        switch try await attempt(call, number: 1) {
        case .success(let response): return AnswerClassification(call: .usersMe).judge(response)
        case .failure(let error): return AnswerClassification(call: .usersMe).judge(error)
        }
    }

    private func attempt(
        _ call: APICall, number: Int
    ) async throws(ActiveCampaignError) -> Result<HTTPResponse, HTTPError> {
        let waited = try await pacer.admit(call.lanes, for: call.kind)
        try await admission.admit(call.lanes, call.kind)
        let start = clock.now
        let result: Result<HTTPResponse, HTTPError>
        do throws(HTTPError) {
            result = .success(try await http.send(call.request(to: account, token: token)))
        } catch {
            result = .failure(error)
        }
        onCall(
            ActiveCampaignCall(
                kind: call.kind, status: result.status, wasSent: result.wasSent, attempt: number, waited: waited,
                took: clock.now - start))
        return result
    }
}

extension Result where Success == HTTPResponse, Failure == HTTPError {
    fileprivate var wasSent: Bool {
        if case .failure(let error) = self { error.fate != .notSent } else { true }
    }

    /// Status of the answer, whole or not.
    fileprivate var status: Int? {
        switch self {
        case .success(let response): return response.status
        case .failure(let error):
            guard case .answered(let status) = error.fate else { return nil }
            return status
        }
    }
}
