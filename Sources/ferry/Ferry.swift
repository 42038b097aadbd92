import ArgumentParser

/// The `ferry` command: every role, set-up and control of a cluster in one executable.
@main
struct Ferry: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ferry",
        abstract: "Keeps ActiveCampaign and Salesforce in step for thousands of tenants.",
        discussion: """
            Start with `ferry dev`: a whole cluster on this machine, with simulated providers. In production run \
            `ferry migrate` once a version, then any number of `ferry scheduler`, `ferry worker` and `ferry ingest`.

            Settings come from FERRY_… variables; `ferry settings` lists them.
            """,
        version: "0.1.0",
        groupedSubcommands: [
            CommandGroup(
                name: "Roles",
                subcommands: [SchedulerCommand.self, WorkerCommand.self, IngestCommand.self, DevCommand.self]),
            CommandGroup(
                name: "Set-up",
                subcommands: [MigrateCommand.self, KeysCommand.self, SealCommand.self, SettingsCommand.self]),
            CommandGroup(
                name: "Control",
                subcommands: [
                    TenantsCommand.self, SyncCommand.self, RecordsCommand.self, QueueCommand.self, WorkersCommand.self,
                    BudgetsCommand.self,
                ]),
            CommandGroup(name: "Providers", subcommands: [SimulateCommand.self]),
        ])
}
