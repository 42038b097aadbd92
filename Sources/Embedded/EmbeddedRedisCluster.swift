package import Foundation

/// A private Redis Cluster on loopback ports: masters that share the slots evenly, each with replicas if wanted.
package final class EmbeddedRedisCluster: Sendable {
    /// One node.
    package struct Node: Sendable {
        package let redis: EmbeddedRedis
        package let port: Int
        /// As the cluster knows it.
        package let id: String
    }

    /// The masters in order of their slots, as they were at the start.
    package let masters: [Node]
    /// Their replicas, as they were at the start.
    package let replicas: [Node]
    /// `redis+cluster://…` with all nodes, as `FERRY_REDIS_URL` wants it.
    package var url: String {
        "redis+cluster://" + (masters + replicas).map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
    }

    /// Slots of a cluster.
    private static let slots = 16_384
    /// Time the nodes get to agree, in seconds.
    private static let patience: TimeInterval = 60

    /// Starts the nodes and returns when all of them say that all slots are served.
    /// - Parameters:
    ///   - folder: private folder; one for each node is made in it. Keep its path under 80 bytes.
    ///   - nodeTimeout: milliseconds after which a silent master is replaced.
    package init(folder: URL, masters: Int = 3, replicasEach: Int = 0, nodeTimeout: Int = 1_500) throws {
        let nodes = try (0..<masters * (1 + replicasEach)).map { number in
            try Self.start(folder.appending(path: "n\(number)"), nodeTimeout: nodeTimeout)
        }
        let (first, rest) = (Array(nodes.prefix(masters)), Array(nodes.dropFirst(masters)))
        for (number, node) in first.enumerated() {
            let range = (Self.slots * number / masters, Self.slots * (number + 1) / masters - 1)
            try InlineRedis.send("CLUSTER ADDSLOTSRANGE \(range.0) \(range.1)", to: node.redis.socketPath)
            try InlineRedis.send("CLUSTER SET-CONFIG-EPOCH \(number + 1)", to: node.redis.socketPath)
        }
        for node in nodes.dropFirst() {
            try InlineRedis.send("CLUSTER MEET 127.0.0.1 \(nodes[0].port)", to: node.redis.socketPath)
        }
        try Self.wait(for: nodes) { try Self.knows(nodes.count, $0) }
        for (number, replica) in rest.enumerated() {
            try InlineRedis.send("CLUSTER REPLICATE \(first[number % masters].id)", to: replica.redis.socketPath)
        }
        try Self.wait(for: nodes) {
            try InlineRedis.send("CLUSTER INFO", to: $0.redis.socketPath).contains("cluster_state:ok")
        }
        try Self.wait(for: rest) {
            try InlineRedis.send("INFO replication", to: $0.redis.socketPath).contains("master_link_status:up")
        }
        self.masters = first
        replicas = rest
    }

    /// Stops all nodes.
    package func stop() { for node in masters + replicas { node.redis.stop() } }

    private static func start(_ folder: URL, nodeTimeout: Int) throws -> Node {
        let port = try LocalPort.free()
        let redis = try EmbeddedRedis(
            folder: folder, durable: false,
            arguments: [
                "--port", "\(port)", "--bind", "127.0.0.1", "--cluster-enabled", "yes",
                "--cluster-node-timeout", "\(nodeTimeout)", "--cluster-replica-validity-factor", "0",
                "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1",
            ])
        let answer = try InlineRedis.send("CLUSTER MYID", to: redis.socketPath)
        let lines = answer.split(whereSeparator: \.isNewline)
        guard lines.count > 1 else { throw EmbeddedError("CLUSTER MYID answered \(answer.prefix(100))") }
        return Node(redis: redis, port: port, id: String(lines[1]))
    }

    private static func knows(_ count: Int, _ node: Node) throws -> Bool {
        let answer = try InlineRedis.send("CLUSTER NODES", to: node.redis.socketPath)
        return answer.split(whereSeparator: \.isNewline).count { $0.contains(" connected") } >= count
    }

    private static func wait(for nodes: [Node], _ isReady: (Node) throws -> Bool) throws {
        let deadline = Date(timeIntervalSinceNow: patience)
        for node in nodes {
            while try !isReady(node) {
                guard Date() < deadline else { throw EmbeddedError("the cluster's nodes did not agree in time") }
                usleep(50_000)
            }
        }
    }
}
