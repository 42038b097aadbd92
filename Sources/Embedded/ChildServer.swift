import Foundation

/// A server process that lives no longer than this one.
///
/// The child runs under a shell that reads a pipe held open by this process: when this process ends, however it ends
/// (`kill -9` included), the pipe closes and the shell stops the server. Nothing is left running.
package final class ChildServer: Sendable {
    /// What the shell does: start the server, stop it when standard input closes, report its exit code.
    ///
    /// The guard waits with a builtin, not with a program: a program would outlive the guard and hold the socket by
    /// which `Process` learns that its child has ended.
    private static let watchdog = """
        exec 3<&0
        "$@" </dev/null 3<&- &
        server=$!
        ( read -r _ <&3; kill -INT "$server" 2>/dev/null ) &
        guard=$!
        exec 3<&-
        wait "$server"
        code=$?
        kill "$guard" 2>/dev/null
        exit "$code"
        """

    private let process: Process
    private let leash: Pipe
    private let pidFile: URL?

    /// Starts a server.
    /// - Parameters:
    ///   - arguments: the program's path and its arguments.
    ///   - log: file that receives the server's output.
    /// - Throws: `EmbeddedError` when the program can't be started.
    init(_ arguments: [String], log: URL, pidFile: URL? = nil) throws {
        _ = FileManager.default.createFile(atPath: log.path, contents: nil)
        let output = try FileHandle(forWritingTo: log)
        process = Process()
        leash = Pipe()
        self.pidFile = pidFile
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", Self.watchdog, "sh"] + arguments
        process.standardInput = leash
        process.standardOutput = output
        process.standardError = output
        do {
            try Self.withOpenSignals { try process.run() }
        } catch {
            throw EmbeddedError("can't start \(arguments.first ?? "a server"): \(error)")
        }
    }

    /// Runs `body` with no signal blocked on this thread.
    ///
    /// A child inherits the mask of the thread that starts it, and Dispatch's worker threads (where tasks run) block
    /// nearly everything: the shell would never hear of its server's end, nor the server of SIGINT.
    private static func withOpenSignals(_ body: () throws -> Void) rethrows {
        var none = sigset_t()
        var before = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try body()
    }

    /// True until the server has ended.
    package var isRunning: Bool { process.isRunning }

    /// Stops the server politely and waits until it is gone.
    package func stop() {
        try? leash.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    /// Sends a signal to the server itself (not to its watchdog): `SIGKILL`, `SIGSTOP`, `SIGCONT`, …
    package func signal(_ number: Int32) throws {
        guard let pidFile, let text = try? String(contentsOf: pidFile, encoding: .utf8),
            let pid = text.split(separator: "\n").first.flatMap({ Int32($0) })
        else { throw EmbeddedError("no pid file for this server") }
        kill(pid, number)
    }

    /// Waits until the server has ended by itself or by a signal.
    package func waitUntilExit() { process.waitUntilExit() }
}

/// Why an embedded server could not be started, with the remedy where there is one.
package struct EmbeddedError: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Finds programs in the places Debian puts them.
enum Program {
    /// The full path of `name`.
    /// - Throws: `EmbeddedError` naming the Debian package to install.
    static func find(_ name: String, package: String) throws -> String {
        var folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")) ?? []
        let newestFirst = versions.sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }
        folders = newestFirst.map { "/usr/lib/postgresql/\($0)/bin" } + folders + ["/usr/bin", "/usr/local/bin"]
        for folder in folders {
            let path = "\(folder)/\(name)"
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        throw EmbeddedError("\(name) is not installed; run: apt-get install \(package)")
    }

    /// Runs a program to its end.
    /// - Throws: `EmbeddedError` with its output when it ends with another code than 0.
    static func run(_ arguments: [String]) throws {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: arguments[0])
        process.arguments = Array(arguments.dropFirst())
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw EmbeddedError(
                "\(arguments.joined(separator: " ")) ended with \(process.terminationStatus): "
                    + String(decoding: text, as: UTF8.self))
        }
    }
}
