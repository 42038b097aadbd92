import ActiveCampaign
import Foundation
import SyncRules

/// The custom fields of an account's accounts by both of their names.
struct AccountCatalog: Sendable {
    private let byTag: [String: AccountField]
    private let byID: [Int64: AccountField]

    init(_ fields: [AccountField] = []) {
        byTag = Dictionary(fields.map { ($0.perstag, $0) }, uniquingKeysWith: { first, _ in first })
        byID = Dictionary(fields.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    func field(_ personalizationTag: String) -> AccountField? { byTag[personalizationTag.uppercased()] }
    func field(_ id: Int64) -> AccountField? { byID[id] }
}

/// What became of one account that was written.
enum AccountOutcome: Sendable {
    case written(accountID: Int64)
    case gone
    case duplicateName
    case refused(code: String, fields: [String])
}

extension ActiveCampaignGateway {
    // MARK: - Reading accounts

    /// One page of a walk over accounts, with the server's clock.
    func accounts(offset: Int) async throws -> AccountPage {
        try await calling { () async throws(ActiveCampaignError) in try await client.accounts(offset: offset) }
    }

    /// The id of the account of a name; nil when there is none.
    func account(named name: String) async throws -> Int64? {
        try await calling { () async throws(ActiveCampaignError) in try await client.account(named: name)?.id }
    }

    /// The names of accounts; those that are gone are missing.
    func accountNames(_ ids: some Sequence<Int64>) async throws -> [Int64: String] {
        var names: [Int64: String] = [:]
        for id in Set(ids).sorted() {
            names[id] = try await calling { () async throws(ActiveCampaignError) in
                try await client.account(id: id)?.name
            }
        }
        return names
    }

    /// An account as the rules see it.
    /// - Parameter tags: custom fields to read, by tag; a call of its own when there are any.
    func account(_ record: AccountRecord, reading tags: [String]) async throws -> SyncRules.ActiveCampaignAccount {
        var fields = [ActiveCampaignField.accountName.description: record.name]
        guard !tags.isEmpty else { return ActiveCampaignAccount(id: record.id, fields: fields) }
        let values = try await calling { () async throws(ActiveCampaignError) in
            try await client.accountValues(of: record.id)
        }
        for tag in tags {
            guard let field = accountCatalog.field(tag) else { continue }
            fields["custom:" + tag] = Self.text(values[field.id] ?? "", of: field)
        }
        return ActiveCampaignAccount(id: record.id, fields: fields)
    }

    /// Money comes in cents here, and nowhere else.
    private static func text(_ value: String, of field: AccountField) -> String {
        guard field.kind == .currency, let cents = Decimal(string: value) else { return value }
        return (cents / 100).description
    }

    // MARK: - Writing accounts

    /// Makes an account.
    func createAccount(_ values: [String: String]) async throws -> AccountOutcome {
        Self.outcome(
            try await calling { () async throws(ActiveCampaignError) in
                try await client.createAccount(accountValues(values))
            })
    }

    /// Writes an account.
    func updateAccount(_ id: Int64, with values: [String: String]) async throws -> AccountOutcome {
        Self.outcome(
            try await calling { () async throws(ActiveCampaignError) in
                try await client.updateAccount(id, with: accountValues(values))
            })
    }

    private func accountValues(_ values: [String: String]) -> AccountValues {
        var wire = AccountValues(name: values[ActiveCampaignField.accountName.description])
        for (name, text) in values where name.hasPrefix("custom:") {
            guard let field = accountCatalog.field(String(name.dropFirst("custom:".count))) else { continue }
            wire.fields[field.id] = Self.value(text, of: field)
        }
        return wire
    }

    private static func value(_ text: String, of field: AccountField) -> AccountFieldValue {
        if field.kind.holdsSeveral { return .choices(text.split(separator: "||").map(String.init)) }
        guard field.kind == .currency, let amount = Decimal(string: text) else { return .text(text) }
        var (cents, rounded) = (amount * 100, Decimal())
        NSDecimalRound(&rounded, &cents, 0, .plain)
        return .money(cents: NSDecimalNumber(decimal: rounded).int64Value, currency: field.currency ?? "usd")
    }

    private static func outcome(_ outcome: AccountWriteOutcome) -> AccountOutcome {
        switch outcome {
        case .written(let id): .written(accountID: id)
        case .gone: .gone
        case .duplicateName: .duplicateName
        case .refused(let code, let fields): .refused(code: code, fields: fields)
        }
    }

    // MARK: - Places of contacts

    /// Where contacts are, a hundred a call; contacts that are gone are missing.
    func places(of contactIDs: [Int64]) async throws -> [Int64: MembershipRules.Place?] {
        let records = try await calling { () async throws(ActiveCampaignError) in
            try await client.contacts(ids: contactIDs)
        }
        return Dictionary(
            records.map { ($0.id, $0.place.map(MembershipRules.Place.init)) }, uniquingKeysWith: { first, _ in first })
    }

    /// Puts a contact into an account.
    /// - Returns: the place it has now: another one's when somebody was faster; nil when contact or account is gone.
    func place(_ contactID: Int64, inAccount accountID: Int64) async throws -> MembershipRules.Place? {
        try await calling { () async throws(ActiveCampaignError) in
            switch try await client.place(contact: contactID, inAccount: accountID) {
            case .done(let place): MembershipRules.Place(place)
            case .taken: try await client.accountPlaces(ofContact: contactID).first.map(MembershipRules.Place.init)
            case .gone: nil
            }
        }
    }

    /// Takes a contact out of an account.
    func leave(_ place: MembershipRules.Place) async throws {
        try await calling { () async throws(ActiveCampaignError) in
            _ = try await client.removePlace(place.associationID)
        }
    }
}

extension MembershipRules.Place {
    fileprivate init(_ place: AccountPlace) { self.init(associationID: place.id, accountID: place.accountID) }
}
