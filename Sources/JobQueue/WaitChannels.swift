import Drivers
import Synchronization

/// Where workers wait for wake-up tokens.
///
/// On one server a worker has one connection for all shards. A cluster's node refuses a command for keys of several slots,
/// so there a worker has one for each shard, up to `JobQueueLimits.clusterWaits` of them.
final class WaitChannels: Sendable {
    private let fleet: RedisFleet
    private let map: ShardMap
    private let channels = Mutex<[WorkerID: RedisBlockingChannel]>([:])
    private let waits = Mutex<[WorkerID: ClusterWait]>([:])

    init(fleet: RedisFleet, map: ShardMap) {
        self.fleet = fleet
        self.map = map
    }

    /// Waits for a token in any of some shards.
    /// - Returns: shards that had one; none when the time is over.
    func wait(_ worker: WorkerID, for shards: [Int], timeout: Duration) async throws(RedisError) -> Set<Int> {
        if fleet.isCluster {
            let wait = waits.withLock { waits in
                if let wait = waits[worker] { return wait }
                let wait = ClusterWait(fleet: fleet, map: map)
                waits[worker] = wait
                return wait
            }
            return await wait.next(of: shards, timeout: timeout)
        }
        let channel = channels.withLock { channels in
            if let channel = channels[worker] { return channel }
            let channel = fleet.seed.blockingChannel()
            channels[worker] = channel
            return channel
        }
        guard let popped = try await channel.popFirst(of: shards.map { map.names[$0] + ":wake" }, timeout: timeout)
        else { return [] }
        let name = popped.key.dropLast(":wake".count)
        return Set(map.names.firstIndex { $0 == name }.map { [$0] } ?? [])
    }

    func close(_ worker: WorkerID) async {
        let channel = channels.withLock { $0.removeValue(forKey: worker) }
        await channel?.close()
        let wait = waits.withLock { $0.removeValue(forKey: worker) }
        await wait?.close()
    }
}

/// One worker's waits on a cluster, one a shard.
///
/// When one shard's token comes the waits for the others go on until their time is over, and what they bring is told at
/// the next call: to break them off would cost a connection each. So a busy worker may hold a token a shard for
/// `JobQueueLimits.maxWait`; others find the work within that time by looking.
final class ClusterWait: Sendable {
    private struct Line {
        let channel: RedisBlockingChannel
        let host: RedisHost?
    }

    private struct State {
        var lines: [Int: Line] = [:]
        var waiting: Set<Int> = []
        var woken: Set<Int> = []
        var first = 0
        var isClosed = false
    }

    private let fleet: RedisFleet
    private let map: ShardMap
    private let state = Mutex(State())
    private let bell: AsyncStream<Void>
    private let rope: AsyncStream<Void>.Continuation

    init(fleet: RedisFleet, map: ShardMap) {
        self.fleet = fleet
        self.map = map
        (bell, rope) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Waits for tokens; what came since the last call is told at once.
    func next(of shards: [Int], timeout: Duration) async -> Set<Int> {
        let (woken, fresh) = state.withLock { state in
            let window = (0..<min(shards.count, JobQueueLimits.clusterWaits)).map {
                shards[(state.first + $0) % shards.count]
            }
            if shards.count > window.count { state.first = (state.first + window.count) % shards.count }
            guard state.woken.isEmpty, !state.isClosed else { return (Self.take(&state), [Int]()) }
            let fresh = window.filter { !state.waiting.contains($0) }
            state.waiting.formUnion(fresh)
            return (Set<Int>(), fresh)
        }
        guard woken.isEmpty else { return woken }
        for shard in fresh { Task { await self.wait(shard, timeout) } }
        let alarm = Task {
            try await Task.sleep(for: timeout)
            rope.yield()
        }
        defer { alarm.cancel() }
        for await _ in bell { break }
        return state.withLock { Self.take(&$0) }
    }

    func close() async {
        let lines = state.withLock { state in
            state.isClosed = true
            defer { state.lines = [:] }
            return Array(state.lines.values)
        }
        for line in lines { await line.channel.close() }
    }

    private static func take(_ state: inout State) -> Set<Int> {
        defer { state.woken = [] }
        return state.woken
    }

    private func wait(_ shard: Int, _ timeout: Duration) async {
        var isWoken = false
        do throws(RedisError) {
            let channel = try await line(of: shard)
            isWoken = try await channel.popFirst(of: [map.names[shard] + ":wake"], timeout: timeout) != nil
        } catch {
            // MOVED, or nobody there: the next wait asks where the shard is, and not at once.
            fleet.suspectTopology()
            try? await Task.sleep(for: timeout)
        }
        state.withLock { state in
            state.waiting.remove(shard)
            if isWoken { state.woken.insert(shard) }
        }
        if isWoken { rope.yield() }
    }

    /// The connection to the node that has a shard now.
    private func line(of shard: Int) async throws(RedisError) -> RedisBlockingChannel {
        let host = try await fleet.host(of: map.slots[shard])
        let old = state.withLock { $0.lines[shard] }
        if let old, old.host == host { return old.channel }
        let (channel, place) = try await fleet.blockingChannel(slot: map.slots[shard])
        let isClosed = state.withLock { state in
            state.lines[shard] = Line(channel: channel, host: place)
            return state.isClosed
        }
        if isClosed { await channel.close() }
        await old?.channel.close()
        return channel
    }
}
