import ArgumentParser
import Cluster
import Foundation

/// `ferry keys`: the cluster's sealing keys.
struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Make the keys that tenants' secrets are sealed with.",
        subcommands: [Generate.self])

    /// `ferry keys generate`.
    struct Generate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key pair: the private key goes to a file only its owner may read.",
            discussion: """
                Give the file to workers (FERRY_PRIVATE_KEYS_FILE) and the public key to whoever seals secrets \
                (FERRY_PUBLIC_KEY). To rotate, run it again on the same file: the new key becomes the first line, old \
                ones stay so that what was sealed to them still opens.
                """)

        @Option(help: "File for the private key; an existing file keeps its keys behind the new one.")
        var out: String

        @OptionGroup var output: OutputOptions

        private struct Generated: Encodable {
            let publicKey: String
            let keyID: String
            let privateKeysFile: String
        }

        func run() throws {
            let key = PrivateSealingKey()
            let older = (try? String(contentsOfFile: out, encoding: .utf8)) ?? ""
            try writeSecretly(key.exposedText + "\n" + older)
            let generated = Generated(publicKey: key.publicKey.text, keyID: key.publicKey.id, privateKeysFile: out)
            try output.print(generated) {
                """
                FERRY_PUBLIC_KEY=\(generated.publicKey)
                FERRY_PRIVATE_KEYS_FILE=\(out)
                """
            }
        }

        /// The file is made with mode 600 before the key is in it, then put in place whole.
        private func writeSecretly(_ text: String) throws {
            let temporary = out + ".new"
            guard
                FileManager.default.createFile(
                    atPath: temporary, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600]),
                rename(temporary, out) == 0
            else { throw ValidationError("--out: can't write \(out)") }
        }
    }
}
