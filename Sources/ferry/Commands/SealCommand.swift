import ArgumentParser
import Cluster
import Foundation

/// `ferry seal`: turns a secret into the blob a config row holds.
struct SealCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seal",
        abstract: "Seal a secret for one tenant's connection row.",
        discussion: """
            Reads the secret from standard input, or asks for it when that is a terminal; never from the command line.

            ActiveCampaign: the API key as it is.
            Salesforce: JSON, one of
              {"flow":"jwt","client_id":…,"username":…,"private_key":"-----BEGIN…","login_url":"https://login.salesforce.com"}
              {"flow":"refresh_token","client_id":…,"client_secret":…,"refresh_token":…}
              {"flow":"client_credentials","client_id":…,"client_secret":…}
            """)

    /// Longest secret, in bytes; a private key in JSON has about 2,000.
    private static let longestSecret = 16_384

    @Option(help: "The tenant's id; the secret opens for no other.")
    var tenant: String

    @Option(help: "Public key to seal to; default FERRY_PUBLIC_KEY.")
    var publicKey: String?

    @OptionGroup var output: OutputOptions

    private struct Sealed: Encodable {
        let tenant: String
        let secret: String
    }

    func run() throws {
        let text = try publicKey ?? Settings().required(.publicKey)
        let key = try PublicSealingKey(text)
        let sealed = Sealed(
            tenant: tenant, secret: try SealedSecret(sealing: readSecret(), tenant: tenant, to: key).text)
        try output.print(sealed) { sealed.secret }
    }

    private func readSecret() throws -> Data {
        let text: String
        if isatty(STDIN_FILENO) == 1 {
            // getpass(3) shows nothing while the secret is typed.
            guard let typed = getpass("Secret of \(tenant): ") else { throw ValidationError("no secret given") }
            text = String(cString: typed)
        } else {
            let data = try FileHandle.standardInput.read(upToCount: Self.longestSecret + 1) ?? Data()
            guard data.count <= Self.longestSecret else {
                throw ValidationError("the secret on standard input is longer than \(Self.longestSecret) bytes")
            }
            text = String(decoding: data, as: UTF8.self)
        }
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !trimmed.isEmpty else { throw ValidationError("no secret on standard input") }
        return Data(trimmed.utf8)
    }
}
