import ArgumentParser
import Drivers
import Store

/// `ferry records explain`.
struct RecordsExplain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Tell why a record did or did not sync, in time order, and what happens next.",
        discussion: """
            Names the record by its e-mail address, its ActiveCampaign contact id or its Salesforce id. The story follows \
            the link: contact, lead and contact record of one person are told together. It is made of codes, ids and \
            hashes kept for 30 days; no value of a record is stored or shown, and an address is only compared by its \
            hash. That nothing was to be done is told once a day of a record.

            Ends with 1 when nothing is known of the record or it needs somebody.
            """)

    @Argument(help: "The tenant's id.")
    var tenant: String

    @Argument(help: "E-mail address, ActiveCampaign contact id, or Salesforce id of 15 or 18 characters.")
    var record: String

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let name = try RecordQuestion.name(record)
        let (story, isEmpty) = try await Control.run("records") { runtime in
            let row = try await Control.tenant(tenant, in: runtime.store)
            let file = try await runtime.store.recordFile(tenant: row.number, name)
            let outlook = RecordOutlook(
                tenant: tenant, state: row.state,
                settings: try await runtime.store.tenantConfig(row.number)?.settings,
                streams: try await runtime.store.streams(tenant: row.number),
                queue: try await runtime.store.queueSwitch().mode, now: runtime.clock.now)
            return (RecordStory(file, outlook: outlook), file.isEmpty)
        }
        try output.print(story) { story.text }
        if isEmpty || story.needsSomebody { throw ExitCode.failure }
    }
}
