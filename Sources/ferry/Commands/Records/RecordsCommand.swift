import ArgumentParser

/// `ferry records`: single records, why they did or did not sync, and what to do about it.
struct RecordsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "records", abstract: "Explain, retry, resync and skip single records.",
        subcommands: [
            RecordsExplain.self, RecordsFailed.self, RecordsRetry.self, RecordsResync.self, RecordsSkip.self,
            RecordsUnskip.self,
            RecordsSkipped.self,
        ])
}
