import Drivers
import Foundation

/// The user whose API key is used.
package struct AccountUser: Sendable, Hashable {
    /// The user's number.
    package let id: Int64
    /// The user's name in ActiveCampaign.
    package let username: String
}

extension ActiveCampaignClient {
    /// The user of the API key: tells whether the key works.
    /// - Throws: `needsHuman(.credentials)` after two refusals, since single ones happen (reference 1.3).
    package func user() async throws(ActiveCampaignError) -> AccountUser {
        struct Answer: Decodable {
            struct User: Decodable { let id, username: LooseText }
            let user: User
        }
        return try await perform(.get(.usersMe, "users/me")) { response in
            let user = try response.decoded(as: Answer.self).user
            guard let id = user.id.integer else { throw UnexpectedShape() }
            return AccountUser(id: id, username: user.username.orEmpty)
        }
    }
}
