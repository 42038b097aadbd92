/// One record to write, and how.
package enum SalesforceWrite: Sendable, Hashable {
    /// Create or update by an external id that is among the fields.
    case upsert(externalIDField: String, SalesforceRecord)
    /// Update by id.
    case update(SalesforceRecord)
    /// Create.
    case create(SalesforceRecord)

    /// The record.
    package var record: SalesforceRecord {
        switch self {
        case .upsert(_, let record), .update(let record), .create(let record): return record
        }
    }
}

/// Writes that travel in one counted call, with the places they had in the list that was packed.
package struct PackedWrites: Sendable, Hashable {
    /// At most five collections.
    package private(set) var parts: [Subrequest] = []
    /// For each part, for each of its records, the place in the list that was packed.
    package private(set) var places: [[Int]] = []

    /// Records in this call.
    package var count: Int { places.reduce(0) { $0 + $1.count } }

    /// Packs any number of writes into as few calls as their kinds allow: up to 1,000 records a call.
    ///
    /// Upserts go by object and key field, updates and creates by type, so that one collection holds few runs;
    /// within a type, records of one account stay together and in order (trap T31).
    /// - Throws: `ourBug` when two writes have the same id, or the same external id: Salesforce would refuse both.
    package static func pack(_ writes: [SalesforceWrite]) throws(SalesforceError) -> [PackedWrites] {
        try checkDistinct(writes)
        var calls: [PackedWrites] = []
        for (part, places) in collections(writes) {
            if calls.last.map({ $0.parts.count >= SalesforceLimits.collectionsPerComposite }) ?? true {
                calls.append(PackedWrites())
            }
            calls[calls.count - 1].parts.append(part)
            calls[calls.count - 1].places.append(places)
        }
        return calls
    }

    /// The results of this call by their places; a part that failed as a whole fails each of its records.
    package func results(_ answers: [SubrequestResult]) -> [(place: Int, result: WriteResult)] {
        zip(places, answers).flatMap { places, answer -> [(place: Int, result: WriteResult)] in
            do throws(SalesforceError) {
                return Array(zip(places, try answer.writes())).map { (place: $0.0, result: $0.1) }
            } catch {
                return places.map { (place: $0, result: WriteResult(id: nil, errors: [error])) }
            }
        }
    }

    // MARK: - Sorting into collections

    private enum Kind: Hashable {
        case upsert(object: String, field: String)
        case update
        case create
    }

    private static func kind(of write: SalesforceWrite) -> Kind {
        switch write {
        case .upsert(let field, let record): return .upsert(object: record.type, field: field)
        case .update: return .update
        case .create: return .create
        }
    }

    private static func collections(_ writes: [SalesforceWrite]) -> [(Subrequest, [Int])] {
        var order: [Kind] = []
        var groups: [Kind: [Int]] = [:]
        for (place, write) in writes.enumerated() {
            let kind = kind(of: write)
            if groups[kind] == nil { order.append(kind) }
            groups[kind, default: []].append(place)
        }
        return order.flatMap { kind -> [(Subrequest, [Int])] in
            let sorted = (groups[kind] ?? []).sorted { sortKey(writes, $0) < sortKey(writes, $1) }
            return slices(sorted, writes).map { (part(kind, $0.map { writes[$0].record }), $0) }
        }
    }

    private static func sortKey(_ writes: [SalesforceWrite], _ place: Int) -> (String, String, Int) {
        let record = writes[place].record
        return (record.type, record["AccountId"]?.string ?? "", place)
    }

    /// Cuts at 200 records and at 10 types.
    private static func slices(_ places: [Int], _ writes: [SalesforceWrite]) -> [[Int]] {
        var slices: [[Int]] = []
        var current: [Int] = []
        var types: Set<String> = []
        for place in places {
            let type = writes[place].record.type
            let isFull = current.count >= SalesforceLimits.recordsPerCollection
            if isFull || (types.count >= SalesforceLimits.chunksPerCollection && !types.contains(type)) {
                slices.append(current)
                current = []
                types = []
            }
            current.append(place)
            types.insert(type)
        }
        if !current.isEmpty { slices.append(current) }
        return slices
    }

    private static func part(_ kind: Kind, _ records: [SalesforceRecord]) -> Subrequest {
        switch kind {
        case .upsert(let object, let field): return .upsert(object: object, externalIDField: field, records: records)
        case .update: return .update(records)
        case .create: return .create(records)
        }
    }

    private static func keyText(_ value: SalesforceValue?) -> String? {
        switch value {
        case .string(let text)?, .number(let text)?: return text.isEmpty ? nil : text
        default: return nil
        }
    }

    private static func checkDistinct(_ writes: [SalesforceWrite]) throws(SalesforceError) {
        var seen: Set<[String]> = []
        for write in writes {
            let key: [String]
            switch write {
            case .create: continue
            case .update(let record):
                guard let id = record.id.flatMap(SalesforceID.normalise) else { throw .misuse("MALFORMED_ID") }
                key = ["id", id]
            case .upsert(let field, let record):
                guard let value = keyText(record[field]) else { throw .misuse("UPSERT_WITHOUT_KEY") }
                // Salesforce compares external ids without case unless the field says otherwise.
                key = [record.type, field, value.lowercased()]
            }
            guard seen.insert(key).inserted else { throw .misuse("TWICE_IN_BATCH") }
        }
    }
}
