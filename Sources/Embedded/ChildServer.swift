import Foundation
import Synchronization

/// A server process that lives no longer than this one.
///
/// The child runs under a shell that reads a socket held open by this process: when this process ends, however it ends
/// (`kill -9` included), the socket closes and the shell stops the server. Nothing is left running, and of a server
/// that holds nothing worth keeping no folder either.
package final class ChildServer: Sendable {
    /// What the shell does: start the server, stop it when standard input closes, report its exit code. Its first argument
    /// is a folder to remove when standard input closes without a word, which is the end of our process; else empty.
    ///
    /// The guard waits with a builtin, not with a program: a program would outlive the guard and hold the socket by
    /// which `Process` learns that its child has ended.
    private static let watchdog = """
        folder=$1
        shift
        exec 3<&0
        "$@" </dev/null 3<&- &
        server=$!
        (
            read -r word <&3
            [ -n "$word" ] || trap '' TERM
            kill -INT "$server" 2>/dev/null
            [ -n "$word" ]
        ) &
        guard=$!
        exec 3<&-
        wait "$server"
        code=$?
        kill "$guard" 2>/dev/null
        wait "$guard" 2>/dev/null
        if [ "$?" = 1 ] && [ -n "$folder" ]; then
            rm -rf "$folder"
            case "${folder%/*}" in */ferry-*) rmdir "${folder%/*}" 2>/dev/null ;; esac
        fi
        exit "$code"
        """

    /// Time a server gets to stop politely before it is killed, in seconds; a stopped (SIGSTOP) process never does.
    private static let patience: TimeInterval = 20

    private let process: ChildProcess
    private let leash: Int32
    private let isLeashed = Mutex(true)
    private let pidFile: URL?

    /// Starts a server.
    /// - Parameters:
    ///   - arguments: the program's path and its arguments.
    ///   - log: file that receives the server's output.
    ///   - passing: folder that goes when this process ends before ``stop()``, and a parent named `ferry-…` with it if
    ///     it is empty by then.
    /// - Throws: `EmbeddedError` when the program can't be started.
    init(_ arguments: [String], log: URL, pidFile: URL? = nil, passing: URL? = nil) throws {
        self.pidFile = pidFile
        let ends = try Self.leashEnds()
        leash = ends.ours
        let output = open(log.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        defer {
            close(ends.theirs)
            close(output)
        }
        guard output >= 0 else { throw EmbeddedError("can't write \(log.path)") }
        process = try ChildProcess(
            ["/bin/sh", "-c", Self.watchdog, "sh", passing?.path ?? ""] + arguments, input: ends.theirs,
            output: output)
    }

    /// A socket rather than a pipe: a word to a shell that has ended must not raise SIGPIPE.
    private static func leashEnds() throws -> (ours: Int32, theirs: Int32) {
        var ends: [Int32] = [0, 0]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw EmbeddedError("can't make a socket: \(String(cString: strerror(errno)))")
        }
        return (ends[0], ends[1])
    }

    deinit { loosen(word: "") }

    /// True until the server has ended.
    package var isRunning: Bool { process.isRunning }

    /// Stops the server politely and waits until it is gone; kills it when it does not go.
    package func stop() {
        // The word says that this process lives on, and may start another server on the same folder.
        loosen(word: "stop\n")
        if !process.waitUntilExit(within: Self.patience) { process.killGroup() }
        process.waitUntilExit()
    }

    private func loosen(word: String) {
        let wasLeashed = isLeashed.withLock { isLeashed in
            defer { isLeashed = false }
            return isLeashed
        }
        guard wasLeashed else { return }
        _ = send(leash, word, word.utf8.count, Int32(MSG_NOSIGNAL))
        close(leash)
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

/// Finds programs in the places Debian puts them, and runs them beside servers.
package enum Program {
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
    package static func run(_ arguments: [String]) throws {
        let ends = try ChildProcess.pipe()
        let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer {
            close(ends.read)
            close(nothing)
        }
        let process: ChildProcess
        do {
            defer { close(ends.write) }
            process = try ChildProcess(arguments, input: nothing, output: ends.write)
        }
        let text = FileHandle(fileDescriptor: ends.read, closeOnDealloc: false).readDataToEndOfFile()
        let status = process.waitUntilExit()
        guard status == 0 else {
            throw EmbeddedError(
                "\(arguments.joined(separator: " ")) ended with \(status): \(String(decoding: text, as: UTF8.self))")
        }
    }
}
