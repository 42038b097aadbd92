import Drivers
import Foundation

extension ActiveCampaignClient {
    // MARK: - Reading

    /// One page of a walk over accounts. There is neither a filter by change nor a keyset (reference 7.1): an account
    /// deleted during a walk may hide another one from it, which the next walk meets.
    /// - Parameter offset: accounts of the pages before.
    package func accounts(offset: Int) async throws(ActiveCampaignError) -> AccountPage {
        let query = [("limit", String(ActiveCampaignLimits.pageSize)), ("offset", String(offset))]
        return try await perform(.get(.accountsPage, "accounts", query)) { response in
            let page = try ListPage<AccountRow>(response.body, key: "accounts")
            let end = offset + page.rows.count
            let isShort = page.rows.count < ActiveCampaignLimits.pageSize && (page.total.map { $0 <= end } ?? true)
            return AccountPage(
                accounts: page.rows.compactMap(\.record), isLast: page.rows.isEmpty || isShort || page.total == end,
                serverDate: response.serverDate)
        }
    }

    /// The account of a name, case aside; nil when there is none.
    package func account(named name: String) async throws(ActiveCampaignError) -> AccountRecord? {
        // The search finds parts of names, too.
        let rows: [AccountRow] = try await wholeList(
            .get(.accountsPage, "accounts", [("search", name)]), key: "accounts")
        return rows.compactMap(\.record).first { $0.name.lowercased() == name.lowercased() }
    }

    /// One account; nil when there is none of this number.
    package func account(id: Int64) async throws(ActiveCampaignError) -> AccountRecord? {
        struct Answer: Decodable { let account: AccountRow }
        do {
            return try await perform(.get(.accountGet, "accounts/\(id)")) { response in
                guard let record = try response.decoded(as: Answer.self).account.record else { throw UnexpectedShape() }
                return record
            }
        } catch let error where error.isNotFound {
            return nil
        }
    }

    // MARK: - Writing

    /// Makes an account. Done twice it is a duplicate, and that is an answer, too.
    package func createAccount(_ values: AccountValues) async throws(ActiveCampaignError) -> AccountWriteOutcome {
        try await write(.accountCreate, .post, "accounts", values)
    }

    /// Writes an account by its number.
    package func updateAccount(
        _ id: Int64, with values: AccountValues
    ) async throws(ActiveCampaignError) -> AccountWriteOutcome {
        try await write(.accountUpdate, .put, "accounts/\(id)", values)
    }

    private func write(
        _ kind: ActiveCampaignCall.Kind, _ method: HTTPMethod, _ path: String, _ values: AccountValues
    ) async throws(ActiveCampaignError) -> AccountWriteOutcome {
        struct Answer: Decodable {
            struct Row: Decodable { let id: LooseText }
            let account: Row
        }
        let call = try APICall.write(kind, method, path, AccountBody(values))
        do {
            return try await perform(call) { response in
                guard let id = try response.decoded(as: Answer.self).account.id.integer else { throw UnexpectedShape() }
                return .written(accountID: id)
            }
        } catch {
            guard case .permanent(let code, let fields) = error.verdict else { throw error }
            switch code {
            case "not_found": return .gone
            // A name is the only thing of an account that must be its own.
            case "duplicate": return .duplicateName
            default: return .refused(code: code, fields: fields)
            }
        }
    }
}

/// An account as the wire delivers it.
private struct AccountRow: Decodable, Sendable {
    let id: LooseText
    let name: LooseText?
    let updatedTimestamp: LooseText?

    var record: AccountRecord? {
        id.integer.map {
            AccountRecord(id: $0, name: name?.orEmpty ?? "", updatedAt: WireDate.parse(updatedTimestamp?.text))
        }
    }
}

/// The body of an account's write.
private struct AccountBody: Encodable {
    struct Field: Encodable {
        let id: Int64
        let value: AccountFieldValue

        private enum Key: String, CodingKey { case customFieldId, fieldValue, fieldCurrency }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(id, forKey: .customFieldId)
            switch value {
            case .text(let text): try container.encode(text, forKey: .fieldValue)
            case .choices(let choices): try container.encode(choices, forKey: .fieldValue)
            case .money(let cents, let currency):
                try container.encode(cents, forKey: .fieldValue)
                try container.encode(currency, forKey: .fieldCurrency)
            }
        }
    }

    struct Account: Encodable {
        let name: String?
        let fields: [Field]?
    }

    let account: Account

    init(_ values: AccountValues) {
        let fields = values.fields.sorted { $0.key < $1.key }.map { Field(id: $0.key, value: $0.value) }
        account = Account(name: values.name, fields: fields.isEmpty ? nil : fields)
    }
}
