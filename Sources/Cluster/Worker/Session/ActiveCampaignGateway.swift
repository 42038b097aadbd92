import ActiveCampaign
import Drivers
import Foundation
import JobQueue
import Store
import SyncRules
import Synchronization

/// The fields of an account by both of their names; read once and kept as long as the tenant's rows stay as they are.
struct FieldCatalog: Sendable {
    private let ids: [String: Int64]
    private let tags: [Int64: String]

    init(_ fields: [CustomField]) {
        ids = Dictionary(fields.map { ($0.perstag.uppercased(), $0.id) }, uniquingKeysWith: { first, _ in first })
        tags = Dictionary(fields.map { ($0.id, $0.perstag.uppercased()) }, uniquingKeysWith: { first, _ in first })
    }

    /// Numeric id of a personalization tag.
    func id(of personalizationTag: String) -> Int64? { ids[personalizationTag] }
    /// Personalization tag of a numeric id.
    func personalizationTag(of id: Int64) -> String? { tags[id] }
}

/// ActiveCampaign in the rules' words: turns the client's contacts into the rules' and planned writes into calls.
struct ActiveCampaignGateway: Sendable {
    let client: ActiveCampaignClient
    let catalog: FieldCatalog
    /// Custom fields of accounts; empty unless some are mapped.
    var accountCatalog = AccountCatalog()
    /// Ids of tags that were looked up once.
    let tagIDs: TagCache
    /// What opportunities are written to: the custom object's id, or pipeline and stages.
    let opportunityPlans = TextCache()
    /// The list that contacts made by us get on (R44); nil for none.
    let defaultListID: Int64?

    // MARK: - Reading

    /// One page of a walk over changed contacts, with the server's clock.
    struct Page {
        let contacts: [SyncRules.ActiveCampaignContact]
        let isLast: Bool
        let serverNow: Date?
    }

    /// Contacts changed since an instant, by ascending id.
    func changedContacts(since: Date, after id: Int64) async throws -> Page {
        let page = try await calling { () async throws(ActiveCampaignError) in
            try await client.contacts(updatedSince: since, after: id)
        }
        return Page(contacts: page.contacts.map(contact), isLast: page.isLast, serverNow: page.serverDate)
    }

    /// Contacts by id; those that are deleted are missing.
    func contacts(ids: [Int64]) async throws -> [SyncRules.ActiveCampaignContact] {
        guard !ids.isEmpty else { return [] }
        return try await calling { () async throws(ActiveCampaignError) in try await client.contacts(ids: ids) }.map(
            contact)
    }

    /// The contact of an address; nil when there is none.
    func contact(of email: EmailAddress) async throws -> SyncRules.ActiveCampaignContact? {
        try await calling { () async throws(ActiveCampaignError) in try await client.contact(email: email.normalized) }
            .map(contact)
    }

    /// Those of contacts missing in a listing that ActiveCampaign says are not there; an empty listing alone proves
    /// nothing (T20).
    func deleted(among ids: [Int64]) async throws -> Set<Int64> {
        var deleted: Set<Int64> = []
        for id in ids {
            let contact = try await calling { () async throws(ActiveCampaignError) in try await client.contact(id: id) }
            if contact == nil { deleted.insert(id) }
        }
        return deleted
    }

    private func contact(_ record: ContactRecord) -> SyncRules.ActiveCampaignContact {
        var fields = [
            "email": record.email, "firstName": record.firstName, "lastName": record.lastName, "phone": record.phone,
        ]
        for (id, value) in record.fieldValues {
            if let tag = catalog.personalizationTag(of: id) { fields["custom:" + tag] = value }
        }
        if let isOptedOut = OptOutRules.isOptedOut(
            record.lists.compactMap { OptOutRules.Standing($0.status) }, isHardBounced: record.isHardBounced)
        {
            fields[ActiveCampaignField.optOut.description] = isOptedOut ? "||true||" : ""
        }
        return ActiveCampaignContact(
            id: record.id, fields: fields, tags: SyncTag.among(record.tags.compactMap(\.name)),
            accountID: record.place?.accountID, changedAt: record.updatedAt, createdAt: record.createdAt)
    }

    /// A contact with the numbers its tags are taken off by.
    struct Person {
        let contact: SyncRules.ActiveCampaignContact
        fileprivate let tags: [ContactTag]
    }

    /// Contacts by id, to be retagged; those that are deleted are missing.
    func people(ids: [Int64]) async throws -> [Int64: Person] {
        guard !ids.isEmpty else { return [:] }
        let records = try await calling { () async throws(ActiveCampaignError) in try await client.contacts(ids: ids) }
        var people = Dictionary(
            records.map { ($0.id, Person(contact: contact($0), tags: $0.tags)) },
            uniquingKeysWith: { first, _ in first })
        // A contact missing in a listing may be there all the same (T20).
        for id in ids where people[id] == nil {
            people[id] = try await calling { () async throws(ActiveCampaignError) in try await client.contact(id: id) }
                .map { Person(contact: contact($0), tags: $0.tags) }
        }
        return people
    }

    // MARK: - Writing one

    /// Puts tags on a contact and takes others off, those only that make a difference.
    /// - Returns: false when the contact is gone.
    func retag(_ person: Person, adding: Set<SyncTag>, removing: Set<SyncTag>) async throws -> Bool {
        for tag in adding.subtracting(person.contact.tags).sorted(by: { $0.rawValue < $1.rawValue }) {
            guard try await self.tag(person.contact.id, with: tag) else { return false }
        }
        for tag in person.tags where tag.name.map({ !SyncTag.among([$0]).isDisjoint(with: removing) }) ?? false {
            let outcome = try await calling { () async throws(ActiveCampaignError) in
                try await client.removeTag(
                    tag.tagID, fromContact: person.contact.id, associationID: tag.associationID)
            }
            if case .contactGone = outcome { return false }
        }
        return true
    }

    /// Writes a contact by its address and tags it.
    func upsert(_ write: ContactWrite) async throws -> ContactOutcome {
        var values = values(of: write)
        values.email = write.email.normalized
        let outcome = Self.outcome(
            try await calling { () async throws(ActiveCampaignError) in try await client.upsert(values) })
        guard case .written(let contactID, _) = outcome else { return outcome }
        if write.optsOut, try await !unsubscribe(contactID) { return .gone }
        if let list = list(for: write), try await !subscribe(contactID, to: list) { return .gone }
        guard let tag = write.tag else { return outcome }
        return try await self.tag(contactID, with: tag) ? outcome : .gone
    }

    /// Writes a contact by its id; the address may change (R8).
    func update(_ contactID: Int64, with write: ContactWrite) async throws -> ContactOutcome {
        let outcome = Self.outcome(
            try await calling { () async throws(ActiveCampaignError) in
                try await client.update(contactID, with: values(of: write))
            })
        if case .written = outcome, write.optsOut, try await !unsubscribe(contactID) { return .gone }
        return outcome
    }

    /// R83: the contact leaves every list it gets mail from.
    /// - Returns: false when it is gone.
    private func unsubscribe(_ contactID: Int64) async throws -> Bool {
        try await calling { () async throws(ActiveCampaignError) in
            guard let lists = try await client.lists(ofContact: contactID) else { return false }
            for list in lists where list.status == .active {
                _ = try await client.setSubscribed(false, contact: contactID, list: list.listID)
            }
            return true
        }
    }

    /// R44: the list of a record that enters ActiveCampaign; whoever opted out gets on none.
    private func list(for write: ContactWrite) -> Int64? { write.tag == nil || write.optsOut ? nil : defaultListID }

    /// Puts a contact on a list it has never been on: whoever left it stays off (R83).
    /// - Returns: false when it is gone.
    private func subscribe(_ contactID: Int64, to list: Int64) async throws -> Bool {
        try await calling { () async throws(ActiveCampaignError) in
            guard let lists = try await client.lists(ofContact: contactID) else { return false }
            if !lists.contains(where: { $0.listID == list }) {
                _ = try await client.setSubscribed(true, contact: contactID, list: list)
            }
            return true
        }
    }

    /// Puts a tag on a contact, making the tag if need be.
    /// - Returns: false when the contact is gone.
    func tag(_ contactID: Int64, with tag: SyncTag) async throws -> Bool {
        for _ in 0..<2 {
            let tagID = try await tagIDs.id(of: tag.rawValue) {
                try await calling { () async throws(ActiveCampaignError) in
                    try await client.tagCreatingIfMissing(tag.rawValue)
                }.id
            }
            switch try await calling({ () async throws(ActiveCampaignError) in
                try await client.addTag(tagID, toContact: contactID)
            }) {
            case .done: return true
            case .contactGone: return false
            case .tagGone: tagIDs.forget(tag.rawValue)
            }
        }
        throw StreamTrouble(
            kind: .retry(after: nil), code: "tag_vanishes", message: "The tag \(tag.rawValue) vanishes as it is made.")
    }

    private static func outcome(_ outcome: ContactWriteOutcome) -> ContactOutcome {
        switch outcome {
        case .written(let contactID, let isNew): .written(contactID: contactID, isNew: isNew)
        case .gone: .gone
        case .duplicateEmail: .refused(code: RecordFailure.addressTaken, fields: ["Email"])
        case .refused(let code, let fields): .refused(code: code, fields: fields)
        }
    }

    // MARK: - Importing

    /// What became of contacts handed to the importer.
    struct ImportResult {
        let batches: [(id: String, writes: [ContactWrite])]
        let refused: [ContactWrite]
        /// What the importer refuses without saying which row is to blame; to be written one by one.
        let unresolved: [ContactWrite]
        /// Why the rest was not sent; nil when all was.
        let trouble: StreamTrouble?
    }

    /// Hands contacts to the bulk importer, with their tags.
    func importContacts(_ writes: [ContactWrite]) async -> ImportResult {
        let rows = writes.map { write in
            let values = values(of: write)
            return ImportRow(
                email: write.email.normalized, firstName: values.firstName, lastName: values.lastName,
                phone: values.phone, fieldValues: values.fieldValues, tags: write.tag.map { [$0.rawValue] } ?? [],
                lists: list(for: write).map { [$0] } ?? [])
        }
        let outcome = await client.importContacts(rows)
        let isUnresolved = outcome.error?.code == "import_unresolved"
        return ImportResult(
            batches: outcome.queued.map { batch in (batch.batchID, batch.rows.map { writes[$0] }) },
            refused: outcome.refused.map { writes[$0.row] },
            unresolved: isUnresolved ? outcome.unsent.map { writes[$0] } : [],
            trouble: isUnresolved ? nil : outcome.error.map(StreamTrouble.init))
    }

    /// What became of an import.
    func progress(of batchID: String) async throws -> ImportProgress {
        switch try await calling({ () async throws(ActiveCampaignError) in try await client.importState(batchID) }) {
        case .open: .open
        case .completed(let contactIDs, let failed):
            .completed(contactIDs: contactIDs, refused: failed.compactMap(EmailAddress.init))
        case .failed, .unknown: .lost
        }
    }

    // MARK: - Webhooks

    /// All webhooks of the account, other programs' as well.
    func webhooks() async throws -> [Webhook] {
        try await calling { () async throws(ActiveCampaignError) in try await client.webhooks() }
    }

    /// Makes a webhook.
    func createWebhook(_ request: WebhookRequest) async throws -> Webhook {
        try await calling { () async throws(ActiveCampaignError) in try await client.createWebhook(request) }
    }

    /// Deletes a webhook.
    func deleteWebhook(_ id: Int64) async throws {
        try await calling { () async throws(ActiveCampaignError) in try await client.deleteWebhook(id) }
    }

    // MARK: - Values and errors

    private func values(of write: ContactWrite) -> ContactValues {
        var values = ContactValues()
        for (field, text) in write.values {
            switch field {
            case "email": values.email = text
            case "firstName": values.firstName = text
            case "lastName": values.lastName = text
            case "phone": values.phone = text
            case ActiveCampaignField.optOut.description: break
            default:
                if let id = catalog.id(of: String(field.dropFirst("custom:".count)).uppercased()) {
                    values.fieldValues[id] = text
                }
            }
        }
        return values
    }

    func calling<Value>(
        _ body: () async throws(ActiveCampaignError) -> Value
    ) async throws -> Value {
        do { return try await body() } catch { throw StreamTrouble(error) }
    }
}

/// Ids of an account's tags, looked up once.
final class TagCache: Sendable {
    private let ids = Mutex<[String: Int64]>([:])

    func id(of name: String, lookUp: () async throws -> Int64) async throws -> Int64 {
        if let id = ids.withLock({ $0[name] }) { return id }
        let id = try await lookUp()
        ids.withLock { $0[name] = id }
        return id
    }

    func forget(_ name: String) {
        ids.withLock { $0[name] = nil }
    }
}

/// Ids that are dear to look up, by name.
final class TextCache: Sendable {
    private let ids = Mutex<[String: String]>([:])

    func id(of name: String, lookUp: () async throws -> String) async throws -> String {
        if let id = ids.withLock({ $0[name] }) { return id }
        let id = try await lookUp()
        ids.withLock { $0[name] = id }
        return id
    }

    func forget(_ name: String) { ids.withLock { $0[name] = nil } }

    func forgetAll() { ids.withLock { $0 = [:] } }
}

extension StreamTrouble {
    /// What a failed ActiveCampaign call means for the stream.
    init(_ error: ActiveCampaignError) {
        if case .retry(let after, _, _) = error.verdict,
            let refused = StreamTrouble(refused: error.code, by: .activeCampaign, after: after?.seconds)
        {
            self = refused
            return
        }
        let kind: Kind =
            switch error.verdict {
            case .retry(let after, _, _): .retry(after: after?.seconds)
            case .needsHuman: .needsHuman
            case .permanent, .ourBug: .bug
            }
        self.init(kind: kind, code: error.code, message: "ActiveCampaign: \(error.message)")
    }
}

extension OptOutRules.Standing {
    /// Nil for a standing that isn't known here.
    init?(_ status: ListMembership.Status?) {
        switch status {
        case .active: self = .active
        case .unsubscribed, .bounced: self = .ended
        case .unconfirmed: self = .unconfirmed
        case nil: return nil
        }
    }
}
