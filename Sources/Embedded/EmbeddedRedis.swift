package import Foundation

/// A private `redis-server` on a unix socket in a folder of its own, with the settings Ferry's promises need:
/// `noeviction`, and an append-only file when `durable`.
package final class EmbeddedRedis: Sendable {
    /// Path of the unix socket.
    package let socketPath: String
    /// `unix:///…/redis.sock`, as `FERRY_REDIS_URL` wants it.
    package var url: String { "unix://\(socketPath)" }
    /// The process, for tests that kill or stop it.
    package let server: ChildServer

    /// Starts a server and returns when it answers.
    /// - Parameters:
    ///   - folder: private folder for socket, log and data; made when missing. Keep its path under 90 bytes.
    ///   - durable: whether writes go to an append-only file; else the folder goes when this process ends.
    ///   - arguments: further `redis-server` arguments, for example `["--port", "6390"]`.
    package init(folder: URL, durable: Bool = true, arguments: [String] = []) throws {
        let program = try Program.find("redis-server", package: "redis-server")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        socketPath = folder.appending(path: "redis.sock").path
        let pidFile = folder.appending(path: "redis.pid")
        let log = folder.appending(path: "redis.log")
        let options = [
            "--unixsocket", socketPath, "--unixsocketperm", "700", "--dir", folder.path,
            "--pidfile", pidFile.path, "--save", "", "--appendonly", durable ? "yes" : "no",
            "--maxmemory-policy", "noeviction",
        ]
        let port = arguments.contains("--port") ? [] : ["--port", "0"]
        server = try ChildServer(
            [program] + options + port + arguments, log: log, pidFile: pidFile, passing: durable ? nil : folder)
        try Readiness.wait(for: "redis-server", server: server, log: log) { [socketPath] in
            Readiness.accepts(unixSocket: socketPath)
        }
    }

    /// Stops the server and waits until it is gone.
    package func stop() { server.stop() }
}
