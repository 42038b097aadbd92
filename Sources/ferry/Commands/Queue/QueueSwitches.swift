import ArgumentParser
import Foundation
import Store

/// What a switch of the queue came to.
private struct Switched: Encodable {
    let queue: String
    let was: String
}

/// `ferry queue pause`.
struct QueuePause: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Stop all runs of all tenants within seconds; nothing is lost.",
        discussion: """
            Schedulers place nothing more; workers finish or hand back what they run, and rest. Changes are still taken \
            in and wait. The switch is a row in PostgreSQL: it outlives restarts and a lost Redis. For one tenant use \
            `ferry tenants pause`.
            """)

    @Flag(help: "Yes, stop everything.")
    var yes = false

    @OptionGroup var errand: ErrandOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard yes else { throw ValidationError("pausing the queue stops the syncs of all tenants; add --yes") }
        guard errand.reason != nil else { throw ValidationError("--reason: say why; everybody will ask") }
        let was = try await Self.set(.paused, errand.errand)
        try output.print(Switched(queue: "paused", was: was.rawValue)) {
            "Paused. Workers rest once their jobs are finished or handed back; `ferry queue resume` lets them go on."
        }
    }

    static func set(_ mode: QueueMode, _ errand: Errand) async throws -> QueueMode {
        try await Control.run("queue") { runtime in
            let was = try await runtime.store.queueSwitch().mode
            try await runtime.store.setQueueMode(mode, by: errand)
            return was
        }
    }
}

/// `ferry queue resume`.
struct QueueResume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Let a paused or drained queue run again.",
        discussion: "What became due meanwhile is run by age. Workers that were told to be quiet stay quiet.")

    @OptionGroup var errand: ErrandOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let was = try await QueuePause.set(.running, errand.errand)
        try output.print(Switched(queue: "running", was: was.rawValue)) {
            was == .running ? "The queue was running already." : "Running again; it was \(was.rawValue)."
        }
    }
}
