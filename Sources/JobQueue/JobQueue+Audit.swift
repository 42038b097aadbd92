import Drivers

/// Where a job is.
package enum JobPlace: Hashable, Sendable {
    /// In its tenant's queue, whether the tenant may run or not.
    case queued
    /// Waiting for its time.
    case delayed
    /// Leased by a worker.
    case running
    /// A dead letter.
    case dead
    /// Nowhere: nobody has asked for it, it is done, or it was lost.
    case nowhere

    init?(letter: UInt8) {
        switch letter {
        case UInt8(ascii: "q"): self = .queued
        case UInt8(ascii: "d"): self = .delayed
        case UInt8(ascii: "r"): self = .running
        case UInt8(ascii: "x"): self = .dead
        case UInt8(ascii: "-"): self = .nowhere
        default: return nil
        }
    }
}

/// Where a walk over all tenants of the queue stands; a value, so that it may rest between pages.
package struct TenantWalk: Hashable, Sendable {
    var shard = 0
    var cursor = "0"

    /// At the beginning.
    package init() {}
}

extension JobQueue {
    /// Where jobs are. Only looks.
    /// - Returns: a place a key, in order; nil where the key's shard did not answer.
    package func places(of keys: [JobKey]) async throws(JobQueueError) -> [JobPlace?] {
        var places = [JobPlace?](repeating: nil, count: keys.count)
        var calls: [ShardCaller.Call] = []
        var groups: [[Int]] = []
        for (shard, indices) in ShardMap.group(keys.indices, by: { map.shard(of: keys[$0].tenant) }) {
            for part in indices.parts(of: JobQueueLimits.auditBatch) {
                var arguments = call(.audit, shard, ["find"]).arguments
                for index in part {
                    arguments.append(Int64(keys[index].tenant))
                    arguments.append(keys[index].kind)
                }
                calls.append(ShardCaller.Call(script: .audit, shard: shard, arguments: arguments))
                groups.append(part)
            }
        }
        for (part, answer) in zip(groups, await caller.run(calls)) {
            guard case .success(let reply) = answer else { continue }
            guard let letters = reply.rawBytes, letters.count == part.count else { throw Self.unexpected("audit") }
            for (index, letter) in zip(part, letters) {
                guard let place = JobPlace(letter: letter) else { throw Self.unexpected("audit") }
                places[index] = place
            }
        }
        return places
    }

    /// One page of the tenants that the queue has anything of, and moves the walk on.
    /// - Returns: tenants, some of them perhaps on two pages; nil at the end, after which the walk begins anew.
    package func nextTenants(_ walk: inout TenantWalk) async throws(JobQueueError) -> [Int32]? {
        guard walk.shard < options.shards else {
            walk = TenantWalk()
            return nil
        }
        let reply = try await run(
            .audit, walk.shard, ["tenants", walk.cursor, "\(JobQueueLimits.auditBatch)"])
        guard let parts = reply.elements, let next = parts.first?.text else { throw Self.unexpected("audit") }
        walk.cursor = next
        if next == "0" { walk.shard += 1 }
        return parts.dropFirst().compactMap { part in part.number.flatMap { Int32(exactly: $0) } }
    }

    /// Drops all that tenants have on the queue, their controls too; what runs is left to end by itself.
    /// - Returns: jobs dropped.
    package func forget(tenants: [Int32]) async throws(JobQueueError) -> Int {
        var calls: [ShardCaller.Call] = []
        for (shard, indices) in ShardMap.group(tenants.indices, by: { map.shard(of: tenants[$0]) }) {
            for part in indices.parts(of: JobQueueLimits.auditBatch) {
                calls.append(call(.audit, shard, ["forget"] + part.map { "\(tenants[$0])" }))
            }
        }
        var dropped = 0
        for answer in await caller.run(calls) { dropped += Int(try answer.get().number ?? 0) }
        return dropped
    }
}
