/// Whose call a request is and what kind, as far as its provider can tell without running it.
package struct SimulatedCallIdentity: Sendable, Equatable {
    /// The account or org; `nil` when the caller is unknown.
    package var account: String?
    /// The class the call is counted under.
    package var callClass: String

    /// Names a call.
    package init(account: String?, callClass: String) {
        self.account = account
        self.callClass = callClass
    }
}

/// One provider behind the shared HTTP server.
package protocol SimulatedProvider: Sendable {
    /// Answers a request; `nil` when the path is not this provider's.
    func handle(_ request: SimulatedRequest) async -> SimulatedResponse?

    /// Whose call a request is, for faults that strike one account or one class of calls; `nil` when the path is not
    /// this provider's.
    func identify(_ request: SimulatedRequest) -> SimulatedCallIdentity?

    /// Whether no fault may strike this provider's calls.
    var isBeyondFaults: Bool { get }

    /// Makes the token a request carries worthless from now on.
    func revokeToken(of request: SimulatedRequest)

    /// Bytes of the largest body, as sent, of a call with this method and path.
    func requestBodyBytes(method: String, path: String) -> Int

    /// Told once the server listens, with `http://127.0.0.1:PORT` or `https://…`.
    func serverStarted(baseURL: String)
}

extension SimulatedProvider {
    /// Unknown: only faults by path and method can strike.
    package func identify(_ request: SimulatedRequest) -> SimulatedCallIdentity? { nil }

    /// Faults strike.
    package var isBeyondFaults: Bool { false }

    /// Nothing: the provider's tokens cannot be revoked.
    package func revokeToken(of request: SimulatedRequest) {}

    /// The bound that all calls share.
    package func requestBodyBytes(method: String, path: String) -> Int { SimulatorsLimits.requestBodyBytes }

    /// Nothing: the provider's answers name no URL of their own.
    package func serverStarted(baseURL: String) {}
}
