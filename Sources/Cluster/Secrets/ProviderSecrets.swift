import Foundation

/// A tenant's Salesforce credentials as they were sealed: JSON, one of three flows (salesforce-api 1).
struct SalesforceSecret: Decodable, Sendable {
    enum Flow: String, Decodable, Sendable {
        case jwt
        case refreshToken = "refresh_token"
        case clientCredentials = "client_credentials"
    }

    let flow: Flow
    let clientID: String
    let clientSecret: String?
    let username: String?
    let privateKey: String?
    let refreshToken: String?
    let loginURL: String?

    enum CodingKeys: String, CodingKey {
        case flow
        case clientID = "client_id"
        case clientSecret = "client_secret"
        case username
        case privateKey = "private_key"
        case refreshToken = "refresh_token"
        case loginURL = "login_url"
    }

    /// Reads an opened secret.
    /// - Throws: `StreamTrouble` that names the missing key, never a value.
    init(_ data: Data) throws {
        do {
            self = try JSONDecoder().decode(Self.self, from: data)
        } catch {
            throw Self.malformed("want JSON with flow, client_id and the flow's keys; see `ferry seal --help`")
        }
        switch flow {
        case .jwt where username == nil || privateKey == nil:
            throw Self.malformed("flow jwt wants username and private_key")
        case .refreshToken where refreshToken == nil:
            throw Self.malformed("flow refresh_token wants refresh_token")
        case .clientCredentials where clientSecret == nil:
            throw Self.malformed("flow client_credentials wants client_secret")
        default: break
        }
    }

    private static func malformed(_ remedy: String) -> StreamTrouble {
        StreamTrouble(
            kind: .needsHuman, code: "secret_malformed",
            message: "The sealed Salesforce credentials can't be used: \(remedy). Seal them again.")
    }
}
