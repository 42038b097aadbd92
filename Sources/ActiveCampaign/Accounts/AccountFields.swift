import Drivers
import Foundation

extension ActiveCampaignClient {
    /// All custom fields of accounts.
    package func accountFields() async throws(ActiveCampaignError) -> [AccountField] {
        let rows: [AccountFieldRow] = try await wholeList(
            .get(.accountFields, "accountCustomFieldMeta"), key: "accountCustomFieldMeta")
        return rows.compactMap { row in
            guard let id = row.id.integer, let tag = row.personalization?.text, !tag.isEmpty else { return nil }
            return AccountField(
                id: id, perstag: tag.replacing("%", with: "").uppercased(), kind: Self.kind(row.fieldType?.orEmpty),
                currency: row.fieldDefaultCurrency?.text?.lowercased())
        }
    }

    /// Accounts call a list of choices `multiselect`.
    private static func kind(_ name: String?) -> CustomField.Kind {
        name?.lowercased() == "multiselect" ? .listbox : CustomField.Kind(name ?? "")
    }

    /// The custom values of an account by field number: several choices between `||`, money in cents. An account that is
    /// gone has none.
    package func accountValues(of id: Int64) async throws(ActiveCampaignError) -> [Int64: String] {
        let rows: [AccountValueRow] = try await wholeList(
            .get(.accountValues, "accountCustomFieldData", [("filters[customerAccountId]", String(id))]),
            key: "accountCustomFieldData")
        // A filter that was ignored would give every account's values.
        guard rows.allSatisfy({ ($0.customerAccountId ?? $0.accountId)?.integer == id }) else {
            throw ActiveCampaignError(.ourBug(code: "filter_ignored"), call: .accountValues, status: 200)
        }
        return Dictionary(
            rows.compactMap { row in row.customFieldId?.integer.map { ($0, row.fieldValue?.text ?? "") } },
            uniquingKeysWith: { _, last in last })
    }

    // MARK: - Places

    /// The accounts of a contact; one at most, as ActiveCampaign promises.
    package func accountPlaces(ofContact id: Int64) async throws(ActiveCampaignError) -> [AccountPlace] {
        let rows: [AccountPlaceRow] = try await wholeList(
            .get(.accountPlaces, "accountContacts", [("filters[contact]", String(id))]), key: "accountContacts")
        return rows.filter { $0.contact?.integer == id }.compactMap(\.place)
    }

    /// Puts a contact into an account.
    package func place(
        contact contactID: Int64, inAccount accountID: Int64
    ) async throws(ActiveCampaignError) -> AccountPlacing {
        struct Body: Encodable {
            struct Row: Encodable { let account, contact: Int64 }
            let accountContact: Row
        }
        struct Answer: Decodable { let accountContact: AccountPlaceRow }
        let body = Body(accountContact: .init(account: accountID, contact: contactID))
        // Done twice it is refused as taken, and looking tells by whom.
        let call = try APICall.write(.accountPlaceAdd, .post, "accountContacts", body)
        do {
            return try await perform(call) { response in
                guard let id = try response.decoded(as: Answer.self).accountContact.id.integer else {
                    throw UnexpectedShape()
                }
                return .done(AccountPlace(id: id, accountID: accountID))
            }
        } catch {
            guard case .permanent(let code, _) = error.verdict else { throw error }
            return code == "not_found" ? .gone : .taken
        }
    }

    /// Takes a contact out of an account.
    /// - Returns: false when there was no such place any more.
    @discardableResult
    package func removePlace(_ id: Int64) async throws(ActiveCampaignError) -> Bool {
        do {
            try await perform(APICall(kind: .accountPlaceRemove, method: .delete, path: "accountContacts/\(id)")) { _ in
            }
            return true
        } catch let error where error.isNotFound {
            return false
        }
    }
}

private struct AccountFieldRow: Decodable, Sendable {
    let id: LooseText
    let fieldType: LooseText?
    let personalization: LooseText?
    let fieldDefaultCurrency: LooseText?
}

private struct AccountValueRow: Decodable, Sendable {
    let customerAccountId: LooseText?
    let accountId: LooseText?
    let customFieldId: LooseText?
    let fieldValue: Value?

    /// A scalar, or the list of several choices.
    struct Value: Decodable, Sendable {
        let text: String

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let scalar = try? container.decode(LooseText.self) {
                text = scalar.orEmpty
            } else {
                let choices = try container.decode([LooseText].self).map(\.orEmpty).filter { !$0.isEmpty }
                text = choices.isEmpty ? "" : "||" + choices.joined(separator: "||") + "||"
            }
        }
    }
}

/// A contact's place in an account as the wire delivers it.
struct AccountPlaceRow: Decodable, Sendable {
    let id: LooseText
    let account: LooseText?
    let contact: LooseText?

    var place: AccountPlace? {
        guard let id = id.integer, let account = account?.integer else { return nil }
        return AccountPlace(id: id, accountID: account)
    }
}
