import Foundation
import Synchronization

/// ActiveCampaign's v3 API for any number of accounts in one process, told apart by their `Api-Token`. State is in
/// memory; time is the clock's. Nothing here opens a socket except the webhooks' receiver calls, which go through
/// `deliver`.
package final class ActiveCampaignSimulator: Sendable {
    private let clock: SimulatorClock
    private let deliver: Deliver
    private let directory = CampaignDirectory()

    /// Makes a simulator without accounts.
    /// - Parameter deliver: posts webhooks; the default is real HTTP.
    package init(clock: SimulatorClock, deliver: @escaping Deliver = ActiveCampaignSimulator.deliverOverHTTP) {
        self.clock = clock
        self.deliver = deliver
    }

    /// Makes an account. Its name should be unused: a later account of the same name hides the earlier one from
    /// ``account(named:)``.
    package func makeAccount(_ options: ActiveCampaignOptions) -> ActiveCampaignAccount {
        ActiveCampaignAccount(options: options, clock: clock, deliver: deliver, directory: directory)
    }

    /// All accounts, oldest first.
    package var accounts: [ActiveCampaignAccount] { directory.accounts }

    /// The account whose key this is.
    package func account(token: String) -> ActiveCampaignAccount? { directory.key(token)?.account }

    /// The account of that name.
    package func account(named name: String) -> ActiveCampaignAccount? { directory.account(named: name) }

    // MARK: - Requests

    /// Answers one request; nil when its path is not ActiveCampaign's (`/api/3` and below).
    package func handle(_ request: SimulatedRequest) async -> SimulatedResponse? {
        guard var call = Self.call(request) else { return nil }
        guard let key = key(of: request) else { return refusal(of: request).response(number: 0, seed: 0) }
        call.forbidden = key.forbidden
        return key.account.answer(call)
    }

    /// Whose call a request is and under which class it counts, without running it; nil when its path is not
    /// ActiveCampaign's. The account is nil when the key is unknown.
    package func whose(_ request: SimulatedRequest) -> (account: String?, callClass: ActiveCampaignCallClass)? {
        guard let call = Self.call(request) else { return nil }
        return (key(of: request)?.account.name, ActiveCampaignCallClass(call))
    }

    /// Makes the key that a request carries worthless from now on; other keys of the account stay.
    package func revokeToken(of request: SimulatedRequest) {
        if let token = request.headers["api-token"] { directory.forget(token: token) }
    }

    /// The key of a request. A host name of the service must name the key's own account.
    private func key(of request: SimulatedRequest) -> CampaignDirectory.Key? {
        guard let key = request.headers["api-token"].flatMap({ directory.key($0) }) else { return nil }
        guard let name = Self.accountName(inHostOf: request) else { return key }
        return key.account.name.lowercased() == name ? key : nil
    }

    /// `NAME` of the hosts `NAME.api-us1.com` and `NAME.activehosted.com`; nil for any other host.
    private static func accountName(inHostOf request: SimulatedRequest) -> String? {
        guard let host = request.headers["host"]?.lowercased().split(separator: ":").first else { return nil }
        for suffix in [".api-us1.com", ".activehosted.com"] where host.hasSuffix(suffix) {
            return String(host.dropLast(suffix.count))
        }
        return nil
    }

    /// The 403 of a call without a good key, as the account it was meant for words it.
    private func refusal(of request: SimulatedRequest) -> CampaignAnswer {
        let owner = request.headers["api-token"].flatMap { directory.formerOwner(of: $0) }
        let account = owner ?? Self.accountName(inHostOf: request).flatMap { directory.account(named: $0) }
        switch account?.options.badKeyBody ?? .message {
        case .message: return .message(403, "Forbidden")
        case .errors:
            return .statusProblem(403, "Forbidden", detail: "You do not have permission to view this resource.")
        case .html: return .edgePage(403, "Forbidden")
        case .empty: return CampaignAnswer(status: 403)
        }
    }

    private static func call(_ request: SimulatedRequest) -> CampaignCall? {
        let parts = request.path.split(separator: "/").map { String($0) }
        guard parts.count >= 2, parts[0] == "api", parts[1] == "3" else { return nil }
        return CampaignCall(
            method: request.method, path: Array(parts.dropFirst(2)), query: request.query, body: request.body)
    }
}

/// Which account belongs to a key or a name.
final class CampaignDirectory: Sendable {
    /// A key opens one account with the permissions of one user.
    struct Key: Sendable {
        let account: ActiveCampaignAccount
        /// First path components that the user may not use.
        let forbidden: Set<String>
    }

    private struct Entries {
        var all: [ActiveCampaignAccount] = []
        var byToken: [String: Key] = [:]
        /// Keys that are worthless by now, and whose they were.
        var former: [String: ActiveCampaignAccount] = [:]
        var byName: [String: ActiveCampaignAccount] = [:]
    }

    private let entries = Mutex(Entries())

    var accounts: [ActiveCampaignAccount] { entries.withLock { $0.all } }

    func key(_ token: String) -> Key? { entries.withLock { $0.byToken[token] } }

    func account(named name: String) -> ActiveCampaignAccount? { entries.withLock { $0.byName[name] } }

    /// The account that a key opened once.
    func formerOwner(of token: String) -> ActiveCampaignAccount? { entries.withLock { $0.former[token] } }

    /// Adds an account and gives it a number that makes its key unlike all others.
    func add(_ account: ActiveCampaignAccount) -> Int {
        entries.withLock { entries in
            entries.all.append(account)
            entries.byName[account.name] = account
            return entries.all.count
        }
    }

    func admit(token: String, to account: ActiveCampaignAccount, forbidden: Set<String> = []) {
        entries.withLock { $0.byToken[token] = Key(account: account, forbidden: forbidden) }
    }

    func forget(token: String) {
        entries.withLock { entries in
            if let key = entries.byToken.removeValue(forKey: token) { entries.former[token] = key.account }
        }
    }
}

extension CampaignAnswer {
    /// The answer with the headers that the live service sends (1.8). No rate-limit header is on an answer that went
    /// well.
    func response(number: Int, seed: UInt64) -> SimulatedResponse {
        let trace = CampaignRandom.hex(seed ^ 0xcf, UInt64(number))
        var all: [(name: String, value: String)] = [
            ("content-type", contentType), ("cache-control", "no-store, no-cache, must-revalidate"),
            ("server", "cloudflare"), ("cf-ray", "\(trace.prefix(16))-ORD"), ("cf-cache-status", "DYNAMIC"),
            ("x-request-id", CampaignRandom.uuid(seed, UInt64(number))), ("x-envoy-upstream-service-time", "90"),
            ("set-cookie", "PHPSESSID=\(trace); path=/; secure; HttpOnly"),
        ]
        all.append(contentsOf: headers)
        return SimulatedResponse(status: status, headers: all, body: Data(body))
    }
}
