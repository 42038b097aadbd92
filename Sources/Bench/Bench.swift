import ArgumentParser

/// Measures Ferry on this machine. Run through `scripts/bench`, which builds it optimised first.
@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures Ferry: one JSON object a line, the environment first.",
        discussion: """
            Each line is {"figure": NAME, "value": NUMBER, "unit": UNIT}. Progress goes to standard error. Figures are \
            of this machine at this moment: run twice, with nothing else running, before you compare.
            """,
        subcommands: [
            EnvironmentBench.self, SimulatorsBench.self, SimulatorsLoad.self, QueueBench.self, QueueWorker.self,
            QueueScheduler.self, SyncBench.self, CallsBench.self, StormBench.self,
        ])
}

/// Prints the environment line alone.
struct EnvironmentBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "environment", abstract: "Prints what the figures of this machine would be measured on.")

    func run() async throws { Report.environment() }
}
