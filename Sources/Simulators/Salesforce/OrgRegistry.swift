import Synchronization

/// Every org of the process, by what a request may tell it by.
final class OrgRegistry: Sendable {
    private struct State {
        var orgs: [SalesforceOrg] = []
        var byUsername: [String: SalesforceOrg] = [:]
        var byClientID: [String: SalesforceOrg] = [:]
        var byShortID: [String: SalesforceOrg] = [:]
    }

    private let state = Mutex(State())

    /// Makes an org with the next free number.
    func add(_ make: (Int) -> SalesforceOrg) -> SalesforceOrg {
        state.withLock { state in
            precondition(state.orgs.count < SimulatorsLimits.orgs, "too many orgs in one process")
            let org = make(state.orgs.count + 1)
            state.orgs.append(org)
            state.byUsername[org.username.lowercased()] = org
            // Orgs of one vendor's app share its client id; the first stands for them where nothing else tells.
            if state.byClientID[org.clientID] == nil { state.byClientID[org.clientID] = org }
            state.byShortID[org.identity.shortID] = org
            return org
        }
    }

    /// Every org, in the order they were made.
    var all: [SalesforceOrg] { state.withLock { $0.orgs } }

    /// The org of an integration user's name.
    func org(username: String) -> SalesforceOrg? {
        state.withLock { $0.byUsername[username.lowercased()] }
    }

    /// The org of a client id; the first made when several share one.
    func org(clientID: String) -> SalesforceOrg? {
        state.withLock { $0.byClientID[clientID] }
    }

    /// Whether any org has the app of this client id.
    func knows(clientID: String) -> Bool {
        org(clientID: clientID) != nil
    }

    /// The org that gave out an access or refresh token, live or not.
    func org(token: String) -> SalesforceOrg? {
        let shortID =
            token.hasPrefix("5Aep") ? String(token.dropFirst(4).prefix(15)) : String(token.prefix { $0 != "!" })
        return state.withLock { $0.byShortID[shortID] }
    }
}
