import Foundation
import Salesforce
import Store
import SyncRules

/// Which existing records a walk reads: by their age, and by the tenant's selection as far as SOQL can judge it.
struct EntryFilter {
    /// Created at this instant or later.
    var createdFrom: Date?
    /// Created before.
    var createdUntil: Date?
    /// Changed at this instant or later.
    var modifiedFrom: Date?
    var selection: SOQLCondition?

    fileprivate var conditions: [SOQLCondition] {
        var conditions: [SOQLCondition] = []
        if let createdFrom { conditions.append(.compare("CreatedDate", .greaterOrEqual, .dateTime(createdFrom))) }
        if let createdUntil { conditions.append(.compare("CreatedDate", .less, .dateTime(createdUntil))) }
        if let modifiedFrom { conditions.append(.compare("SystemModstamp", .greaterOrEqual, .dateTime(modifiedFrom))) }
        return conditions + (selection.map { [$0] } ?? [])
    }
}

extension TenantSession {
    /// Which existing records may enter, as far as SOQL can judge it.
    func entryFilter(
        of object: ObjectKind, createdFrom: Date?, createdUntil: Date?, modifiedFrom: Date? = nil
    ) async throws -> EntryFilter {
        var filter = EntryFilter(
            createdFrom: createdFrom, createdUntil: createdUntil, modifiedFrom: modifiedFrom)
        switch tenant.settings.selection(of: object) {
        case .none, .new: break
        case .marked: filter.selection = .equals(tenant.settings.markerField, .bool(true))
        case .criteria:
            let description = try await salesforce.description(of: object)
            filter.selection = tenant.config.criteria[object].flatMap(
                CriteriaFilter(description: description).condition)
        }
        if object == .contact, let persons {
            filter.selection =
                tenant.settings.selection(of: object) == .none
                ? persons : filter.selection.map { .any([$0, persons]) }
        }
        return filter
    }

    /// Which of the persons among contacts may enter, by their own selection (R86); nil when none may.
    private var persons: SOQLCondition? {
        let isPerson = SOQLCondition.equals("IsPersonAccount", .bool(true))
        guard salesforce.facts.hasPersonAccounts else { return nil }
        return switch tenant.settings.personAccountSelection {
        case .none, .criteria: nil
        case .new: isPerson
        case .marked: .all([isPerson, .equals(tenant.settings.markerField, .bool(true))])
        }
    }
}

extension SalesforceGateway {
    // MARK: - Walking over what is there

    /// A page of existing records in order of id, in one counted call.
    /// - Parameter id: the last id of the page before; nil for the first page.
    func existing(
        _ object: ObjectKind, _ filter: EntryFilter, after id: String?
    ) async throws -> (records: [SyncRules.SalesforceRecord], last: String?, isLast: Bool) {
        var conditions = filter.conditions
        if let id { conditions.append(.compare("Id", .greater, .string(id))) }
        let answer = try await composite(for: [object]) {
            let query = SOQLQuery(
                columns(of: object), from: object.salesforceName,
                where: conditions.isEmpty ? nil : .all(conditions), orderBy: ["Id"], limit: ClusterLimits.inboundPage)
            return [.query(try query.render())]
        }
        let page = try reading { () throws(SalesforceError) in try answer.value[0].page() }
        return (
            page.records.compactMap { record($0, object) }, page.records.last?.id,
            page.isDone && page.records.count < ClusterLimits.inboundPage
        )
    }

    /// How many existing records a filter lets through, in one counted call.
    func count(_ object: ObjectKind, _ filter: EntryFilter) async throws -> Int {
        let answer = try await composite(for: [object]) {
            [.query(try SOQLQuery.count(of: object.salesforceName, where: filter.conditions))]
        }
        return try reading { () throws(SalesforceError) in try answer.value[0].page() }.totalSize
    }

    /// Records by id, deleted ones included; those that are not here are hidden from our user, or gone for good (T20).
    func recordsIncludingDeleted(_ object: ObjectKind, ids: [String]) async throws -> [SyncRules.SalesforceRecord] {
        guard !ids.isEmpty else { return [] }
        let answer = try await composite(for: [object]) {
            let query = SOQLQuery(
                columns(of: object), from: object.salesforceName, where: .isIn("Id", ids.map(SOQLLiteral.string)))
            return [.queryAll(try query.render())]
        }
        return try reading { () throws(SalesforceError) in try answer.value[0].page() }.records
            .compactMap { record($0, object) }
    }

    /// Some fields of records by id, up to 2,000 in one counted call; records that are gone have none.
    func values(
        of fields: [String], _ object: ObjectKind, ids: [String]
    ) async throws -> [String: SyncRules.SalesforceRecord] {
        guard !ids.isEmpty else { return [:] }
        let answer = try await composite(for: [object]) {
            let names = ["Id", "SystemModstamp"] + schema.readable(fields, of: object)
            return [.retrieve(object: object.salesforceName, ids: ids, fields: names)]
        }
        let records = try reading { () throws(SalesforceError) in try answer.value[0].records() }
            .compactMap { $0.flatMap { record($0, object) } }
        return Dictionary(records.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    // MARK: - Describing

    /// What the org tells of an object; asked for once as long as the tenant's rows stay as they are.
    func description(of object: ObjectKind) async throws -> ObjectDescription {
        if let known = schema.description(of: object) { return known }
        _ = try await learn([object])
        guard let description = schema.description(of: object) else {
            throw StreamTrouble(
                kind: .retry(after: nil), code: "no_description",
                message: "Salesforce did not describe \(object.salesforceName).")
        }
        return description
    }
}
