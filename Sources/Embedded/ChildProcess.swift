import Foundation
import Glibc
import Synchronization

/// A child in a process group of its own.
///
/// Foundation's `Process` tells the end of a child by a socket that any other child started in the same moment inherits;
/// then a program that has long ended seems to run for as long as that one lives. Here no child inherits another one's
/// pipe, and the end is what `waitpid` says.
final class ChildProcess: Sendable {
    /// Time between two looks, in microseconds.
    private static let interval: UInt32 = 5_000

    /// Held while a child is started and while a pipe is made, so that no child gets a pipe before it is marked.
    private static let starting = Mutex(())

    private let pid: pid_t
    /// Exit code, or the negative signal that ended it; nil while it runs.
    private let status = Mutex<Int32?>(nil)

    /// Starts a program by its full path.
    /// - Throws: `EmbeddedError`.
    init(_ arguments: [String], input: Int32, output: Int32) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Dispatch's threads block nearly every signal and a child inherits the mask: the shell would never hear of its
        // server's end. A group of its own keeps the terminal's Ctrl-C for us.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))

        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        var child = pid_t()
        let failure = Self.starting.withLock { _ in
            Self.keepDescriptors()
            return posix_spawn(&child, arguments[0], &actions, &attributes, &words, environ)
        }
        guard failure == 0 else {
            throw EmbeddedError("can't start \(arguments[0]): \(String(cString: strerror(failure)))")
        }
        pid = child
    }

    /// Marks every descriptor but the standard ones, so that the child gets none: a socket it held open would not close
    /// when this process closes it.
    private static func keepDescriptors() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        for descriptor in names.compactMap({ Int32($0) }) where descriptor > 2 {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
    }

    /// A pipe whose ends no other child inherits.
    static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        let isMade = starting.withLock { _ in
            Glibc.pipe(&ends) == 0 && ends.allSatisfy { fcntl($0, F_SETFD, FD_CLOEXEC) == 0 }
        }
        guard isMade else { throw EmbeddedError("can't make a pipe: \(String(cString: strerror(errno)))") }
        return (ends[0], ends[1])
    }

    /// True until the child has ended.
    var isRunning: Bool { reap() == nil }

    /// Waits for the child's end.
    /// - Returns: its exit code, or the negative signal that ended it.
    @discardableResult
    func waitUntilExit() -> Int32 {
        while true {
            if let status = reap() { return status }
            usleep(Self.interval)
        }
    }

    /// Waits for the child's end at most so many seconds.
    /// - Returns: whether it has ended.
    func waitUntilExit(within seconds: TimeInterval) -> Bool {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while isRunning {
            guard Date() < deadline else { return false }
            usleep(Self.interval)
        }
        return true
    }

    /// Kills the child and all it started.
    func killGroup() { kill(-pid, SIGKILL) }

    private func reap() -> Int32? {
        status.withLock { status in
            if let status { return status }
            var raw: Int32 = 0
            guard waitpid(pid, &raw, WNOHANG) == pid else { return nil }
            let signal = raw & 0x7f
            status = signal == 0 ? (raw >> 8) & 0xff : -signal
            return status
        }
    }
}
