import Foundation
import Synchronization
import Testing

/// One `ferry` as a real process: its output goes to files, its end is noted by a thread of its own, and it never
/// outlives the test process, however that ends.
final class FerryProcess: Sendable {
    /// How a process ended.
    enum Ending: Sendable, Equatable {
        case code(Int32)
        case signal(Int32)
    }

    /// What keeps the process on a leash: a guard in the background kills it when this process's end of the pipe closes.
    /// The program then takes the shell's place, so that its id, its signals and its end are its own.
    private static let leashed = """
        ( read -r _ <&3 || kill -KILL $$ ) </dev/null >/dev/null 2>&1 &
        exec 3<&-
        exec "$@"
        """

    /// The executable under test, beside the test bundle in the build folder.
    static let program: String = {
        let own =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return URL(filePath: own).deletingLastPathComponent().appending(path: "ferry").path
    }()

    let id: pid_t
    private let outputFile: URL
    private let errorFile: URL
    private let leash: Int32
    private let state = Mutex<Ending?>(nil)

    /// Starts a process.
    /// - Parameters:
    ///   - environment: the `FERRY_…` variables; the others are this process's.
    ///   - input: file to read standard input from; nothing when nil.
    ///   - log: path that the output files' names begin with.
    init(
        _ arguments: [String], environment: [String: String], input: URL? = nil, log: URL,
        program: String = FerryProcess.program
    ) throws {
        outputFile = log.appendingPathExtension("out")
        errorFile = log.appendingPathExtension("err")
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw HarnessError("no pipe") }
        leash = ends[1]
        // A child that held another one's leash would keep it alive.
        _ = fcntl(leash, F_SETFD, FD_CLOEXEC)
        defer { close(ends[0]) }
        var inherited = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("FERRY_") }
        inherited.merge(environment) { $1 }
        id = try Self.spawn(
            ["/bin/sh", "-c", Self.leashed, "sh", program] + arguments, environment: inherited,
            files: [
                (0, input?.path ?? "/dev/null", O_RDONLY), (1, outputFile.path, O_WRONLY | O_CREAT | O_TRUNC),
                (2, errorFile.path, O_WRONLY | O_CREAT | O_TRUNC),
            ], leash: ends[0])
        Thread.detachNewThread { self.awaitEnd() }
    }

    private static func spawn(
        _ arguments: [String], environment: [String: String], files: [(number: Int32, path: String, flags: Int32)],
        leash: Int32
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for file in files {
            posix_spawn_file_actions_addopen(&actions, file.number, file.path, file.flags, 0o600)
        }
        posix_spawn_file_actions_adddup2(&actions, leash, 3)
        // Whatever else this process has open, the embedded servers' leashes above all, is none of the child's business.
        // Errors of files closed meanwhile are ignored.
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? [] {
            if let number = Int32(name), number > 3 { posix_spawn_file_actions_addclose(&actions, number) }
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A child inherits mask and ignored signals of the thread that starts it; a shell's child has neither.
        var (none, all) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let words = arguments.map { strdup($0) } + [nil]
        let variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (words + variables).forEach { free($0) } }
        var id: pid_t = 0
        let code = posix_spawn(&id, "/bin/sh", &actions, &attributes, words, variables)
        guard code == 0 else { throw HarnessError("can't start \(arguments): \(String(cString: strerror(code)))") }
        return id
    }

    private func awaitEnd() {
        var status: Int32 = 0
        while waitpid(id, &status, 0) == -1 && errno == EINTR {}
        // WIFEXITED, WEXITSTATUS and WTERMSIG are macros.
        let ending: Ending = status & 0x7F == 0 ? .code(status >> 8 & 0xFF) : .signal(status & 0x7F)
        state.withLock { $0 = ending }
        // Lets the guard go in peace: the id may be another process's soon.
        _ = write(leash, "\n", 1)
        close(leash)
    }

    // MARK: - Looking

    /// How it ended; nil while it runs.
    var ending: Ending? { state.withLock { $0 } }

    /// What it has written to standard output so far.
    var output: String { (try? String(contentsOf: outputFile, encoding: .utf8)) ?? "" }

    /// What it has written to standard error so far.
    var errors: String { (try? String(contentsOf: errorFile, encoding: .utf8)) ?? "" }

    /// Returns how it ended.
    /// - Throws: `HarnessError` when it still runs after `limit`.
    func end(within limit: Duration = .seconds(30)) async throws -> Ending {
        try await eventually("process \(id) ends", within: limit) { self.ending != nil }
        return try #require(ending)
    }

    // MARK: - Acting

    /// Sends a signal; nothing happens when it has ended.
    func send(_ signal: Int32) {
        state.withLock { if $0 == nil { kill(id, signal) } }
    }
}
