import ArgumentParser
import Cluster
import Drivers
import Embedded
import Foundation
import ServiceLifecycle
import Simulators
import Store
import UnixSignals

/// `ferry dev`: a whole cluster in one process, on servers of its own, with simulated providers and demo tenants.
struct DevCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev",
        abstract: "Run a whole cluster on this machine with simulated providers and demo tenants.",
        discussion: """
            Starts Debian's redis-server and postgres in a private folder (unix sockets; HTTP on free loopback ports), \
            both simulators, a scheduler, workers and ingest; lets people edit records on both sides, also the same ones, \
            and shows how both sides come to agree. Then it keeps running for you to play with; it says how.
            """)

    @Flag(help: "Leave when every tenant has converged: 0 if so, else 1 with the reason.")
    var once = false

    @Option(help: "Private folder; default a new one under /tmp, removed at the end.")
    var folder: String?

    @Option(help: "Workers.")
    var workers = 2

    @Option(help: "Seconds each act may take to converge.")
    var patience = 240

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...16).contains(workers) else { throw ValidationError("--workers: want 1 to 16") }
        guard (1...86_400).contains(patience) else { throw ValidationError("--patience: want 1 to 86400 seconds") }
    }

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        // Trapped before anything starts, so that what was started is also stopped.
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        let cluster = try await DevCluster.start(folder: folder, workers: workers)
        let isConverged: Bool
        do {
            isConverged = try await play(on: cluster, until: signals)
        } catch {
            await cluster.stop()
            throw error
        }
        await cluster.stop()
        if !isConverged { throw ExitCode.failure }
    }

    private enum Ending {
        case verdict(DemoDirector.Verdict)
        case signalled
    }

    private func play(on cluster: DevCluster, until signals: UnixSignalsSequence) async throws -> Bool {
        let director = DemoDirector(
            world: cluster.world, rows: cluster.rows, store: cluster.runtime.store, queue: try cluster.runtime.queue(),
            clock: cluster.runtime.clock, patience: .seconds(patience), isProgressOnStandardError: output.json)
        return try await withThrowingTaskGroup(of: Ending.self) { group in
            defer { group.cancelAll() }
            group.addTask { .verdict(try await director.play()) }
            group.addTask {
                for await _ in signals { break }
                return .signalled
            }
            group.addTask { throw await cluster.failure() }
            guard case .verdict(let verdict) = try await group.next() else {
                note("Stopped before both sides agreed.")
                return false
            }
            try output.print(verdict) { Self.text(verdict) }
            if once { return verdict.converged }
            note(cluster.invitation)
            _ = try await group.next()
            return true
        }
    }

    private static func text(_ verdict: DemoDirector.Verdict) -> String {
        guard verdict.converged else {
            return "NOT CONVERGED:\n  " + verdict.disagreements.joined(separator: "\n  ")
        }
        return """
            Converged: \(verdict.records) records of \(verdict.tenants) tenants agree field by field on both sides; \
            \(verdict.conflictsDecidedForSalesforce) conflicts decided for Salesforce.
            """
    }
}
