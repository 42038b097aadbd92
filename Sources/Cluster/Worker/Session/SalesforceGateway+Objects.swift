import Drivers
import Foundation
import Salesforce
import Store
import SyncRules

extension SalesforceGateway {
    // MARK: - Contact roles

    /// One page of the contact roles that changed, deleted ones included.
    struct RolesPage {
        /// The opportunities they belong to.
        let opportunityIDs: Set<String>
        let page: Page
    }

    static let roleObject = "OpportunityContactRole"

    /// The next page of changed roles, as a part of a pull.
    func rolesPart(_ cursor: InboundCursor) throws -> Subrequest {
        .queryAll(
            try reading { () throws(SalesforceError) in
                try Self.sweep(Self.roleObject, ["Id", "SystemModstamp", "OpportunityId", "IsDeleted"], cursor)
            })
    }

    /// Reads the part's result.
    func roles(_ result: SubrequestResult, serverNow: Date) throws -> RolesPage {
        let answer = try reading { () throws(SalesforceError) in try result.page() }
        let rows = answer.records.compactMap { wire -> SyncRules.SalesforceRecord? in
            guard let id = wire.id, let modified = wire["SystemModstamp"]?.string.flatMap(SalesforceTime.parse) else {
                return nil
            }
            return SyncRules.SalesforceRecord(
                id: id, object: .opportunity, fields: [:], createdAt: modified, modifiedAt: modified)
        }
        return RolesPage(
            opportunityIDs: Set(answer.records.compactMap { $0["OpportunityId"]?.string }),
            page: Page(
                records: rows, isLast: answer.isDone && answer.records.count < ClusterLimits.inboundPage,
                serverNow: serverNow))
    }

    /// Opportunities by id, and the contact roles of these and others, in one counted call.
    func opportunities(
        ids: [String], rolesOf others: [String]
    ) async throws -> (records: [SyncRules.SalesforceRecord], roles: [String: [OpportunityRole]]) {
        let all = Set(ids + others).sorted()
        guard !all.isEmpty else { return ([], [:]) }
        let query = try reading { () throws(SalesforceError) in
            try SOQLQuery(
                ["Id", "OpportunityId", "ContactId", "IsPrimary"], from: Self.roleObject,
                where: .isIn("OpportunityId", all.map(SOQLLiteral.string))
            ).render()
        }
        let answer = try await composite(for: [.opportunity]) {
            let reads: [Subrequest] =
                ids.isEmpty ? [] : [.retrieve(object: "Opportunity", ids: ids, fields: columns(of: .opportunity))]
            return reads + [.query(query)]
        }
        let records =
            ids.isEmpty
            ? []
            : try reading { () throws(SalesforceError) in try answer.value[0].records() }
                .compactMap { $0.flatMap { record($0, .opportunity) } }
        var page = try reading { () throws(SalesforceError) in try answer.value[ids.isEmpty ? 0 : 1].page() }
        var roles = page.records.compactMap(Self.role)
        while let next = page.nextRecordsURL {
            page = try await calling { () async throws(SalesforceError) in try await client.nextPage(next).value }
            roles += page.records.compactMap(Self.role)
        }
        return (records, Dictionary(grouping: roles, by: \.opportunityID))
    }

    private static func role(_ wire: Salesforce.SalesforceRecord) -> OpportunityRole? {
        guard let id = wire.id, let opportunity = wire["OpportunityId"]?.string, let contact = wire["ContactId"]?.string
        else { return nil }
        return OpportunityRole(
            id: id, opportunityID: opportunity, contactID: contact, isPrimary: wire["IsPrimary"]?.bool ?? false)
    }

    // MARK: - Accounts

    /// The accounts that records of contacts belong to, up to 2,000 in one counted call; records that are gone have none.
    func memberships(of contactRecordIDs: [String]) async throws -> [AccountMembership] {
        guard !contactRecordIDs.isEmpty else { return [] }
        let person = facts.hasPersonAccounts ? ["IsPersonAccount"] : []
        let answer = try await composite(for: [.contact]) {
            [.retrieve(object: "Contact", ids: contactRecordIDs, fields: ["Id", "AccountId"] + person)]
        }
        let records = try reading { () throws(SalesforceError) in try answer.value[0].records() }
        return zip(contactRecordIDs, records).map { id, wire in
            let isPerson = wire?["IsPersonAccount"]?.bool ?? false
            return AccountMembership(recordID: id, accountRecordID: isPerson ? nil : wire?["AccountId"]?.string)
        }
    }

    /// The accounts of some names, by name in lower case; a name that several have is nobody's (R73).
    func accounts(in result: SubrequestResult) throws -> [String: String] {
        let page = try reading { () throws(SalesforceError) in try result.page() }
        let named = page.records.compactMap { wire -> (String, String)? in
            guard let id = wire.id, let name = wire["Name"]?.string, !(wire["IsPersonAccount"]?.bool ?? false) else {
                return nil
            }
            return (name.lowercased(), id)
        }
        return Dictionary(grouping: named, by: \.0).filter { $0.value.count == 1 }.compactMapValues { $0.first?.1 }
    }

    /// The part that looks accounts up by name.
    func accountSearch(_ names: [String]) throws -> Subrequest {
        let person = facts.hasPersonAccounts ? ["IsPersonAccount"] : []
        return .query(
            try reading { () throws(SalesforceError) in
                try SOQLQuery(
                    ["Id", "Name"] + person, from: "Account", where: .isIn("Name", names.map(SOQLLiteral.string))
                ).render()
            })
    }

    /// Writes fields of accounts, a thousand a counted call.
    /// - Returns: one outcome a write, in order.
    func writeAccounts(
        _ writes: [(recordID: String, values: [String: SalesforceFieldValue])]
    ) async throws -> [RowOutcome] {
        func wire() -> [SalesforceWrite] {
            writes.map { write in
                var record = Salesforce.SalesforceRecord(type: "Account", id: write.recordID)
                for (name, value) in write.values.sorted(by: { $0.key < $1.key })
                where schema.isWritable(name, of: .account) { record.set(name, Self.wireValue(value)) }
                return .update(record)
            }
        }
        let outcomes = try await send(wire())
        let refusesField = outcomes.contains { outcome in
            if case .refused(let refusal) = outcome { refusal.kind == .mapping } else { false }
        }
        guard refusesField, try await learn([.account]) else { return outcomes }
        return try await send(wire())
    }

    // MARK: - Persons' accounts

    /// The contacts of persons' accounts, by account; those that can't be seen are missing.
    func personContacts(of accountIDs: [String]) async throws -> [String: String] {
        guard !accountIDs.isEmpty else { return [:] }
        let answer = try await composite(for: [.account]) {
            [.retrieve(object: "Account", ids: accountIDs, fields: ["Id", "PersonContactId"])]
        }
        let records = try reading { () throws(SalesforceError) in try answer.value[0].records() }
        let pairs = records.compactMap { wire -> (String, String)? in
            guard let id = wire?.id, let contact = wire?["PersonContactId"]?.string else { return nil }
            return (id, contact)
        }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }

    /// People by id as a part of a call. Where accounts may be persons it is a query, for only that follows a contact to
    /// its account.
    func byID(_ object: ObjectKind, _ ids: [String]) throws -> Subrequest {
        let plain = Subrequest.retrieve(object: object.salesforceName, ids: ids, fields: columns(of: object))
        guard facts.hasPersonAccounts, object == .contact || object == .lead else { return plain }
        return .query(
            try reading { () throws(SalesforceError) in
                try SOQLQuery(
                    columns(of: object), from: object.salesforceName, where: .isIn("Id", ids.map(SOQLLiteral.string))
                ).render()
            })
    }

    /// The records of such a part.
    func people(_ object: ObjectKind, in result: SubrequestResult) async throws -> [SyncRules.SalesforceRecord] {
        guard facts.hasPersonAccounts, object == .contact || object == .lead else {
            return try reading { () throws(SalesforceError) in try result.records() }
                .compactMap { $0.flatMap { record($0, object) } }
        }
        var page = try reading { () throws(SalesforceError) in try result.page() }
        var records = page.records.compactMap { record($0, object) }
        while let next = page.nextRecordsURL {
            page = try await calling { () async throws(SalesforceError) in try await client.nextPage(next).value }
            records += page.records.compactMap { record($0, object) }
        }
        return records
    }

    // MARK: - What the org is like

    /// Describes the object that tells whether accounts may be persons, and whether records say their currency.
    func learnFacts() async throws -> OrgFacts {
        do throws(SalesforceError) {
            let fields = try await describe("Account")?.fields
            return OrgFacts(
                hasPersonAccounts: fields?["IsPersonAccount"] != nil,
                hasCurrencies: fields?[OpportunityRules.currencyField] != nil, learnedAt: clock.now)
        } catch {
            // A user who may not see accounts sees no persons' accounts either; anything else passes, or is a human's.
            switch error.verdict {
            case .permanent, .needsHuman(.mapping):
                return OrgFacts(hasPersonAccounts: false, hasCurrencies: false, learnedAt: clock.now)
            default: throw StreamTrouble(error)
            }
        }
    }
}
