import DequeModule

/// Decides which request may run: at most so many at one host, so many in all, so many waiting.
///
/// Hosts with waiting requests take turns, so one slow host with a long queue does not hold up the others. libcurl
/// has such limits too, but its own queue is one line for all hosts and does not bound what waits.
struct HTTPAdmission {
    /// What to do with a request that arrived.
    enum Verdict: Equatable {
        case start, wait, refuse
    }

    private struct Host {
        var active = 0
        var waiting = Deque<UInt64>()
        var isInTurn = false
    }

    private let maxPerHost: Int
    private let maxActive: Int
    private let maxWaiting: Int
    private let maxWaitingPerHost: Int
    private var hosts: [String: Host] = [:]
    private var turn = Deque<String>()
    /// Requests running now.
    private(set) var active = 0
    /// Requests waiting now.
    private(set) var waiting = 0

    init(maxPerHost: Int, maxActive: Int, maxWaiting: Int, maxWaitingPerHost: Int) {
        precondition(maxPerHost > 0 && maxActive > 0 && maxWaiting >= 0 && maxWaitingPerHost >= 0)
        self.maxPerHost = maxPerHost
        self.maxActive = maxActive
        self.maxWaiting = maxWaiting
        self.maxWaitingPerHost = maxWaitingPerHost
    }

    /// Takes a request for `host`; on `.start` it counts as running from now on.
    mutating func submit(_ id: UInt64, host name: String) -> Verdict {
        var host = hosts[name] ?? Host()
        if active < maxActive, host.active < maxPerHost, host.waiting.isEmpty {
            host.active += 1
            active += 1
            hosts[name] = host
            return .start
        }
        guard waiting < maxWaiting, host.waiting.count < maxWaitingPerHost else { return .refuse }
        host.waiting.append(id)
        waiting += 1
        hosts[name] = host
        takeTurn(name)
        return .wait
    }

    /// A running request of `host` ended.
    mutating func finish(host name: String) {
        guard var host = hosts[name], host.active > 0 else { preconditionFailure("finished what never started") }
        host.active -= 1
        active -= 1
        hosts[name] = host
        takeTurn(name)
        forgetIfQuiet(name)
    }

    /// The next request that may run; it counts as running from now on. Call until nil.
    mutating func next() -> UInt64? {
        while active < maxActive, let name = turn.popFirst() {
            guard var host = hosts[name] else { continue }
            host.isInTurn = false
            guard host.active < maxPerHost, let id = host.waiting.popFirst() else {
                hosts[name] = host
                continue
            }
            host.active += 1
            active += 1
            waiting -= 1
            hosts[name] = host
            takeTurn(name)
            return id
        }
        return nil
    }

    /// Takes a waiting request out of its line; false when it was not waiting.
    mutating func withdraw(_ id: UInt64, host name: String) -> Bool {
        guard let index = hosts[name]?.waiting.firstIndex(of: id) else { return false }
        hosts[name]?.waiting.remove(at: index)
        waiting -= 1
        forgetIfQuiet(name)
        return true
    }

    private mutating func takeTurn(_ name: String) {
        guard let host = hosts[name], !host.isInTurn, !host.waiting.isEmpty, host.active < maxPerHost else { return }
        hosts[name]?.isInTurn = true
        turn.append(name)
    }

    private mutating func forgetIfQuiet(_ name: String) {
        guard let host = hosts[name], host.active == 0, host.waiting.isEmpty, !host.isInTurn else { return }
        hosts[name] = nil
    }
}
