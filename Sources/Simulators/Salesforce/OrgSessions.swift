/// The tokens one org has given out.
struct OrgSessions {
    private struct RefreshToken {
        let token: String
        var lastUsed: Double
    }

    private let prefix: String
    /// Seconds an access token lives.
    var lifetime: Double
    /// Every refresh returns a new refresh token and kills the old one.
    var rotatesRefreshTokens = false
    /// Days a refresh token may sit unused; `nil` for ever.
    var refreshIdleDays: Double?
    /// Whether a flow hands out the live session's token.
    var reuses = false
    /// Whether each use begins a session's lifetime anew.
    var extendsWithUse = false
    private var expiries: [(token: String, at: Double)] = []
    private var refreshTokens: [RefreshToken] = []
    private var random: SeededRandom

    init(shortOrgID: String, lifetime: Double, random: SeededRandom) {
        prefix = shortOrgID
        self.lifetime = lifetime
        self.random = random
    }

    /// A new access token, or the live one where sessions are reused.
    mutating func open(now: Double) -> String {
        if reuses, let live = expiries.last(where: { $0.at > now }) { return live.token }
        let token = "\(prefix)!AQ\(text(64))"
        expiries.removeAll { $0.at <= now }
        if expiries.count >= SimulatorsLimits.sessions { expiries.removeFirst() }
        expiries.append((token, now + lifetime))
        return token
    }

    /// Whether an access token is live; its lifetime begins anew where use extends it.
    mutating func use(_ token: String, now: Double) -> Bool {
        guard let index = expiries.lastIndex(where: { $0.token == token && $0.at > now }) else { return false }
        if extendsWithUse { expiries[index].at = now + lifetime }
        return true
    }

    /// When a live access token ends; `nil` when it is not one.
    func expiry(of token: String, now: Double) -> Double? {
        expiries.last { $0.token == token && $0.at > now }?.at
    }

    /// A new refresh token; the sixth approval kills the oldest.
    mutating func approve(now: Double) -> String {
        let token = "5Aep\(prefix)\(text(48))"
        refreshTokens.append(RefreshToken(token: token, lastUsed: now))
        if refreshTokens.count > SimulatorsLimits.refreshTokens { refreshTokens.removeFirst() }
        return token
    }

    /// Uses a refresh token: a new access token, and a new refresh token when the app rotates them; `nil` when it is
    /// dead.
    mutating func refresh(_ token: String, now: Double) -> (access: String, refresh: String?)? {
        guard let index = refreshTokens.firstIndex(where: { $0.token == token }) else { return nil }
        if let days = refreshIdleDays, now - refreshTokens[index].lastUsed > days * 86_400 {
            refreshTokens.remove(at: index)
            return nil
        }
        guard rotatesRefreshTokens else {
            refreshTokens[index].lastUsed = now
            return (open(now: now), nil)
        }
        refreshTokens.remove(at: index)
        return (open(now: now), approve(now: now))
    }

    /// Makes one access or refresh token worthless; false when it was none.
    @discardableResult
    mutating func revoke(_ token: String) -> Bool {
        let before = expiries.count + refreshTokens.count
        expiries.removeAll { $0.token == token }
        refreshTokens.removeAll { $0.token == token }
        return expiries.count + refreshTokens.count < before
    }

    /// Makes every access token worthless, and the refresh tokens too if asked.
    mutating func revokeAll(includingRefreshTokens: Bool) {
        expiries.removeAll()
        if includingRefreshTokens { refreshTokens.removeAll() }
    }

    private mutating func text(_ length: Int) -> String {
        let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._")
        var text = ""
        for _ in 0..<length { text.append(alphabet[Int.random(in: 0..<alphabet.count, using: &random)]) }
        return text
    }
}
