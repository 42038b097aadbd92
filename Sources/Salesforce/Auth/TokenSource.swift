import Drivers
import Foundation

/// An org's access token: asked for before every request, fetched once for all who wait (trap T18).
///
/// A caller whose token was refused says so; the next token is fetched only if nobody has done it since. A rotated
/// refresh token is stored before the access token that came with it is handed out: a worker that dies in between
/// would otherwise lock the tenant out.
actor TokenSource {
    private let http: HTTPClient
    private let credentials: SalesforceCredentials
    private let policy: SalesforceHost.Policy
    private let store: RefreshTokenStore
    private let clock: WallClock
    private let onCall: @Sendable (SalesforceCallRecord) -> Void

    private var current: TokenGrant?
    private var refreshToken: String?
    /// A grant whose refresh token is not stored yet; it may not be used until it is.
    private var unstored: TokenGrant?
    private var flight: Task<Result<TokenGrant, SalesforceError>, Never>?

    init(
        http: HTTPClient, credentials: SalesforceCredentials, policy: SalesforceHost.Policy, store: RefreshTokenStore,
        clock: WallClock, onCall: @escaping @Sendable (SalesforceCallRecord) -> Void
    ) {
        self.http = http
        self.credentials = credentials
        self.policy = policy
        self.store = store
        self.clock = clock
        self.onCall = onCall
    }

    /// A token that was not refused yet.
    /// - Parameter refused: the access token the server has just called invalid.
    func grant(refused: String? = nil) async throws(SalesforceError) -> TokenGrant {
        if let current, current.accessToken != refused { return current }
        if let flight { return try await flight.value.get() }
        current = nil
        // Its own task: one waiting caller's cancellation must not take the token from the others.
        let task = Task { await self.fly() }
        flight = task
        return try await task.value.get()
    }

    private func fly() async -> Result<TokenGrant, SalesforceError> {
        defer { flight = nil }
        do throws(SalesforceError) {
            let grant: TokenGrant
            if let unstored { grant = unstored } else { grant = try await fetchSurvivingRotation() }
            try await storeIfRotated(grant)
            current = grant
            return .success(grant)
        } catch {
            return .failure(error)
        }
    }

    /// Fetches; when the refresh token is refused, looks whether another worker has rotated it meanwhile.
    private func fetchSurvivingRotation() async throws(SalesforceError) -> TokenGrant {
        do throws(SalesforceError) {
            return try await fetch()
        } catch {
            guard case .refreshToken(_, _, let first, _) = credentials, error.code == "invalid_grant",
                let stored = try? await store.reload(), stored != (refreshToken ?? first)
            else { throw error }
            refreshToken = stored
            return try await fetch()
        }
    }

    private func fetch() async throws(SalesforceError) -> TokenGrant {
        let login = try SalesforceHost(credentials.loginURL, policy: policy)
        let start = clock.now
        let request = try await TokenRequest.make(credentials, refreshToken: refreshToken, login: login, now: start)
        let response: HTTPResponse
        do throws(HTTPError) {
            response = try await http.send(request)
        } catch {
            report(start, error.fate)
            throw ErrorClassification.classify(error)
        }
        report(start, .answered(status: response.status))
        return try TokenRequest.read(response, policy: policy)
    }

    private func storeIfRotated(_ grant: TokenGrant) async throws(SalesforceError) {
        guard case .refreshToken(_, _, let first, _) = credentials, let new = grant.refreshToken,
            new != (refreshToken ?? first)
        else { return }
        unstored = grant
        do {
            try await store.persist(new)
        } catch {
            throw SalesforceError(
                code: "REFRESH_TOKEN_NOT_STORED",
                verdict: .retry(after: SalesforceLimits.concurrencyWait, kind: .server, fate: .notSent))
        }
        refreshToken = new
        unstored = nil
    }

    private func report(_ start: Date, _ fate: HTTPFate) {
        onCall(SalesforceCallRecord(callClass: .token, usage: nil, requestStart: start, fate: fate))
    }
}
