import Drivers
import Foundation

extension ActiveCampaignClient {
    /// Writes one contact by its address, made if there is none; safe to repeat (T17).
    ///
    /// It cannot change an address; `update` can.
    /// - Parameter values: with an address.
    package func upsert(_ values: ContactValues) async throws(ActiveCampaignError) -> ContactWriteOutcome {
        guard values.email?.isEmpty == false else { return .refused(code: "field_missing", fields: ["email"]) }
        return try await write(.contactSync, .post, "contact/sync", values)
    }

    /// Writes one contact by its number, its address included.
    package func update(_ id: Int64, with values: ContactValues) async throws(ActiveCampaignError)
        -> ContactWriteOutcome
    {
        try await write(.contactUpdate, .put, "contacts/\(id)", values)
    }

    /// Makes a contact. Not safe to repeat: when its answer is lost, the error's fate is `unknown`; prefer `upsert`.
    package func createContact(_ values: ContactValues) async throws(ActiveCampaignError) -> ContactWriteOutcome {
        try await write(.contactCreate, .post, "contacts", values, isRepeatable: false)
    }

    /// Deletes a contact for good; its address will make a new one with another number.
    /// - Returns: whether it was there.
    @discardableResult
    package func deleteContact(_ id: Int64) async throws(ActiveCampaignError) -> Bool {
        let call = APICall(kind: .contactDelete, method: .delete, path: "contacts/\(id)")
        do {
            try await perform(call) { _ in }
            return true
        } catch let error where error.isNotFound {
            return false
        }
    }

    private func write(
        _ kind: ActiveCampaignCall.Kind, _ method: HTTPMethod, _ path: String, _ values: ContactValues,
        isRepeatable: Bool = true
    ) async throws(ActiveCampaignError) -> ContactWriteOutcome {
        let call = try APICall.write(kind, method, path, ContactBody(values), isRepeatable: isRepeatable)
        do {
            return try await perform(call) { response in
                let written = try response.decoded(as: WrittenContact.self)
                guard let id = written.contact.id.integer else { throw UnexpectedShape() }
                return .written(contactID: id, isNew: written.isNew(status: response.status))
            }
        } catch {
            guard case .permanent(let code, let fields) = error.verdict else { throw error }
            switch code {
            case "not_found": return .gone
            // An address is the only thing of a contact that must be its own.
            case "duplicate": return .duplicateEmail
            default: return .refused(code: code, fields: fields)
            }
        }
    }
}
