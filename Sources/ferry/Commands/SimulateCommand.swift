import ArgumentParser
import Foundation
import Simulators

/// `ferry simulate`: both providers on this machine, for trying any client against.
struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Serve a simulated ActiveCampaign account and Salesforce org on a loopback port.",
        discussion: "Prints the address and credentials, then serves until it is stopped. State is in memory.")

    @Option(help: "TCP port on 127.0.0.1; 0 takes a free one.")
    var port = 0

    @Option(help: "Name of the account and the org.")
    var name = "demo"

    @OptionGroup var output: OutputOptions

    private struct Started: Encodable {
        let url: String
        let activeCampaignToken: String
        let salesforceClientID: String
        let salesforceUsername: String
        let salesforcePrivateKey: String
    }

    func validate() throws {
        guard (0...65_535).contains(port) else { throw ValidationError("--port: want 0 to 65535") }
    }

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        let clock = SimulatorClock()
        let salesforce = try SalesforceSimulator(clock: clock)
        let activeCampaign = ActiveCampaignSimulator(clock: clock)
        let account = activeCampaign.makeAccount(ActiveCampaignOptions(name: name))
        let org = salesforce.makeOrg(SalesforceOrgOptions(name: name))
        let server = SimulatorServer(
            clock: clock, providers: [salesforce, activeCampaign], faults: salesforce.faults, port: port)
        async let serving: Void = server.run()
        let started = Started(
            url: try await server.baseURL, activeCampaignToken: account.token, salesforceClientID: org.clientID,
            salesforceUsername: org.username, salesforcePrivateKey: org.privateKeyPEM)
        try output.print(started) {
            """
            Serving both providers at \(started.url)
              ActiveCampaign  Api-Token: \(started.activeCampaignToken)
              Salesforce      client_id \(started.salesforceClientID), username \(started.salesforceUsername), \
            JWT bearer with the private key of --json
            """
        }
        fflush(stdout)
        try await serving
    }
}
