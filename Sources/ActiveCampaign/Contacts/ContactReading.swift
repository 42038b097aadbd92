import Drivers
package import Foundation

extension ActiveCampaignClient {
    private static var sideloads: (name: String, value: String) {
        ("include", "fieldValues,contactTags,contactTags.tag,contactLists,accountContacts")
    }

    // MARK: - Walking

    /// One page of contacts with their values and tags, by keyset: those with numbers above `id`, ascending.
    ///
    /// There is no promised order by time, so a walk must reach its last page before a cursor over time may move; a
    /// contact changed during the walk is met again by the next one (reference 3.4).
    /// - Parameters:
    ///   - since: only contacts changed since then; whether the instant itself counts is not documented, so overlap.
    ///     Nil walks over all.
    ///   - id: the last number of the page before, 0 for the first page.
    /// - Returns: up to 100 contacts.
    /// - Throws: `ourBug` when the answer isn't the page that was asked for, which would skip or repeat contacts.
    package func contacts(updatedSince since: Date?, after id: Int64) async throws(ActiveCampaignError) -> ContactPage {
        var query: [(name: String, value: String)] = [
            ("limit", String(ActiveCampaignLimits.pageSize)), ("orders[id]", "ASC"), ("id_greater", String(id)),
            Self.sideloads,
        ]
        if let since { query.append(("filters[updated_after]", WireDate.text(since))) }
        let (answer, serverDate) = try await list(.get(.contactsPage, "contacts", query))
        let ids = answer.contacts.compactMap(\.id.integer)
        guard zip([id] + ids, ids).allSatisfy({ $0 < $1 }), ids.count <= ActiveCampaignLimits.pageSize else {
            throw ActiveCampaignError(.ourBug(code: "keyset_ignored"), call: .contactsPage, status: 200)
        }
        let total = ListMeta.total(of: answer.meta)
        // A short page ends the walk unless more rows are told of: a server may give fewer than was asked for.
        let isShort = ids.count < ActiveCampaignLimits.pageSize && (total.map { $0 <= ids.count } ?? true)
        return ContactPage(
            contacts: try await completed(answer, serverDate, .contactsPage), isLast: ids.isEmpty || isShort,
            total: total, serverDate: serverDate)
    }

    // MARK: - By name

    /// Contacts by number with their values and tags, a hundred a call.
    /// - Parameter ids: any number of them; repeats are asked for once.
    /// - Returns: those that exist, ascending; the others were deleted or merged away.
    /// - Throws: `ourBug` when other contacts come back than were asked for: then absence would prove nothing (T20).
    package func contacts(ids: [Int64]) async throws(ActiveCampaignError) -> [ContactRecord] {
        let wanted = Set(ids).sorted()
        var found: [ContactRecord] = []
        for start in stride(from: 0, to: wanted.count, by: ActiveCampaignLimits.pageSize) {
            let part = Set(wanted[start..<min(start + ActiveCampaignLimits.pageSize, wanted.count)])
            let query: [(name: String, value: String)] =
                [("limit", String(ActiveCampaignLimits.pageSize)), Self.sideloads]
                + part.sorted().map { ("ids[]", String($0)) }
            let (answer, serverDate) = try await list(.get(.contactsByID, "contacts", query))
            guard answer.contacts.allSatisfy({ $0.id.integer.map(part.contains) ?? false }) else {
                throw ActiveCampaignError(.ourBug(code: "ids_ignored"), call: .contactsByID, status: 200)
            }
            found += try await completed(answer, serverDate, .contactsByID)
        }
        return found.sorted { $0.id < $1.id }
    }

    /// The contact of an address, compared without case; nil when there is none.
    package func contact(email: String) async throws(ActiveCampaignError) -> ContactRecord? {
        let query: [(name: String, value: String)] = [("limit", "20"), ("email", email), Self.sideloads]
        let (answer, serverDate) = try await list(.get(.contactByEmail, "contacts", query))
        let contacts = try await completed(answer, serverDate, .contactByEmail)
        // An unknown filter is ignored and not refused: what came back must be what was asked for.
        return contacts.first { $0.email.lowercased() == email.lowercased() }
    }

    /// One contact by number with its values and tags: two calls.
    /// - Returns: nil when there is no such contact.
    package func contact(id: Int64) async throws(ActiveCampaignError) -> ContactRecord? {
        do {
            let (answer, serverDate) = try await perform(.get(.contactGet, "contacts/\(id)")) { response in
                (try response.decoded(as: ContactAnswer.self), response.serverDate)
            }
            guard let tags = try await tags(ofContact: id) else { return nil }
            let own = answer.fieldValues.elements.filter { $0.contact?.integer == id }
            var contact = ContactRecord(
                answer.contact, id: id, values: own, tags: [],
                lists: (answer.contactLists?.elements ?? []).filter { $0.contact?.integer == id }, names: [:],
                serverDate: serverDate)
            contact.tags = tags
            contact.place = answer.accountContacts?.elements.first { $0.contact?.integer == id }?.place
            return contact
        } catch let error where error.isNotFound {
            return nil
        }
    }

    // MARK: - Answers

    private func list(_ call: APICall) async throws(ActiveCampaignError) -> (ContactsAnswer, Date?) {
        try await perform(call) { response in
            let answer = try response.decoded(as: ContactsAnswer.self)
            guard answer.contacts.allSatisfy({ $0.id.integer != nil }) else { throw UnexpectedShape() }
            return (answer, response.serverDate)
        }
    }

    /// Joins an answer and reads again, one by one, the contacts it carries without their values or tags.
    private func completed(
        _ answer: ContactsAnswer, _ serverDate: Date?, _ kind: ActiveCampaignCall.Kind
    ) async throws(ActiveCampaignError) -> [ContactRecord] {
        guard let joined = try? JoinedContacts(answer, serverDate: serverDate),
            joined.incomplete.count <= ActiveCampaignLimits.rereadsPerPage
        else { throw ActiveCampaignError(.ourBug(code: "sideload_missing"), call: kind, status: 200) }
        var contacts = joined.complete
        for id in joined.incomplete {
            if let contact = try await contact(id: id) { contacts.append(contact) }
        }
        if !joined.incomplete.isEmpty { contacts.sort { $0.id < $1.id } }
        return try await withNamedTags(contacts)
    }

    private func withNamedTags(_ contacts: [ContactRecord]) async throws(ActiveCampaignError) -> [ContactRecord] {
        let all = contacts.flatMap(\.tags)
        guard all.contains(where: { $0.name == nil }) else { return contacts }
        let names = Dictionary(
            try await named(all).map { ($0.associationID, $0) }, uniquingKeysWith: { first, _ in first })
        return contacts.map { contact in
            var contact = contact
            contact.tags = contact.tags.map { names[$0.associationID] ?? $0 }
            return contact
        }
    }
}

extension ActiveCampaignError {
    /// Whether ActiveCampaign said that the row asked for doesn't exist.
    var isNotFound: Bool { verdict == .permanent(code: "not_found", fields: []) }
}
