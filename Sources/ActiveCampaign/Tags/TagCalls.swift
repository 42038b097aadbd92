import Drivers
import Foundation

/// A tag of an account.
package struct Tag: Sendable, Hashable {
    /// The tag's number.
    package let id: Int64
    /// Its name, as its maker wrote it; ActiveCampaign compares names without case.
    package let name: String
}

/// What became of a tag put on a contact or taken off.
package enum TaggingOutcome: Sendable, Hashable {
    /// As asked; `associationID` takes the tag off again, and is nil when it was taken off.
    case done(associationID: Int64?)
    /// There is no such contact any more.
    case contactGone
    /// There is no such tag any more: forget its number and make it again.
    case tagGone
}

extension ActiveCampaignClient {
    // MARK: - Tags of the account

    /// All of the account's contact tags.
    package func tags() async throws(ActiveCampaignError) -> [Tag] {
        try await tagRows([])
    }

    /// A tag's number by its name.
    /// - Returns: nil when there is no such tag.
    package func tag(named name: String) async throws(ActiveCampaignError) -> Tag? {
        // The search finds parts of names, too.
        try await tagRows([("search", name)]).first { $0.name.lowercased() == name.lowercased() }
    }

    /// A tag's number by its name, made if there is none; several workers may ask at once.
    package func tagCreatingIfMissing(_ name: String) async throws(ActiveCampaignError) -> Tag {
        if let tag = try await tag(named: name) { return tag }
        do {
            return try await createTag(name)
        } catch {
            guard case .permanent("duplicate", _) = error.verdict else { throw error }
        }
        // Somebody was faster. The search may lag behind; the whole list is the last resort.
        if let tag = try await tag(named: name) { return tag }
        if let tag = try await tags().first(where: { $0.name.lowercased() == name.lowercased() }) { return tag }
        throw ActiveCampaignError(
            .retry(after: ActiveCampaignLimits.firstRetryDelay, kind: .server, fate: .notSent), call: .tagCreate,
            code: "tag_not_visible")
    }

    private func createTag(_ name: String) async throws(ActiveCampaignError) -> Tag {
        struct Body: Encodable {
            struct Tag: Encodable {
                let tag: String
                let tagType = "contact"
                let description = ""
            }
            let tag: Tag
        }
        struct Answer: Decodable { let tag: TagRow }
        // Made twice it is a duplicate, and that is an answer, too.
        let call = try APICall.write(.tagCreate, .post, "tags", Body(tag: .init(tag: name)))
        return try await perform(call) { response in
            guard let id = try response.decoded(as: Answer.self).tag.id?.integer else { throw UnexpectedShape() }
            return Tag(id: id, name: name)
        }
    }

    private func tagRows(_ query: [(name: String, value: String)]) async throws(ActiveCampaignError) -> [Tag] {
        let rows: [TagRow] = try await wholeList(.get(.tags, "tags", query), key: "tags")
        return rows.compactMap { row in
            guard let id = row.id?.integer, let name = row.tag?.text, row.tagType?.text ?? "contact" == "contact" else {
                return nil
            }
            return Tag(id: id, name: name)
        }
    }

    // MARK: - Tags of a contact

    /// A contact's tags; a name is nil only when the tag itself is gone by now.
    /// - Returns: nil when there is no such contact.
    package func tags(ofContact id: Int64) async throws(ActiveCampaignError) -> [ContactTag]? {
        do {
            let call = APICall.get(.contactTags, "contacts/\(id)/contactTags", [("include", "tag")])
            let tags = try await wholeLists(call, key: "contactTags") { (page: ListPage<ContactTagRow>) in
                let names = try JSONDecoder().decode(TagSideload.self, from: page.body).names
                return page.rows.compactMap { ContactTag($0, names: names) }
            }
            return try await named(tags)
        } catch let error where error.isNotFound {
            return nil
        }
    }

    /// Gives tags their names where the answer didn't carry them: one list of all tags, only when it is needed.
    func named(_ tags: [ContactTag]) async throws(ActiveCampaignError) -> [ContactTag] {
        guard tags.contains(where: { $0.name == nil }) else { return tags }
        let names = Dictionary(try await self.tags().map { ($0.id, $0.name) }, uniquingKeysWith: { first, _ in first })
        return tags.map { tag in
            ContactTag(associationID: tag.associationID, tagID: tag.tagID, name: tag.name ?? names[tag.tagID])
        }
    }

    /// Puts a tag on a contact; one that is there already stays.
    package func addTag(_ tagID: Int64, toContact contactID: Int64) async throws(ActiveCampaignError) -> TaggingOutcome
    {
        struct Body: Encodable {
            struct Row: Encodable { let contact, tag: String }
            let contactTag: Row
        }
        struct Answer: Decodable { let contactTag: ContactTagRow }
        let body = Body(contactTag: .init(contact: String(contactID), tag: String(tagID)))
        let call = try APICall.write(.contactTagAdd, .post, "contactTags", body)
        do {
            return try await perform(call) { response in
                .done(associationID: try response.decoded(as: Answer.self).contactTag.id?.integer)
            }
        } catch let error where error.isNotFound {
            return .contactGone
        } catch {
            guard error.code == "tag_not_found" else { throw error }
            return .tagGone
        }
    }

    /// Takes a tag off a contact: one call when the association's number is known (`ContactRecord.tags`), else two.
    /// - Parameter associationID: number of the association; read first when nil.
    package func removeTag(
        _ tagID: Int64, fromContact contactID: Int64, associationID: Int64? = nil
    ) async throws(ActiveCampaignError) -> TaggingOutcome {
        if let associationID, try await deleteAssociation(associationID) { return .done(associationID: nil) }
        guard let tags = try await tags(ofContact: contactID) else { return .contactGone }
        for tag in tags where tag.tagID == tagID { _ = try await deleteAssociation(tag.associationID) }
        return .done(associationID: nil)
    }

    /// - Returns: false when there was no such association; the tag may have come back under another number.
    private func deleteAssociation(_ id: Int64) async throws(ActiveCampaignError) -> Bool {
        do {
            try await perform(APICall(kind: .contactTagRemove, method: .delete, path: "contactTags/\(id)")) { _ in }
            return true
        } catch let error where error.isNotFound {
            return false
        }
    }
}
