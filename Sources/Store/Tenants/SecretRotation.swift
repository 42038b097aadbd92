import Drivers

extension Store {
    /// Replaces a connection's sealed secret, as when Salesforce rotated a refresh token; committed when it returns (T18).
    /// - Throws: `StoreError` with code `unknownTenant` when there is no such connection.
    package func replaceSecret(tenant: String, provider: Provider, secret: String) async throws {
        let rows = try await query(
            "UPDATE ferry.connections SET secret = $3 WHERE tenant = $1 AND provider = $2",
            [.text(tenant), .text(provider.rawValue), .text(secret)])
        guard rows.affected == 1 else {
            throw StoreError(.unknownTenant, "tenant \"\(tenant)\" has no connection to \(provider.rawValue)")
        }
    }
}
