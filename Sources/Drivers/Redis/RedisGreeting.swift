/// The first commands on a new link: AUTH and SELECT where the address asks for them, then a PING that a server which
/// is loading or cut off from its master refuses. A server that a sentinel named is asked for its role as well: only the
/// master will do.
struct RedisGreeting {
    /// What to send, in order.
    let commands: [RedisCommand]
    private var answered = 0
    private let wantsMaster: Bool

    init(_ address: RedisAddress) {
        var commands: [RedisCommand] = []
        if let password = address.password {
            if let user = address.user {
                commands.append(RedisCommand("AUTH", user, password))
            } else {
                commands.append(RedisCommand("AUTH", password))
            }
        }
        if address.database != 0 { commands.append(RedisCommand("SELECT", String(address.database))) }
        commands.append(RedisCommand("PING"))
        wantsMaster = if case .sentinel = address.place { true } else { false }
        if wantsMaster { commands.append(RedisCommand("ROLE")) }
        self.commands = commands
    }

    /// Takes the next answer.
    /// - Returns: whether the link may be used now.
    /// - Throws: `authentication` when it never will be, the server's error when it may be later.
    mutating func isDone(after reply: RESPValue) throws(RedisError) -> Bool {
        answered += 1
        if case .error(let error) = reply {
            guard error.retryability == .never else { throw error }
            throw RedisError(.authentication, fate: .notSent, "the server refused to log in: \(error.message)")
        }
        guard answered == commands.count else { return false }
        if wantsMaster, reply.elements?.first?.text != "master" {
            throw RedisError(.notConnected, fate: .notSent, "the server that the sentinels name is not the master")
        }
        return true
    }
}
