/// How a tenant's org lets Ferry in. Descriptions show the kind, never a secret.
package enum SalesforceCredentials: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// JWT bearer: a private key whose certificate the connected app holds. `loginURL` is
    /// `https://login.salesforce.com`, `https://test.salesforce.com` or the org's My Domain; it is also the
    /// audience unless one is given.
    case jwt(clientID: String, username: String, privateKeyPEM: String, loginURL: String, audience: String? = nil)
    /// A refresh token from a one-time consent.
    case refreshToken(clientID: String, clientSecret: String?, refreshToken: String, loginURL: String)
    /// Client credentials of an app with a run-as user; only the org's My Domain host answers it.
    case clientCredentials(clientID: String, clientSecret: String, myDomainURL: String)

    /// The host that issues tokens, as given.
    var loginURL: String {
        switch self {
        case .jwt(_, _, _, let url, _), .refreshToken(_, _, _, let url), .clientCredentials(_, _, let url): return url
        }
    }

    package var description: String {
        switch self {
        case .jwt: return "salesforce credentials (jwt)"
        case .refreshToken: return "salesforce credentials (refresh token)"
        case .clientCredentials: return "salesforce credentials (client credentials)"
        }
    }

    package var debugDescription: String { description }

    /// Nothing: `dump` and debuggers' mirrors see no secret.
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// What the owner of a rotating refresh token does for the client.
package struct RefreshTokenStore: Sendable {
    /// Stores a new refresh token, durably; the old one is dead. The new access token is used only after this
    /// returned. When it throws it is called again before the next call.
    package var persist: @Sendable (_ refreshToken: String) async throws -> Void
    /// The refresh token now in the store. Asked when Salesforce refuses ours: another worker may have rotated it
    /// (trap T18). Nil when unknown.
    package var reload: @Sendable () async throws -> String?

    /// Makes a store from two functions.
    package init(
        persist: @escaping @Sendable (_ refreshToken: String) async throws -> Void,
        reload: @escaping @Sendable () async throws -> String? = { nil }
    ) {
        self.persist = persist
        self.reload = reload
    }

    /// For credentials whose tokens do not rotate.
    package static let none = RefreshTokenStore(persist: { _ in })
}
