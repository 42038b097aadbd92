import Drivers
import Foundation

/// How writes are to be treated by the org's own rules.
package struct WriteOptions: Sendable, Hashable {
    /// Whether the org's assignment rules may give created leads an owner. Updates never run them (trap T29).
    package var assignOnCreate = false
    /// Saves in spite of duplicate rules that only warn; rules that block still do (trap T30).
    package var allowDuplicates = false

    /// The careful options: no assignment, duplicate rules obeyed.
    package init(assignOnCreate: Bool = false, allowDuplicates: Bool = false) {
        self.assignOnCreate = assignOnCreate
        self.allowDuplicates = allowDuplicates
    }
}

/// One part of a composite call.
package enum Subrequest: Sendable, Hashable {
    /// A query's first page.
    case query(String)
    /// A query's first page, with deleted records.
    case queryAll(String)
    /// A query's next page, by `QueryPage.nextRecordsURL`.
    case queryMore(String)
    /// Up to 2,000 records by id.
    case retrieve(object: String, ids: [String], fields: [String])
    /// Up to 200 records of one object by an external id that is among each record's fields.
    case upsert(object: String, externalIDField: String, records: [SalesforceRecord])
    /// Up to 200 records by id, in at most 10 runs of one type.
    case update([SalesforceRecord])
    /// Up to 200 new records, in at most 10 runs of one type. A lost answer makes these unsafe to repeat (T17).
    case create([SalesforceRecord])
    /// Up to 200 records by id, into the recycle bin.
    case delete(ids: [String])

    /// Whether it changes anything.
    package var isWrite: Bool {
        switch self {
        case .query, .queryAll, .queryMore, .retrieve: return false
        case .upsert, .update, .create, .delete: return true
        }
    }

    /// Checks Salesforce's bounds, so that a mistake of ours does not cost a call.
    func check() throws(SalesforceError) {
        switch self {
        case .query(let soql), .queryAll(let soql):
            guard soql.count <= SalesforceLimits.soqlCharacters else { throw .misuse("SOQL_TOO_LONG") }
        case .queryMore(let path): try Self.checkPath(path)
        case .retrieve(let object, let ids, let fields):
            guard ids.count <= SalesforceLimits.idsPerRetrieve else { throw .misuse("TOO_MANY_IDS") }
            _ = try SOQL.checked(object)
            for field in fields { _ = try SOQL.checked(field) }
        case .upsert(let object, let field, let records):
            _ = try SOQL.checked(object)
            _ = try SOQL.checked(field)
            try Self.checkCount(records.count)
            guard records.allSatisfy({ $0.type == object }) else { throw .misuse("UPSERT_OF_MIXED_TYPES") }
        case .update(let records):
            try Self.checkRuns(records)
            guard records.allSatisfy({ $0.id != nil }) else { throw .misuse("UPDATE_WITHOUT_ID") }
        case .create(let records): try Self.checkRuns(records)
        case .delete(let ids):
            try Self.checkCount(ids.count)
            guard ids.allSatisfy({ SalesforceID.normalise($0) != nil }) else { throw .misuse("MALFORMED_ID") }
        }
    }

    /// A next page must be a path of the data API: it comes from an answer and is sent with our token.
    static func checkPath(_ path: String) throws(SalesforceError) {
        let isPlain = path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
        guard path.hasPrefix("/services/data/"), isPlain, !path.contains("..") else { throw .misuse("BAD_NEXT_PAGE") }
    }

    private static func checkCount(_ count: Int) throws(SalesforceError) {
        guard (1...SalesforceLimits.recordsPerCollection).contains(count) else { throw .misuse("BAD_RECORD_COUNT") }
    }

    private static func checkRuns(_ records: [SalesforceRecord]) throws(SalesforceError) {
        try checkCount(records.count)
        let runs = 1 + zip(records, records.dropFirst()).filter { $0.type != $1.type }.count
        guard runs <= SalesforceLimits.chunksPerCollection else { throw .misuse("TOO_MANY_CHUNKS") }
    }

    // MARK: - Writing

    func write(to writer: inout JSONWriter, reference: String, version: String, options: WriteOptions) {
        let base = "/services/data/v\(version)"
        switch self {
        case .query(let soql): open(&writer, "GET", "\(base)/query?q=\(PercentEncoding.encode(soql))", reference)
        case .queryAll(let soql): open(&writer, "GET", "\(base)/queryAll?q=\(PercentEncoding.encode(soql))", reference)
        case .queryMore(let path): open(&writer, "GET", path, reference)
        case .retrieve(let object, let ids, let fields):
            open(&writer, "POST", "\(base)/composite/sobjects/\(object)", reference)
            writer.raw(",\"body\":{\"ids\":")
            writer.list("[", "]", ids) { $0.string($1) }
            writer.raw(",\"fields\":")
            writer.list("[", "]", fields) { $0.string($1) }
            writer.raw("}")
        case .upsert(let object, let field, let records):
            open(&writer, "PATCH", "\(base)/composite/sobjects/\(object)/\(field)", reference)
            writeRecords(&writer, records, options, assigns: options.assignOnCreate, withID: false)
        case .update(let records):
            open(&writer, "PATCH", "\(base)/composite/sobjects", reference)
            writeRecords(&writer, records, options, assigns: false, withID: true)
        case .create(let records):
            open(&writer, "POST", "\(base)/composite/sobjects", reference)
            writeRecords(&writer, records, options, assigns: options.assignOnCreate, withID: false)
        case .delete(let ids):
            let list = ids.joined(separator: ",")
            open(&writer, "DELETE", "\(base)/composite/sobjects?ids=\(list)&allOrNone=false", reference)
        }
        writer.raw("}")
    }

    private func open(_ writer: inout JSONWriter, _ method: String, _ url: String, _ reference: String) {
        writer.raw("{\"method\":\"\(method)\",\"referenceId\":\"\(reference)\",\"url\":")
        writer.string(url)
    }

    private func writeRecords(
        _ writer: inout JSONWriter, _ records: [SalesforceRecord], _ options: WriteOptions, assigns: Bool, withID: Bool
    ) {
        // Without the header the org's active assignment rules run and would give the lead another owner.
        writer.raw(",\"httpHeaders\":{\"Sforce-Auto-Assign\":\"\(assigns ? "TRUE" : "FALSE")\"")
        if options.allowDuplicates { writer.raw(",\"Sforce-Duplicate-Rule-Header\":\"allowSave=true\"") }
        writer.raw("},\"body\":{\"allOrNone\":false,\"records\":")
        writer.list("[", "]", records) { $1.write(to: &$0, withID: withID) }
        writer.raw("}")
    }
}

/// The body of a composite call.
enum CompositeBody {
    /// Checks the parts against Salesforce's bounds and writes them.
    static func make(_ parts: [Subrequest], version: String, options: WriteOptions) throws(SalesforceError) -> Data {
        // Every part this type knows is a query or a collection, so the tighter bound is the one that counts.
        guard (1...SalesforceLimits.collectionsPerComposite).contains(parts.count) else {
            throw .misuse("BAD_SUBREQUEST_COUNT")
        }
        for part in parts { try part.check() }
        var writer = JSONWriter()
        // Collating would reorder parts; order matters when one part's records refer to another's.
        writer.raw("{\"allOrNone\":false,\"collateSubrequests\":false,\"compositeRequest\":")
        writer.list("[", "]", Array(parts.enumerated())) { writer, item in
            item.element.write(to: &writer, reference: "r\(item.offset)", version: version, options: options)
        }
        writer.raw("}")
        return writer.data
    }
}
