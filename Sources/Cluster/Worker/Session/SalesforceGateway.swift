import Drivers
import Foundation
import JobQueue
import Salesforce
import Store
import SyncRules

/// Salesforce in the rules' words: turns the client's records into the rules' and plans into as few counted calls as
/// they need.
struct SalesforceGateway: Sendable {
    let client: SalesforceClient
    let clock: WallClock
    let schema = SalesforceSchema()
    var shelf = DescriptionShelf()
    /// Whether the org has the Salesforce package with its status fields (salesforce-api 13).
    let hasPackage: Bool
    /// The field that holds the ActiveCampaign contact's id; nil when the org has none.
    let externalIDField: String?
    /// Mapped fields, marker and criteria, by object.
    let fields: [ObjectKind: [String]]
    /// The marker checkbox; nil unless some object is selected by it (R41).
    let markerField: String?
    /// Whether contacts are read with the account they belong to (R72).
    var readsAccounts = false
    /// How the org treats creations: whether its assignment rule gives created leads their owner (R21, T29).
    var assignsOnCreate = false
    /// What the org is like.
    var facts = OrgFacts(hasPersonAccounts: false, hasCurrencies: false, learnedAt: .distantPast)

    /// Fields the org turned out not to have.
    var unknownFields: [ObjectKind: Set<String>] {
        schema.unknown.mapValues { $0.filter { !$0.hasPrefix("AC_") } }
    }

    /// Everything a record is read with, less what the org does not have.
    func columns(of object: ObjectKind) -> [String] {
        guard object == .contact || object == .lead else { return objectColumns(of: object) }
        var names = Self.essentials(of: object) + personColumns(of: object)
        if hasPackage { names += [PackageField.status, PackageField.changeSequence] }
        if let externalIDField { names.append(externalIDField) }
        if let markerField { names.append(markerField) }
        let extra = (fields[object] ?? []).filter { !names.contains($0) }
        return schema.readable(names + extra, of: object)
    }

    /// What tells persons' accounts from companies', and what a person belongs to (R72, R85).
    private func personColumns(of object: ObjectKind) -> [String] {
        guard object == .contact else {
            return facts.hasPersonAccounts ? ["Company", "ConvertedContact.IsPersonAccount"] : []
        }
        // A person's phone is the account's own.
        let mapped = Set(fields[object] ?? [])
        let shared = PersonAccountFields.onAccount.filter(mapped.contains).map { "Account." + $0 }
        let person = facts.hasPersonAccounts ? ["IsPersonAccount"] + shared : []
        return (readsAccounts || facts.hasPersonAccounts ? ["AccountId"] : []) + person
    }

    private func objectColumns(of object: ObjectKind) -> [String] {
        var names = Self.essentials(of: object)
        if object == .account { names += facts.hasPersonAccounts ? ["IsPersonAccount"] : [] }
        if object == .opportunity { names += facts.hasCurrencies ? [OpportunityRules.currencyField] : [] }
        return schema.readable(names + (fields[object] ?? []), of: object)
    }

    /// The fields no record can be read without.
    private static func essentials(of object: ObjectKind) -> [String] {
        let common = ["Id", "CreatedDate", "SystemModstamp", "IsDeleted"]
        return switch object {
        case .contact: common + ["MasterRecordId", "Email"]
        case .lead: common + ["MasterRecordId", "Email", "IsConverted", "ConvertedContactId"]
        case .account: common + ["MasterRecordId"]
        case .opportunity: common
        }
    }

    // MARK: - Pulling

    /// One page of one object.
    struct Page {
        let records: [SyncRules.SalesforceRecord]
        /// Whether the sweep is whole with this page.
        let isLast: Bool
        /// Salesforce's clock when it answered.
        let serverNow: Date
    }

    /// The next page of each object's sweep, deleted records and losers of merges included, in one counted call (T20, T24).
    /// - Parameter roles: the sweep of contact roles, which goes along (R76).
    /// - Returns: a page for each object, or why it can't be read; the others go on (T5). Without the contact roles there
    ///   are no opportunities.
    func pull(
        _ cursors: [ObjectKind: InboundCursor], roles: InboundCursor? = nil
    ) async throws -> (pages: [ObjectKind: Result<Page, StreamTrouble>], roles: RolesPage?) {
        let objects = cursors.keys.sorted { $0.rawValue < $1.rawValue }
        let answer = try await composite(for: objects) {
            try objects.map { object in
                .queryAll(try Self.sweep(object.salesforceName, columns(of: object), cursors[object]))
            } + (roles.map { [try rolesPart($0)] } ?? [])
        }
        var pages: [ObjectKind: Result<Page, StreamTrouble>] = [:]
        for (object, result) in zip(objects, answer.value) {
            pages[object] = page(result, object, serverNow: answer.serverDate ?? clock.now)
        }
        guard roles != nil, answer.value.count > objects.count else { return (pages, nil) }
        do {
            return (pages, try self.roles(answer.value[objects.count], serverNow: answer.serverDate ?? clock.now))
        } catch let trouble as StreamTrouble {
            pages[.opportunity] = .failure(trouble)
            return (pages, nil)
        }
    }

    private func page(
        _ result: SubrequestResult, _ object: ObjectKind, serverNow: Date
    ) -> Result<Page, StreamTrouble> {
        let page: QueryPage
        do throws(SalesforceError) { page = try result.page() } catch { return .failure(trouble(error, object)) }
        let records = page.records.compactMap { record($0, object) }
        // A record without id or stamp would be passed over for ever (T33).
        guard records.count == page.records.count else {
            return .failure(
                StreamTrouble(
                    kind: .bug, code: "record_unreadable",
                    message: "Salesforce sent \(object.salesforceName) records without Id or SystemModstamp."))
        }
        return .success(
            Page(
                records: records, isLast: page.isDone && records.count < ClusterLimits.inboundPage,
                serverNow: serverNow))
    }

    /// What a failed page means, with the names of the fields it can't be read without.
    private func trouble(_ error: SalesforceError, _ object: ObjectKind) -> StreamTrouble {
        let lacking = schema.lacking(object).map { "\(object.salesforceName).\($0)" }
        guard error.verdict == .needsHuman(.mapping), !lacking.isEmpty else { return StreamTrouble(error) }
        return StreamTrouble(
            kind: .needsHuman, code: error.code,
            message: "Salesforce hides \(lacking.joined(separator: ", ")) from our user; give it the right to read it.")
    }

    static func sweep(
        _ object: String, _ columns: [String], _ cursor: InboundCursor?
    ) throws(SalesforceError) -> String {
        let stamp = "SystemModstamp"
        var conditions: [SOQLCondition] = []
        if let position = cursor?.position {
            conditions.append(.after(stampField: stamp, position.stamp, id: position.id))
        } else if let cursor {
            conditions.append(.compare(stamp, .greaterOrEqual, .dateTime(cursor.from)))
        }
        if let until = cursor?.until { conditions.append(.compare(stamp, .less, .dateTime(until))) }
        return try SOQLQuery(
            columns, from: object, where: .all(conditions), orderBy: [stamp, "Id"],
            limit: ClusterLimits.inboundPage
        ).render()
    }

    /// Records by id; deleted ones are missing.
    func records(_ object: ObjectKind, ids: [String]) async throws -> [SyncRules.SalesforceRecord] {
        guard !ids.isEmpty else { return [] }
        let answer = try await composite(for: [object]) {
            [try byID(object, ids)]
        }
        return try await people(object, in: answer.value[0])
    }

    // MARK: - Asking before a write

    /// Records by address and linked records by id, all in one counted call; in further ones where the addresses are too
    /// long for one query.
    func answer(_ questions: OutboundQuestions) async throws -> OutboundAnswers {
        let ids = questions.recordIDs.filter { !$0.value.isEmpty }.sorted { $0.key.rawValue < $1.key.rawValue }
        let searched: [ObjectKind] = questions.emails.isEmpty ? [] : [.contact, .lead]
        var lists = try reading { () throws(SalesforceError) in try addressLists(questions) }
        let first = lists.isEmpty ? [] : lists.removeFirst()
        let answer = try await composite(for: searched + ids.map(\.key)) {
            try searched.map { .query(try search($0, first, questions.contactIDs)) }
                + ids.map { try byID($0.key, $0.value) }
                + (questions.accountNames.isEmpty ? [] : [try accountSearch(questions.accountNames)])
        }
        var answers = OutboundAnswers()
        if !questions.accountNames.isEmpty, let found = answer.value.last {
            answers.accountsByName = try accounts(in: found)
        }
        for (object, result) in zip(searched, answer.value) { answers.found += try await found(object, in: result) }
        for ((object, _), result) in zip(ids, answer.value.dropFirst(searched.count)) {
            for record in try await people(object, in: result) { answers.held[record.id] = record }
        }
        for list in lists {
            let more = try await composite(for: searched) { try searched.map { .query(try search($0, list, [])) } }
            for (object, result) in zip(searched, more.value) { answers.found += try await found(object, in: result) }
        }
        return answers
    }

    private func found(_ object: ObjectKind, in result: SubrequestResult) async throws -> [SyncRules.SalesforceRecord] {
        var page = try reading { () throws(SalesforceError) in try result.page() }
        var records = page.records.compactMap { record($0, object) }
        while let next = page.nextRecordsURL {
            page = try await calling { () async throws(SalesforceError) in try await client.nextPage(next).value }
            records += page.records.compactMap { record($0, object) }
        }
        return records
    }

    /// The addresses in lists that each fit into one query of either object.
    private func addressLists(_ questions: OutboundQuestions) throws(SalesforceError) -> [[SOQLLiteral]] {
        guard !questions.emails.isEmpty else { return [] }
        let emails = Set(questions.emails.map(\.normalized)).sorted().map(SOQLLiteral.string)
        var overhead = 0
        for object in [ObjectKind.contact, .lead] {
            overhead = max(overhead, try search(object, Array(emails.prefix(1)), questions.contactIDs).count)
        }
        return try SOQL.split(emails, overhead: overhead)
    }

    private func search(
        _ object: ObjectKind, _ emails: [SOQLLiteral], _ contactIDs: [Int64]
    ) throws(SalesforceError) -> String {
        var condition = SOQLCondition.isIn("Email", emails)
        if let externalIDField, !contactIDs.isEmpty {
            condition = .any([condition, .isIn(externalIDField, contactIDs.map { .string(String($0)) })])
        }
        return try SOQLQuery(columns(of: object), from: object.salesforceName, where: condition).render()
    }

    // MARK: - Reading records

    func record(_ wire: Salesforce.SalesforceRecord, _ object: ObjectKind) -> SyncRules.SalesforceRecord? {
        guard let id = wire.id, let modified = wire["SystemModstamp"]?.string.flatMap(SalesforceTime.parse) else {
            return nil
        }
        var fields: [String: SalesforceFieldValue] = [:]
        for field in wire.fields { fields[field.name] = Self.value(field.value) }
        var record = SyncRules.SalesforceRecord(
            id: id, object: object, fields: fields,
            createdAt: wire["CreatedDate"]?.string.flatMap(SalesforceTime.parse) ?? modified, modifiedAt: modified)
        record.isDeleted = wire["IsDeleted"]?.bool ?? false
        record.masterRecordID = wire["MasterRecordId"]?.string
        record.isConverted = wire["IsConverted"]?.bool ?? false
        record.convertedContactID = wire["ConvertedContactId"]?.string
        record.status = wire[PackageField.status]?.string.flatMap(SyncStatus.init)
        if case .number(let digits)? = wire[PackageField.changeSequence] {
            record.changeSequence = Double(digits).flatMap { Int64(exactly: $0.rounded()) }
        }
        if let externalIDField { record.contactID = wire[externalIDField]?.string.flatMap { Int64($0) } }
        if let markerField { record.isMarked = wire[markerField]?.bool }
        record.isPersonAccount = wire["IsPersonAccount"]?.bool ?? false
        record.accountID = wire["AccountId"]?.string
        record.isConvertedToPerson = wire["ConvertedContact.IsPersonAccount"]?.bool ?? false
        if record.isPersonAccount, object == .contact {
            for field in PersonAccountFields.onAccount where record.fields[field] != nil {
                record.fields[field] = wire["Account." + field].flatMap(Self.value) ?? .null
            }
        }
        return record
    }

    private static func value(_ value: SalesforceValue) -> SalesforceFieldValue? {
        switch value {
        case .null: .null
        case .bool(let on): .bool(on)
        case .number(let digits): .number(digits)
        case .string(let text): .string(text)
        case .record: nil
        }
    }

    // MARK: - Calls

    /// Sends a composite; when Salesforce refuses a field, learns what the objects have and sends it once more without.
    func composite(
        for objects: [ObjectKind], _ parts: () throws -> [Subrequest]
    ) async throws -> SalesforceAnswer<[SubrequestResult]> {
        let first = try await send(try parts())
        guard first.value.contains(where: Self.refusesField), try await learn(Set(objects)) else { return first }
        return try await send(try parts())
    }

    private func send(_ parts: [Subrequest]) async throws -> SalesforceAnswer<[SubrequestResult]> {
        try await calling { () async throws(SalesforceError) in try await client.composite(parts) }
    }

    private static func refusesField(_ result: SubrequestResult) -> Bool {
        if case .failure(let error) = result { error.verdict == .needsHuman(.mapping) } else { false }
    }

    /// Asks the org what an object is like, in one counted call; what has not changed since is not sent again.
    func describe(_ object: String) async throws(SalesforceError) -> ObjectDescription? {
        try await shelf.describe(object, by: client)
    }

    /// Describes objects after a refusal.
    /// - Returns: whether anything new was learned.
    func learn(_ objects: Set<ObjectKind>) async throws -> Bool {
        var isNew = false
        for object in objects {
            let answer = try await calling { () async throws(SalesforceError) in
                try await describe(object.salesforceName)
            }
            guard let description = answer else { continue }
            var used = fields[object] ?? []
            if object == .contact || object == .lead {
                if hasPackage { used += PackageField.all }
                used += [externalIDField, markerField].compactMap(\.self)
                // A field on the way to another object is not in this one's description.
                used += personColumns(of: object).filter { !$0.contains(".") }
            }
            schema.keep(description, of: object)
            if schema.learn(description, of: object, using: used, essential: Self.essentials(of: object)) {
                isNew = true
            }
        }
        return isNew
    }

    func calling<Value>(_ body: () async throws(SalesforceError) -> Value) async throws -> Value {
        do { return try await body() } catch { throw StreamTrouble(error) }
    }

    func reading<Value>(_ body: () throws(SalesforceError) -> Value) throws -> Value {
        do { return try body() } catch { throw StreamTrouble(error) }
    }
}

/// The fields of the Salesforce package (salesforce-api 13.4).
enum PackageField {
    static let status = "AC_Sync_Status__c"
    static let changeSequence = "AC_Change_Seq__c"
    static let acknowledgedSequence = "AC_Acked_Seq__c"
    static let writeMarker = "AC_Write_Id__c"
    static let all = [status, changeSequence, acknowledgedSequence, writeMarker]
}

extension StreamTrouble {
    /// What a failed Salesforce call means for the stream.
    init(_ error: SalesforceError) {
        if case .retry(let after, _, _) = error.verdict,
            let refused = StreamTrouble(refused: error.code, by: .salesforce, after: after.seconds)
        {
            self = refused
            return
        }
        if case .retry(_, .dailyLimit, _) = error.verdict {
            self = .dailyLimit
            return
        }
        let kind: Kind =
            switch error.verdict {
            case .retry(let after, _, _): .retry(after: after.seconds)
            case .needsHuman: .needsHuman
            case .permanent, .ourBug: .bug
            }
        self.init(kind: kind, code: error.code, message: "Salesforce: \(error)")
    }
}
