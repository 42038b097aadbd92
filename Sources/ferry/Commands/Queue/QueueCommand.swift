import ArgumentParser

/// `ferry queue`: the cluster's one queue, what waits in it, and its switch.
struct QueueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue", abstract: "See how the queue stands, stop and start it, and mend dead letters.",
        subcommands: [
            QueueStatusCommand.self, QueueAge.self, QueuePause.self, QueueResume.self, QueueDrain.self,
            DeadCommand.self,
        ])
}
