import Synchronization

/// The Redis behind an address: one server (which sentinels may name), or the nodes of a cluster, each command at the
/// node that has its slot.
///
/// MOVED and ASK are followed; the topology is read anew when a node says MOVED or does not answer. What was sent and has
/// no answer is not sent again: whoever asked knows whether twice is as good as once.
package final class RedisFleet: Sendable {
    /// The only server, or the one that is asked for the topology.
    package let seed: RedisClient
    /// Whether keys of several slots may be on several nodes, and a command may have keys of one slot only.
    package let isCluster: Bool
    private let options: RedisOptions
    private let state = Mutex(State())

    private struct State {
        var topology: ClusterTopology?
        var nodes: [RedisHost: RedisClient] = [:]
        var isStale = true
        var readAt: ContinuousClock.Instant?
        var reading: Task<ClusterTopology, any Error>?
    }

    /// Makes a fleet; nothing is opened before the first command.
    package init(address: RedisAddress, options: RedisOptions = RedisOptions()) {
        var options = options
        if case .cluster = address.place { isCluster = true } else { isCluster = false }
        options.isClusterNode = isCluster
        self.options = options
        seed = RedisClient(address: address, options: options)
    }

    /// Makes a fleet of one server.
    package init(_ client: RedisClient) {
        isCluster = false
        options = RedisOptions()
        seed = client
    }

    /// Makes a fleet for an address such as `redis+cluster://one:6379,two:6379`.
    package convenience init(url: String, options: RedisOptions = RedisOptions()) throws(RedisError) {
        self.init(address: try RedisAddress(url), options: options)
    }

    /// Sends commands, those of one node one behind the other, and returns their answers in order.
    package func pipeline(_ commands: [RoutedCommand]) async -> [Result<RESPValue, RedisError>] {
        guard isCluster else { return await seed.pipeline(commands.map(\.command)) }
        var round = Round(commands)
        for attempt in 0...RedisLimits.redirects where !round.open.isEmpty {
            if round.mustWait { try? await Task.sleep(for: RedisLimits.redirectPause.delay(attempt: attempt)) }
            do throws(RedisError) {
                await send(&round, try await topology())
            } catch {
                for index in round.open { round.results[index] = .failure(error) }
                break
            }
        }
        return round.results
    }

    /// A connection of its own for commands that block on the node that has a slot, and where that is.
    package func blockingChannel(slot: Int) async throws(RedisError) -> (
        channel: RedisBlockingChannel, host: RedisHost?
    ) {
        guard isCluster else { return (seed.blockingChannel(), nil) }
        let host = try await self.host(of: slot)
        return (client(at: host).blockingChannel(), host)
    }

    /// The node that has a slot.
    package func host(of slot: Int) async throws(RedisError) -> RedisHost {
        guard let host = try await topology().host(of: slot) else { throw Self.nobody }
        return host
    }

    /// The topology may be wrong: the next command looks.
    package func suspectTopology() { state.withLock { $0.isStale = true } }

    /// Closes all connections.
    package func close() async {
        await seed.close()
        let nodes = state.withLock { state in
            defer { state.nodes = [:] }
            return Array(state.nodes.values)
        }
        for node in nodes { await node.close() }
    }

    // MARK: - Sending

    private struct Round {
        let commands: [RoutedCommand]
        var results: [Result<RESPValue, RedisError>]
        /// Commands without an answer that counts.
        var open: [Int]
        /// Where single commands are to go, once.
        var asks: [Int: RedisHost] = [:]
        var mustWait = false

        init(_ commands: [RoutedCommand]) {
            self.commands = commands
            open = Array(commands.indices)
            results = Array(repeating: .failure(RedisFleet.nobody), count: commands.count)
        }
    }

    private func send(_ round: inout Round, _ topology: ClusterTopology) async {
        var groups: [RedisHost: [Int]] = [:]
        for index in round.open {
            guard let host = round.asks[index] ?? topology.host(of: round.commands[index].slot) else {
                suspectTopology()
                continue
            }
            groups[host, default: []].append(index)
        }
        let (commands, asks) = (round.commands, round.asks)
        let answers = await withTaskGroup(of: (RedisHost, [Int], [Result<RESPValue, RedisError>]).self) { group in
            for (host, indices) in groups {
                group.addTask {
                    let batch = indices.flatMap { index in
                        asks[index] == nil
                            ? [commands[index].command] : [RedisCommand("ASKING"), commands[index].command]
                    }
                    var answers = await self.client(at: host).pipeline(batch)
                    for (place, index) in indices.enumerated() where asks[index] != nil { answers.remove(at: place) }
                    return (host, indices, answers)
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        round.open = []
        round.asks = [:]
        round.mustWait = false
        for (host, indices, results) in answers {
            for (index, result) in zip(indices, results) { take(result, of: index, from: host, &round) }
        }
    }

    private func take(
        _ result: Result<RESPValue, RedisError>, of index: Int, from host: RedisHost, _ round: inout Round
    ) {
        round.results[index] = result
        guard case .failure(let error) = result else { return }
        if let redirection = ClusterRedirection(error, asked: host) {
            round.open.append(index)
            if redirection.isAsk {
                round.asks[index] = redirection.host
            } else {
                moved(redirection)
            }
            return
        }
        switch error.code {
        case .server("TRYAGAIN"):
            round.open.append(index)
            round.mustWait = true
        case .server("CLUSTERDOWN"), .server("READONLY"), .notConnected, .connectionLost, .timeout: suspectTopology()
        default: break
        }
    }

    private func moved(_ redirection: ClusterRedirection) {
        state.withLock { state in
            state.topology?.move(redirection.slot, to: redirection.host)
            // One slot that moved is seldom the only one; the others are read when there is time.
            state.isStale = true
        }
    }

    private func client(at host: RedisHost) -> RedisClient {
        state.withLock { state in
            if let client = state.nodes[host] { return client }
            let client = RedisClient(address: seed.address.at(host), options: options)
            state.nodes[host] = client
            return client
        }
    }

    // MARK: - Topology

    private func topology() async throws(RedisError) -> ClusterTopology {
        let reading = state.withLock { state -> Task<ClusterTopology, any Error>? in
            let isYoung = state.readAt.map { .now - $0 < RedisLimits.topologyAge } ?? false
            if state.topology != nil, !state.isStale || isYoung { return nil }
            if let reading = state.reading { return reading }
            let reading = Task { try await self.read() }
            state.reading = reading
            return reading
        }
        do {
            if let reading { return try await reading.value }
        } catch {
            // An old one is better than none.
            guard state.withLock({ $0.topology }) != nil else { throw error as? RedisError ?? Self.nobody }
        }
        guard let topology = state.withLock({ $0.topology }) else { throw Self.nobody }
        return topology
    }

    /// Asks all nodes that are known and takes the first answer.
    private func read() async throws -> ClusterTopology {
        let nodes = state.withLock { $0.nodes }
        var asked = nodes.map { ($0.key.host, $0.value) }
        if case .cluster(let hosts) = seed.address.place, let first = hosts.first { asked.append((first.host, seed)) }
        let answer = await withTaskGroup(of: Result<ClusterTopology, RedisError>.self) { group in
            for (host, client) in asked {
                group.addTask {
                    do throws(RedisError) {
                        let reply = try await client.send(
                            RedisCommand("CLUSTER", "SLOTS"), timeout: RedisLimits.topologyTimeout)
                        return .success(try ClusterTopology(reply, asked: host))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            var failure = Result<ClusterTopology, RedisError>.failure(Self.nobody)
            for await result in group {
                if case .success = result {
                    group.cancelAll()
                    return result
                }
                failure = result
            }
            return failure
        }
        let gone = state.withLock { state in
            state.reading = nil
            state.readAt = .now
            guard case .success(let topology) = answer else { return [RedisClient]() }
            state.topology = topology
            state.isStale = false
            let left = state.nodes.filter { !topology.hosts.contains($0.key) }
            for host in left.keys { state.nodes[host] = nil }
            return Array(left.values)
        }
        for client in gone { await client.close() }
        return try answer.get()
    }

    private static let nobody = RedisError(.notConnected, fate: .notSent, "no node of the cluster has that slot")
}
