/// Who has which slots, as one node tells it. A value.
struct ClusterTopology: Sendable {
    private(set) var hosts: [RedisHost] = []
    /// Index into `hosts` by slot; -1 where nobody is known.
    private var owners = [Int16](repeating: -1, count: RedisLimits.slots)

    /// The node that has a slot.
    func host(of slot: Int) -> RedisHost? {
        let owner = Int(owners[slot])
        return owner < 0 ? nil : hosts[owner]
    }

    /// A node said that a slot is elsewhere.
    mutating func move(_ slot: Int, to host: RedisHost) {
        guard owners.indices.contains(slot) else { return }
        owners[slot] = index(of: host)
    }

    /// Reads the answer to CLUSTER SLOTS.
    /// - Parameter asked: whom; a node that does not know its own address leaves it out.
    init(_ reply: RESPValue, asked: String) throws(RedisError) {
        for range in reply.elements ?? [] {
            guard let parts = range.elements, parts.count >= 3, let first = parts[0].number, let last = parts[1].number,
                first >= 0, first <= last, last < RedisLimits.slots, let node = parts[2].elements, node.count >= 2,
                let port = node[1].number.flatMap({ UInt16(exactly: $0) })
            else { throw Self.unreadable }
            let name = node[0].text ?? ""
            let owner = index(of: RedisHost(host: name.isEmpty || name == "?" ? asked : name, port: port))
            for slot in Int(first)...Int(last) { owners[slot] = owner }
        }
        guard !hosts.isEmpty else { throw Self.unreadable }
    }

    private mutating func index(of host: RedisHost) -> Int16 {
        if let known = hosts.firstIndex(of: host) { return Int16(known) }
        hosts.append(host)
        return Int16(hosts.count - 1)
    }

    private static let unreadable = RedisError(
        .protocolViolation, fate: .answered, "CLUSTER SLOTS was not answered as expected; is it a cluster?")
}

/// Where a node sends a command instead.
struct ClusterRedirection: Hashable {
    let slot: Int
    let host: RedisHost
    /// Only this once: the slot is on its way.
    let isAsk: Bool

    /// Reads `MOVED 3999 10.0.0.1:6381` or `ASK …`; nil when it is neither.
    init?(_ error: RedisError, asked: RedisHost) {
        guard case .server(let prefix) = error.code, prefix == "MOVED" || prefix == "ASK" else { return nil }
        let words = error.message.split(separator: " ")
        guard words.count == 3, let slot = Int(words[1]), let colon = words[2].lastIndex(of: ":"),
            let port = UInt16(words[2][colon...].dropFirst())
        else { return nil }
        // Without a host the node means its own.
        let name = String(words[2][..<colon])
        self.slot = slot
        host = RedisHost(host: name.isEmpty ? asked.host : name, port: port)
        isAsk = prefix == "ASK"
    }
}
