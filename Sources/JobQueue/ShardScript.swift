import Drivers
import Synchronization

/// The scripts in `Lua/`, each bound to its bytes once.
enum ShardScript: String, CaseIterable, Sendable {
    case enqueue, exchange, heartbeat, sweep, tenant, dead, status, audit, adopt, budget, pace

    /// What the server is given: the shared parts and the script, each a layer inside the one before (`Lua/prelude.lua`).
    var source: [UInt8] {
        switch self {
        case .enqueue: Self.layered(PackageResources.enqueue_lua)
        case .exchange: Self.layered(PackageResources.purse_lua, PackageResources.exchange_lua)
        case .heartbeat: Self.layered(PackageResources.purse_lua, PackageResources.heartbeat_lua)
        case .sweep: Self.layered(PackageResources.purse_lua, PackageResources.sweep_lua)
        case .tenant: Self.layered(PackageResources.tenant_lua)
        case .dead: Self.layered(PackageResources.dead_lua)
        case .status: Self.layered(PackageResources.status_lua)
        case .audit: Self.layered(PackageResources.audit_lua)
        case .budget: Self.layered(PackageResources.purse_lua, PackageResources.budget_lua)
        case .adopt: PackageResources.adopt_lua
        case .pace: PackageResources.pace_lua
        }
    }

    private static func layered(_ parts: [UInt8]...) -> [UInt8] {
        let layers = [PackageResources.shard_lua] + parts
        let closing = Array("\nend\nreturn layer()\n".utf8)
        return PackageResources.prelude_lua
            + layers.flatMap { Array("\nlocal function layer()\n".utf8) + $0 }
            + layers.flatMap { _ in closing }
    }
}

/// Runs scripts by their hash, and loads them when a server does not know them (new, restarted, SCRIPT FLUSH, failover).
///
/// EVALSHA is the one path: it works from Redis 6.2 on, and needs nobody to install anything.
final class ShardCaller: Sendable {
    /// One script on one shard.
    struct Call: Sendable {
        let script: ShardScript
        let shard: Int
        /// What follows the shard's name.
        let arguments: RedisCommand
        /// What the key has behind the shard's name, for the script that has a key of its own.
        var keySuffix = ""
    }

    private let fleet: RedisFleet
    private let map: ShardMap
    /// The server's own name for each script, learned from SCRIPT LOAD.
    private let hashes = Mutex<[ShardScript: String]>([:])

    init(fleet: RedisFleet, map: ShardMap) {
        self.fleet = fleet
        self.map = map
    }

    /// Runs calls one behind the other in one round trip.
    func run(_ calls: [Call]) async -> [Result<RESPValue, JobQueueError>] {
        var results: [Result<RESPValue, RedisError>] = []
        do throws(RedisError) {
            var commands: [RoutedCommand] = []
            for call in calls { commands.append(try await command(call)) }
            results = await fleet.pipeline(commands)
            // Several at once may be unknown; the others have been carried out and must not be sent again.
            let unknown = results.indices.filter { Self.isUnknownScript(results[$0]) }
            if !unknown.isEmpty {
                try await load(unknown.map { calls[$0] })
                let again = unknown.map { commands[$0] }
                for (index, result) in zip(unknown, await fleet.pipeline(again)) { results[index] = result }
            }
        } catch {
            if results.isEmpty { results = calls.map { _ in .failure(error) } }
        }
        return results.map { result in result.mapError { JobQueueError($0) } }
    }

    /// Runs one call.
    func run(_ script: ShardScript, shard: Int, _ arguments: RedisCommand) async throws(JobQueueError) -> RESPValue {
        try await run(Call(script: script, shard: shard, arguments: arguments))
    }

    /// Runs one call.
    func run(_ call: Call) async throws(JobQueueError) -> RESPValue {
        let results = await run([call])
        guard let result = results.first else { throw JobQueueError(.unexpectedReply, "no answer") }
        return try result.get()
    }

    private func command(_ call: Call) async throws(RedisError) -> RoutedCommand {
        var hash = hashes.withLock { $0[call.script] }
        if hash == nil {
            try await load([call])
            hash = hashes.withLock { $0[call.script] }
        }
        var command = RedisCommand("EVALSHA", hash ?? "", "1", map.names[call.shard] + call.keySuffix)
        command.append(argumentsOf: call.arguments)
        return RoutedCommand(command, slot: map.slots[call.shard])
    }

    /// Loads the scripts of calls where the calls go: every server has a script cache of its own.
    private func load(_ calls: [Call]) async throws(RedisError) {
        // One server needs each script once; of a cluster's nodes we don't ask who has which of the shards.
        var wanted: [[Int]: Call] = [:]
        for call in calls {
            let place = fleet.isCluster ? call.shard : 0
            wanted[[place, ShardScript.allCases.firstIndex(of: call.script) ?? 0]] = call
        }
        let loads = Array(wanted.values)
        let replies = await fleet.pipeline(
            loads.map { call in
                RoutedCommand(
                    RedisCommand([Array("SCRIPT".utf8), Array("LOAD".utf8), call.script.source]),
                    slot: map.slots[call.shard])
            })
        for (call, reply) in zip(loads, replies) {
            guard let hash = try reply.get().text else {
                throw RedisError(.protocolViolation, fate: .answered, "SCRIPT LOAD did not answer with a hash")
            }
            hashes.withLock { $0[call.script] = hash }
        }
    }

    private static func isUnknownScript(_ result: Result<RESPValue, RedisError>) -> Bool {
        if case .failure(let error) = result { error.code == .server("NOSCRIPT") } else { false }
    }
}
