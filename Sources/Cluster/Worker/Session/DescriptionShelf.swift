import Salesforce
import Synchronization

/// Descriptions of an org's objects with the mark they came with, so that an unchanged one is not sent again. Outlives the
/// session that fetched them, as long as the tenant's connection stays the same.
final class DescriptionShelf: Sendable {
    /// One object's.
    struct Entry: Sendable {
        let description: ObjectDescription
        /// `Last-Modified` as the org wrote it.
        let lastModified: String?
    }

    private let entries = Mutex<[String: Entry]>([:])

    /// Asks the org what an object is like.
    /// - Returns: nil when it says that nothing changed although nothing was known.
    func describe(_ object: String, by client: SalesforceClient) async throws(SalesforceError) -> ObjectDescription? {
        let known = entries.withLock { $0[object] }
        let answer = try await client.describe(object, ifModifiedSince: known?.lastModified)
        guard let fresh = answer.value else { return known?.description }
        entries.withLock { entries in
            entries[object] = Entry(description: fresh.description, lastModified: fresh.lastModified)
        }
        return fresh.description
    }
}
