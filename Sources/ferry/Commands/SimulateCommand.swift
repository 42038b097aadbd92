import ArgumentParser
import Foundation
import Logging
import ServiceLifecycle
import Simulators
import UnixSignals

/// `ferry simulate`: both providers on this machine, for trying any client against.
struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Serve simulated ActiveCampaign accounts and Salesforce orgs on loopback ports.",
        discussion: """
            Prints addresses and credentials, then serves until it is stopped. State is in memory.

            With --tls, a private authority is made at start; give its certificate to the client (SSL_CERT_FILE, \
            REQUESTS_CA_BUNDLE). Clients that insist on the providers' own names, such as login.salesforce.com or \
            NAME.api-us1.com, work with HTTPS_PROXY set to the tunnel's address; no other name gets through.

            The world is steered by JSON over HTTP below /_control, with "Authorization: Bearer TOKEN", the control \
            token. A is an account's name, O an org's name or id:

            \(ControlGuide.text)
            """)

    @Option(help: "TCP port on 127.0.0.1; 0 takes a free one.")
    var port = 0

    @Option(help: "Name of the account and the org; with --accounts they are NAME-1, NAME-2, ….")
    var name = "demo"

    @Option(help: "How many accounts and orgs to start with; more can be made through /_control.")
    var accounts = 1

    @Flag(help: "Serve TLS with a certificate of a private authority, and the tunnel for the providers' own names.")
    var tls = false

    @Option(help: "Where to write the authority's certificate; a file in a temporary folder by default.")
    var caFile: String?

    @Option(help: "TCP port of the tunnel on 127.0.0.1; 0 takes a free one.")
    var tunnelPort = 0

    @Option(help: "File that holds the control token; made, readable by its owner alone, when it does not exist.")
    var controlTokenFile: String?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (0...65_535).contains(port) else { throw ValidationError("--port: want 0 to 65535") }
        guard (0...65_535).contains(tunnelPort) else { throw ValidationError("--tunnel-port: want 0 to 65535") }
        guard (1...SimulatorsLimits.Control.made).contains(accounts) else {
            throw ValidationError("--accounts: want 1 to \(SimulatorsLimits.Control.made)")
        }
        guard tls || caFile == nil else { throw ValidationError("--ca-file: wants --tls") }
    }

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        let world = try SimulatedWorld(
            name: name, accounts: accounts, port: port, tls: tls, token: try controlTokenFile.map(Self.controlToken))
        let logger = Logger(label: "simulate") { _ in SwiftLogNoOpLogHandler() }
        var configuration = ServiceGroupConfiguration(services: [world.server], logger: logger)
        configuration.gracefulShutdownSignals = [.sigterm, .sigint]
        configuration.maximumGracefulShutdownDuration = .seconds(5)
        let group = ServiceGroup(configuration: configuration)
        async let serving: Void = group.run()
        let url = try await world.server.baseURL
        let authority = try authorityFile(of: world)
        defer { if let authority, caFile == nil { try? FileManager.default.removeItem(at: authority.folder) } }
        let tunnelURL = try await startTunnel(to: world, in: group)
        try print(world, url: url, caFile: authority?.file.path, tunnelURL: tunnelURL)
        try await serving
    }

    // MARK: - TLS

    private func authorityFile(of world: SimulatedWorld) throws -> (file: URL, folder: URL)? {
        guard let authority = world.authority else { return nil }
        if let caFile {
            let file = URL(fileURLWithPath: caFile)
            try Data(authority.authorityPEM.utf8).write(to: file)
            return (file, file.deletingLastPathComponent())
        }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "ferry-simulate-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appendingPathComponent("ca.pem")
        try Data(authority.authorityPEM.utf8).write(to: file)
        return (file, folder)
    }

    private func startTunnel(to world: SimulatedWorld, in group: ServiceGroup) async throws -> String? {
        guard tls else { return nil }
        let tunnel = SimulatorTunnel(targetPort: try await world.server.port, port: tunnelPort)
        await group.addServiceUnlessShutdown(tunnel)
        return "http://127.0.0.1:\(try await tunnel.port)"
    }

    // MARK: - Control token

    /// The token of a file; a file that does not exist gets a new one.
    private static func controlToken(_ path: String) throws -> String {
        if let data = FileManager.default.contents(atPath: path) {
            let token = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            guard token.utf8.count >= 16 else {
                throw ValidationError("--control-token-file: want a token of 16 letters or more in \(path)")
            }
            return token
        }
        let token = ControlProvider.randomToken()
        guard
            FileManager.default.createFile(
                atPath: path, contents: Data((token + "\n").utf8), attributes: [.posixPermissions: 0o600])
        else { throw ValidationError("--control-token-file: cannot write \(path)") }
        return token
    }

    // MARK: - Printing

    private struct Started: Encodable {
        struct Account: Encodable {
            let name: String
            let activeCampaignToken: String
            let salesforceOrgID: String
            let salesforceClientID: String
            let salesforceUsername: String
        }

        let url: String
        let caFile: String?
        let tunnelURL: String?
        let controlToken: String?
        let activeCampaignToken: String
        let salesforceClientID: String
        let salesforceUsername: String
        let salesforcePrivateKey: String
        let accounts: [Account]
    }

    private func print(_ world: SimulatedWorld, url: String, caFile: String?, tunnelURL: String?) throws {
        let accounts = world.pairs.map { account, org in
            Started.Account(
                name: account.name, activeCampaignToken: account.token, salesforceOrgID: org.id,
                salesforceClientID: org.clientID, salesforceUsername: org.username)
        }
        guard let first = accounts.first else { return }
        let token = controlTokenFile == nil ? world.control.token : nil
        let started = Started(
            url: url, caFile: caFile, tunnelURL: tunnelURL, controlToken: token,
            activeCampaignToken: first.activeCampaignToken, salesforceClientID: first.salesforceClientID,
            salesforceUsername: first.salesforceUsername, salesforcePrivateKey: world.salesforce.privateKeyPEM,
            accounts: accounts)
        try output.print(started) { text(started) }
    }

    private func text(_ started: Started) -> String {
        var lines = ["Serving both providers at \(started.url)"]
        if let file = started.caFile { lines.append("  authority       \(file)") }
        if let url = started.tunnelURL { lines.append("  tunnel          HTTPS_PROXY=\(url)") }
        lines.append(
            "  control         \(started.url)/_control, token \(started.controlToken ?? "in \(controlTokenFile ?? "")")"
        )
        for account in started.accounts.prefix(3) {
            lines.append("\(account.name)")
            lines.append("  ActiveCampaign  Api-Token: \(account.activeCampaignToken)")
            lines.append(
                "  Salesforce      client_id \(account.salesforceClientID), username \(account.salesforceUsername), "
                    + "JWT bearer with the private key of --json")
        }
        if started.accounts.count > 3 {
            lines.append(
                "… and \(started.accounts.count - 3) more: --json, or GET /_control/accounts and /_control/orgs")
        }
        return lines.joined(separator: "\n")
    }
}
