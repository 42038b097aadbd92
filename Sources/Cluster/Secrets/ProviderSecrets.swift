import Foundation
import Salesforce

/// A tenant's Salesforce credentials as they were sealed: JSON, one of three flows (salesforce-api 1).
struct SalesforceSecret: Codable, Sendable {
    enum Flow: String, Codable, Sendable {
        case jwt
        case refreshToken = "refresh_token"
        case clientCredentials = "client_credentials"
    }

    let flow: Flow
    let clientID: String
    let clientSecret: String?
    let username: String?
    let privateKey: String?
    var refreshToken: String?
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

    /// The client's credentials.
    /// - Parameter loginURL: the connection's address, used where the secret names no login host of its own.
    func credentials(loginURL address: String) -> SalesforceCredentials {
        let login = loginURL ?? address
        switch flow {
        case .jwt:
            return .jwt(
                clientID: clientID, username: username ?? "", privateKeyPEM: privateKey ?? "", loginURL: login)
        case .refreshToken:
            return .refreshToken(
                clientID: clientID, clientSecret: clientSecret, refreshToken: refreshToken ?? "", loginURL: login)
        case .clientCredentials:
            return .clientCredentials(clientID: clientID, clientSecret: clientSecret ?? "", myDomainURL: address)
        }
    }

    /// The secret with another refresh token, as it is to be sealed.
    func replacing(refreshToken: String) throws -> Data {
        var secret = self
        secret.refreshToken = refreshToken
        return try JSONEncoder().encode(secret)
    }

    private static func malformed(_ remedy: String) -> StreamTrouble {
        StreamTrouble(
            kind: .needsHuman, code: "secret_malformed",
            message: "The sealed Salesforce credentials can't be used: \(remedy). Seal them again.")
    }
}
