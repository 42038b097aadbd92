package import Foundation

/// A private PostgreSQL cluster on a unix socket in a folder of its own.
///
/// PostgreSQL refuses to run as root, so as root everything runs as Debian's `postgres` user, to whom the folder is
/// given; else it runs as the caller.
package final class EmbeddedPostgres: Sendable {
    /// Folder of the unix socket; port 5432 names the socket file only, nothing listens on TCP unless `arguments` say so.
    package let socketFolder: String
    /// The process, for tests that kill or restart it.
    package let server: ChildServer
    /// `postgresql://ferry@/DATABASE?host=…`, as `FERRY_POSTGRES_URL` wants it.
    package func url(database: String) -> String {
        "postgresql://ferry@/\(database)?host=\(socketFolder)"
    }

    /// Initialises the cluster when the folder is new, starts it, and returns when it accepts connections.
    /// - Parameters:
    ///   - folder: private folder; made when missing. Keep its path under 80 bytes.
    ///   - durable: false turns fsync off, for tests; the folder then goes when this process ends.
    ///   - arguments: further `postgres` arguments, for example `["-c", "ssl=on"]`.
    package init(folder: URL, durable: Bool = true, arguments: [String] = []) throws {
        let postgres = try Program.find("postgres", package: "postgresql")
        let initdb = try Program.find("initdb", package: "postgresql")
        let data = folder.appending(path: "data")
        socketFolder = folder.path
        let log = folder.appending(path: "postgres.log")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let asUser = try Self.unprivileged(folder: folder)
        if !FileManager.default.fileExists(atPath: data.appending(path: "PG_VERSION").path) {
            try Program.run(
                asUser + [
                    initdb, "-D", data.path, "-U", "ferry", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8",
                    "--no-sync",
                ])
        }
        var options = [
            "-D", data.path, "-c", "listen_addresses=", "-c", "unix_socket_directories=\(folder.path)",
            "-c", "max_connections=200", "-c", "timezone=UTC", "-c", "log_min_messages=warning",
        ]
        if !durable {
            options += ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
        }
        server = try ChildServer(
            asUser + [postgres] + options + arguments, log: log, pidFile: data.appending(path: "postmaster.pid"),
            passing: durable ? nil : folder)
        try Readiness.wait(for: "postgres", server: server, log: log) { [socketFolder] in
            Readiness.accepts(unixSocket: "\(socketFolder)/.s.PGSQL.5432")
        }
    }

    /// Stops the server (fast shutdown) and waits until it is gone.
    package func stop() { server.stop() }

    /// The command prefix that drops root, after giving `folder` away; empty for other users.
    private static func unprivileged(folder: URL) throws -> [String] {
        guard getuid() == 0 else { return [] }
        guard let entry = getpwnam("postgres") else {
            throw EmbeddedError("no user postgres to run as; run: apt-get install postgresql")
        }
        let (user, group) = (entry.pointee.pw_uid, entry.pointee.pw_gid)
        guard chown(folder.path, user, group) == 0 else {
            throw EmbeddedError("can't give \(folder.path) to user postgres: \(String(cString: strerror(errno)))")
        }
        let setpriv = try Program.find("setpriv", package: "util-linux")
        return [setpriv, "--reuid=\(user)", "--regid=\(group)", "--clear-groups"]
    }
}
