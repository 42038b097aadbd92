package import Drivers

/// The multi-tenant queue: fair between tenants, fenced, rebuildable.
///
/// Jobs are keys, not messages: a key is queued once however often it is asked for, runs at most once at a time, and runs
/// once more when it was asked for while it ran. Tenants take turns (deficit round robin); one that is parked, paused or
/// at its limit costs nothing until that ends. All state is in Redis, every change is one script on one shard.
///
/// Redis may be wiped at any time: calls then throw `generationLost` until somebody rebuilds from PostgreSQL with
/// `adopt`, and tokens of the new epoch are greater than all before.
package final class JobQueue: Sendable {
    let fleet: RedisFleet
    let clock: WallClock
    let options: JobQueueOptions
    let map: ShardMap
    let caller: ShardCaller
    let book: WorkerBook
    let channels: WaitChannels

    /// Makes a queue on one Redis; nothing is sent yet.
    /// - Parameter clock: its offset is added to the server's time in every script.
    package convenience init(redis: RedisClient, clock: WallClock, options: JobQueueOptions = JobQueueOptions()) {
        self.init(fleet: RedisFleet(redis), clock: clock, options: options)
    }

    /// Makes a queue on one Redis or a cluster; nothing is sent yet.
    /// - Parameter clock: its offset is added to the server's time in every script.
    package init(fleet: RedisFleet, clock: WallClock, options: JobQueueOptions = JobQueueOptions()) {
        options.check()
        self.fleet = fleet
        self.clock = clock
        self.options = options
        map = ShardMap(namespace: options.namespace, count: options.shards)
        caller = ShardCaller(fleet: fleet, map: map)
        book = WorkerBook(shards: options.shards)
        channels = WaitChannels(fleet: fleet, map: map)
    }

    /// Asks for jobs to run.
    /// - Returns: what became of each request, in order.
    /// - Throws: `generationLost`; `redis`, after which some of the requests may have been taken: ask again.
    package func enqueue(_ requests: [EnqueueRequest]) async throws(JobQueueError) -> [EnqueueResult] {
        var results: [EnqueueResult] = []
        results.reserveCapacity(requests.count)
        for result in try await tryEnqueue(requests) { results.append(try result.get()) }
        return results
    }

    /// Asks for jobs to run; a shard that is lost or out of reach does not keep the others from taking theirs.
    /// - Returns: what became of each request, in order.
    /// - Throws: `badArgument`, before anything was asked.
    package func tryEnqueue(
        _ requests: [EnqueueRequest]
    ) async throws(JobQueueError) -> [Result<EnqueueResult, JobQueueError>] {
        var calls: [ShardCaller.Call] = []
        var places: [[Int]] = []
        for (shard, indices) in ShardMap.group(requests.indices, by: { map.shard(of: requests[$0].key.tenant) }) {
            for part in indices.parts(of: JobQueueLimits.enqueueBatch) {
                var arguments = prelude
                arguments.reserve(part.count * Self.requestBytes)
                for index in part { try Self.append(requests[index], to: &arguments) }
                calls.append(ShardCaller.Call(script: .enqueue, shard: shard, arguments: arguments))
                places.append(part)
            }
        }
        var results = [Result<EnqueueResult, JobQueueError>](repeating: .success(.coalesced), count: requests.count)
        for (indices, answer) in zip(places, await caller.run(calls)) {
            let read = answer.flatMap { reply in
                Result { () throws(JobQueueError) in try Self.enqueued(reply, count: indices.count) }
            }
            for (place, index) in indices.enumerated() { results[index] = read.map { $0[place] } }
        }
        return results
    }

    private static func enqueued(_ reply: RESPValue, count: Int) throws(JobQueueError) -> [EnqueueResult] {
        let results = (reply.rawBytes ?? []).compactMap(EnqueueResult.init(letter:))
        guard results.count == count else { throw unexpected("enqueue") }
        return results
    }

    /// Asks for one job to run.
    package func enqueue(_ request: EnqueueRequest) async throws(JobQueueError) -> EnqueueResult {
        guard let result = try await enqueue([request]).first else { throw Self.unexpected("enqueue") }
        return result
    }

    private static func append(_ request: EnqueueRequest, to arguments: inout RedisCommand) throws(JobQueueError) {
        guard JobQueueLimits.costs.contains(request.cost) else {
            throw JobQueueError(.badArgument, "a cost is 1...100")
        }
        arguments.append(Int64(request.key.tenant))
        arguments.append(request.key.kind)
        arguments.append(Int64(request.jobClass.rawValue))
        arguments.append(try milliseconds(request.delay))
        arguments.append(Int64(request.cost))
    }

    /// Bytes of a request on the wire, about.
    private static let requestBytes = 64

    // MARK: - Shared with the extensions

    /// A call with the arguments every script begins with.
    func call(_ script: ShardScript, _ shard: Int, _ arguments: [String]) -> ShardCaller.Call {
        var all = prelude
        for argument in arguments { all.append(argument) }
        return ShardCaller.Call(script: script, shard: shard, arguments: all)
    }

    /// Runs one script on one shard.
    func run(_ script: ShardScript, _ shard: Int, _ arguments: [String]) async throws(JobQueueError) -> RESPValue {
        let call = call(script, shard, arguments)
        return try await caller.run(script, shard: shard, call.arguments)
    }

    /// The arguments every script begins with.
    var prelude: RedisCommand {
        var arguments = RedisCommand()
        arguments.append(Int64((clock.offsetSeconds * 1_000).rounded()))
        arguments.append(Int64(options.tenantConcurrency))
        return arguments
    }

    /// A delay in whole milliseconds, not less than none.
    static func milliseconds(_ duration: Duration) throws(JobQueueError) -> Int64 {
        guard duration <= JobQueueLimits.maxDelay else {
            throw JobQueueError(.badArgument, "a delay is at most 400 days")
        }
        return max(0, duration.milliseconds)
    }

    static let wiped = JobQueueError(.generationLost, "the shard has no generation mark; it was wiped")

    static func unexpected(_ script: String) -> JobQueueError {
        JobQueueError(.unexpectedReply, "the \(script) script answered something unexpected")
    }

    /// A reason or code as scripts keep it: short, one line.
    static func label(_ text: String) -> String {
        var label = ""
        for character in text.split(whereSeparator: \.isNewline).joined(separator: " ") {
            guard label.utf8.count + character.utf8.count <= JobQueueLimits.codeBytes else { break }
            label.append(character)
        }
        return label
    }
}

extension Duration {
    /// Whole milliseconds, rounded up so that a short wait does not become none.
    var milliseconds: Int64 {
        let whole = components.seconds * 1_000
        return whole + (components.attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    }
}
