import Drivers
package import Foundation

extension SalesforceClient {
    // MARK: - Queries

    /// Runs a query and returns its first page, in one counted call.
    ///
    /// A query too long for a URL travels inside a composite call.
    /// - Parameter includingDeleted: also sees deleted records (`queryAll`).
    package func query(
        _ soql: String, includingDeleted: Bool = false
    ) async throws(SalesforceError) -> SalesforceAnswer<QueryPage> {
        let part = includingDeleted ? Subrequest.queryAll(soql) : .query(soql)
        try part.check()
        let path = "\(base)/\(includingDeleted ? "queryAll" : "query")?q=\(PercentEncoding.encode(soql))"
        guard path.utf8.count <= SalesforceLimits.uriBytes else {
            let answer = try await composite([part])
            return SalesforceAnswer(
                value: try answer.value[0].page(), usage: answer.usage, serverDate: answer.serverDate)
        }
        return try await page(path)
    }

    /// Runs a query built from parts.
    package func query(
        _ query: SOQLQuery, includingDeleted: Bool = false
    ) async throws(SalesforceError) -> SalesforceAnswer<QueryPage> {
        try await self.query(try query.render(), includingDeleted: includingDeleted)
    }

    /// The page after one that said so. A locator that is gone ends with `retry(.restartQuery)`.
    package func nextPage(_ nextRecordsURL: String) async throws(SalesforceError) -> SalesforceAnswer<QueryPage> {
        try Subrequest.checkPath(nextRecordsURL)
        return try await page(nextRecordsURL)
    }

    private func page(_ path: String) async throws(SalesforceError) -> SalesforceAnswer<QueryPage> {
        let headers: HTTPHeaders = ["Sforce-Query-Options": "batchSize=\(SalesforceLimits.recordsPerPage)"]
        let answer = try await json(Call(callClass: .query, path: path, headers: headers))
        guard let page = QueryPage(answer.value) else { throw ErrorClassification.unreadable(status: 200) }
        return SalesforceAnswer(value: page, usage: answer.usage, serverDate: answer.serverDate)
    }

    // MARK: - Metadata and limits

    /// The API versions the org's instance speaks, oldest first; not counted.
    package func versions() async throws(SalesforceError) -> SalesforceAnswer<[String]> {
        let answer = try await json(Call(callClass: .versions, path: "/services/data"))
        guard let list = answer.value.array else { throw ErrorClassification.unreadable(status: 200) }
        let versions = list.compactMap { $0["version"]?.string }
        return SalesforceAnswer(value: versions, usage: answer.usage, serverDate: answer.serverDate)
    }

    /// Describes an object.
    /// - Parameter lastModified: the value returned with the description one has already.
    /// - Returns: nil when nothing changed since then; else the description and its own `lastModified`.
    package func describe(
        _ object: String, ifModifiedSince lastModified: String? = nil
    ) async throws(SalesforceError) -> SalesforceAnswer<(description: ObjectDescription, lastModified: String?)?> {
        let name = try SOQL.checked(object)
        var call = Call(callClass: .describe, path: "\(base)/sobjects/\(name)/describe", alsoFine: [304])
        call.headers["If-Modified-Since"] = lastModified
        let response = try await perform(call)
        guard response.status != 304 else { return Self.answer(nil, response) }
        guard let json = try? JSONValue(reading: response.body), let description = ObjectDescription(json) else {
            throw ErrorClassification.unreadable(status: response.status)
        }
        return Self.answer((description: description, lastModified: response.headers["Last-Modified"]), response)
    }

    /// The org's limits by name, each with its maximum and what is left; needs a right the user may lack.
    package func limits() async throws(SalesforceError) -> SalesforceAnswer<[String: (max: Int, remaining: Int)]> {
        let answer = try await json(Call(callClass: .limits, path: "\(base)/limits"))
        var limits: [String: (max: Int, remaining: Int)] = [:]
        for member in answer.value.object?.members ?? [] {
            guard let max = member.value["Max"]?.int, let left = member.value["Remaining"]?.int else { continue }
            limits[member.name] = (max: max, remaining: left)
        }
        return SalesforceAnswer(value: limits, usage: answer.usage, serverDate: answer.serverDate)
    }

    // MARK: - Replication

    /// Ids of records created or changed in a window of at most 30 days.
    /// - Returns: the ids, and the only safe start of the next window (reference 6.4).
    package func updated(
        _ object: String, from start: Date, to end: Date
    ) async throws(SalesforceError) -> SalesforceAnswer<(ids: [String], latestDateCovered: Date)> {
        let answer = try await json(Call(callClass: .updated, path: try window(object, "updated", start, end)))
        guard let list = answer.value["ids"]?.array,
            let covered = answer.value["latestDateCovered"]?.string.flatMap(SalesforceTime.parse)
        else { throw ErrorClassification.unreadable(status: 200) }
        let ids = list.compactMap { $0.string.flatMap(SalesforceID.normalise) }
        return SalesforceAnswer(
            value: (ids: ids, latestDateCovered: covered), usage: answer.usage, serverDate: answer.serverDate)
    }

    /// Records deleted in a window of at most 15 days.
    package func deleted(
        _ object: String, from start: Date, to end: Date
    ) async throws(SalesforceError) -> SalesforceAnswer<DeletedRecords> {
        let answer = try await json(Call(callClass: .deleted, path: try window(object, "deleted", start, end)))
        guard let deleted = DeletedRecords(answer.value) else { throw ErrorClassification.unreadable(status: 200) }
        return SalesforceAnswer(value: deleted, usage: answer.usage, serverDate: answer.serverDate)
    }

    private func window(
        _ object: String, _ what: String, _ start: Date, _ end: Date
    ) throws(SalesforceError) -> String {
        let times = PercentEncoding.form([("start", SalesforceTime.format(start)), ("end", SalesforceTime.format(end))])
        return "\(base)/sobjects/\(try SOQL.checked(object))/\(what)/?\(times)"
    }
}

/// What was deleted in a window.
package struct DeletedRecords: Sendable, Hashable {
    /// One deleted record.
    package struct Record: Sendable, Hashable {
        /// Its id.
        package var id: String
        /// When it was deleted.
        package var deletedDate: Date
    }

    /// The records.
    package var records: [Record]
    /// How far back the log reaches. If it lies inside the window, something is missing: reconcile instead.
    package var earliestDateAvailable: Date
    /// The only safe start of the next window.
    package var latestDateCovered: Date

    init?(_ json: JSONValue) {
        guard let list = json["deletedRecords"]?.array,
            let earliest = json["earliestDateAvailable"]?.string.flatMap(SalesforceTime.parse),
            let latest = json["latestDateCovered"]?.string.flatMap(SalesforceTime.parse)
        else { return nil }
        records = list.compactMap { row in
            guard let id = row["id"]?.string.flatMap(SalesforceID.normalise),
                let date = row["deletedDate"]?.string.flatMap(SalesforceTime.parse)
            else { return nil }
            return Record(id: id, deletedDate: date)
        }
        earliestDateAvailable = earliest
        latestDateCovered = latest
    }
}
