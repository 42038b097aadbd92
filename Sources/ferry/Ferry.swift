import ArgumentParser

/// The `ferry` command.
@main
struct Ferry: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "ferry", abstract: "Keeps ActiveCampaign and Salesforce in step.")
}
