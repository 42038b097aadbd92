package import Foundation

/// A master, a replica and sentinels that watch them, on loopback ports.
package final class EmbeddedSentinels: Sendable {
    /// Name the sentinels know the master by.
    package static let masterName = "ferry"

    /// The master and the replica, as they are at the start.
    package let master: EmbeddedRedis
    package let replica: EmbeddedRedis
    private let sentinels: [ChildServer]
    private let ports: [Int]

    /// `redis+sentinel://…`, as `FERRY_REDIS_URL` wants it.
    package var url: String {
        "redis+sentinel://" + ports.map { "127.0.0.1:\($0)" }.joined(separator: ",") + "/\(Self.masterName)"
    }

    /// Starts everything and returns when the replica follows the master and the sentinels know of it.
    /// - Parameters:
    ///   - folder: private folder; keep its path under 80 bytes.
    ///   - sentinels: how many; the greater half of them must agree.
    ///   - downAfter: milliseconds of silence after which the master counts as down.
    package init(folder: URL, sentinels count: Int = 3, downAfter: Int = 1_000) throws {
        let (masterPort, replicaPort) = (try LocalPort.free(), try LocalPort.free())
        let common = ["--bind", "127.0.0.1", "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"]
        let master = try EmbeddedRedis(
            folder: folder.appending(path: "m"), durable: false, arguments: common + ["--port", "\(masterPort)"])
        let replica = try EmbeddedRedis(
            folder: folder.appending(path: "r"), durable: false,
            arguments: common + ["--port", "\(replicaPort)", "--replicaof", "127.0.0.1 \(masterPort)"])
        try Self.wait("the replica did not follow the master") {
            try InlineRedis.send("INFO replication", to: replica.socketPath).contains("master_link_status:up")
        }
        var ports: [Int] = []
        var servers: [ChildServer] = []
        var sockets: [String] = []
        for number in 0..<count {
            let port = try LocalPort.free()
            let own = folder.appending(path: "s\(number)")
            servers.append(
                try Self.sentinel(own, port: port, watching: masterPort, quorum: count / 2 + 1, downAfter: downAfter))
            sockets.append(own.appending(path: "sentinel.sock").path)
            ports.append(port)
        }
        for socket in sockets {
            try Self.wait("a sentinel did not find the others") {
                let answer = try InlineRedis.send("INFO sentinel", to: socket)
                return answer.contains("slaves=1") && answer.contains("sentinels=\(count)")
            }
        }
        self.master = master
        self.replica = replica
        self.ports = ports
        sentinels = servers
    }

    /// Stops everything.
    package func stop() {
        for sentinel in sentinels { sentinel.stop() }
        replica.stop()
        master.stop()
    }

    private static func sentinel(
        _ folder: URL, port: Int, watching master: Int, quorum: Int, downAfter: Int
    ) throws -> ChildServer {
        let program = try Program.find("redis-server", package: "redis-server")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        // A sentinel keeps what it learns in its configuration, so it can't be given on the command line.
        let file = folder.appending(path: "sentinel.conf")
        let socket = folder.appending(path: "sentinel.sock").path
        let lines = [
            "port \(port)", "bind 127.0.0.1", "dir \(folder.path)", "unixsocket \(socket)",
            "pidfile \(folder.path)/sentinel.pid",
            "sentinel monitor \(masterName) 127.0.0.1 \(master) \(quorum)",
            "sentinel down-after-milliseconds \(masterName) \(downAfter)",
            "sentinel failover-timeout \(masterName) 10000", "sentinel parallel-syncs \(masterName) 1",
        ]
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file)
        let log = folder.appending(path: "sentinel.log")
        let server = try ChildServer(
            [program, file.path, "--sentinel"], log: log, pidFile: folder.appending(path: "sentinel.pid"),
            passing: folder)
        try Readiness.wait(for: "redis-server --sentinel", server: server, log: log) {
            Readiness.accepts(unixSocket: socket)
        }
        return server
    }

    private static func wait(_ complaint: String, _ isReady: () throws -> Bool) throws {
        let deadline = Date(timeIntervalSinceNow: Readiness.limit)
        while try !isReady() {
            guard Date() < deadline else { throw EmbeddedError(complaint) }
            usleep(50_000)
        }
    }
}
