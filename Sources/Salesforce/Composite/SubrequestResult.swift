import Drivers

/// What became of one record of a write; results stand in the order of the records (trap T16).
package struct WriteResult: Sendable, Hashable {
    /// The record's id in its 18-character form; nil on failure, or when Salesforce left it out.
    package var id: String?
    /// Whether the record is new; nil when Salesforce does not say (updates).
    package var isCreated: Bool?
    /// Why it was not written; empty when it was. Look at every one: several rules can fail at once.
    package var errors: [SalesforceError]

    /// Whether it was written.
    package var isWritten: Bool { errors.isEmpty }

    /// Makes a result.
    package init(id: String?, isCreated: Bool? = nil, errors: [SalesforceError] = []) {
        self.id = id
        self.isCreated = isCreated
        self.errors = errors
    }

    /// Reads one row of a collections answer; a row that cannot be read counts as a failure of unknown fate.
    init(_ json: JSONValue) {
        id = json["id"]?.string.map { SalesforceID.normalise($0) ?? $0 }
        isCreated = json["created"]?.bool
        errors = (json["errors"]?.array ?? []).prefix(SalesforceLimits.errorsPerRecord).map { error in
            ErrorClassification.classify(
                code: (error["statusCode"] ?? error["errorCode"])?.string ?? "",
                message: error["message"]?.string ?? "",
                fields: error["fields"]?.array?.compactMap(\.string) ?? [], status: nil, fate: .answered(status: 200))
        }
        let isSuccess = json["success"]?.bool == true
        if isSuccess { errors = [] }
        if !isSuccess, errors.isEmpty { errors = [ErrorClassification.unreadable(status: 200)] }
    }
}

/// What became of one part of a composite call.
package enum SubrequestResult: Sendable, Hashable {
    /// A query's page.
    case page(QueryPage)
    /// Records in the order of the ids; nil where the record is deleted, not visible or never was.
    case records([SalesforceRecord?])
    /// One result per record, in order.
    case writes([WriteResult])
    /// The whole part failed.
    case failure(SalesforceError)

    /// The page.
    /// - Throws: the part's failure, or `ourBug` when the part was no query.
    package func page() throws(SalesforceError) -> QueryPage {
        switch self {
        case .page(let page): return page
        case .failure(let error): throw error
        case .records, .writes: throw .misuse("NOT_A_QUERY")
        }
    }

    /// The records.
    /// - Throws: the part's failure, or `ourBug` when the part was no retrieve.
    package func records() throws(SalesforceError) -> [SalesforceRecord?] {
        switch self {
        case .records(let records): return records
        case .failure(let error): throw error
        case .page, .writes: throw .misuse("NOT_A_RETRIEVE")
        }
    }

    /// The write results.
    /// - Throws: the part's failure, or `ourBug` when the part was no write.
    package func writes() throws(SalesforceError) -> [WriteResult] {
        switch self {
        case .writes(let results): return results
        case .failure(let error): throw error
        case .page, .records: throw .misuse("NOT_A_WRITE")
        }
    }

    /// Reads the answers of a composite call, found by their reference; a part without one fails by itself.
    static func read(_ json: JSONValue, for parts: [Subrequest]) -> [SubrequestResult]? {
        guard let answers = json["compositeResponse"]?.array else { return nil }
        var byReference: [String: JSONValue] = [:]
        for answer in answers {
            if let reference = answer["referenceId"]?.string { byReference[reference] = answer }
        }
        return parts.enumerated().map { index, part in
            guard let answer = byReference["r\(index)"] else {
                return .failure(ErrorClassification.unreadable(status: 200))
            }
            return read(answer, part)
        }
    }

    private static func read(_ answer: JSONValue, _ part: Subrequest) -> SubrequestResult {
        let status = answer["httpStatusCode"]?.int ?? 0
        let body = answer["body"] ?? .null
        guard (200..<300).contains(status) else {
            return .failure(ErrorClassification.classify(status: status, body: body.serialized))
        }
        return read(body, part, status: status)
    }

    /// Reads one part's body, wherever it came from.
    static func read(_ body: JSONValue, _ part: Subrequest, status: Int) -> SubrequestResult {
        let unreadable = SubrequestResult.failure(ErrorClassification.unreadable(status: status))
        switch part {
        case .query, .queryAll, .queryMore:
            return QueryPage(body).map { .page($0) } ?? unreadable
        case .retrieve(_, let ids, _):
            guard let list = body.array, list.count == ids.count else { return unreadable }
            return .records(list.map { $0.object.map { SalesforceRecord($0) } })
        case .upsert(_, _, let records), .update(let records), .create(let records):
            return rows(body, count: records.count) ?? unreadable
        case .delete(let ids): return rows(body, count: ids.count) ?? unreadable
        }
    }

    /// Rows map to records by index, so another number of rows cannot be trusted at all.
    private static func rows(_ body: JSONValue, count: Int) -> SubrequestResult? {
        guard let list = body.array, list.count == count else { return nil }
        return .writes(list.map { WriteResult($0) })
    }
}
