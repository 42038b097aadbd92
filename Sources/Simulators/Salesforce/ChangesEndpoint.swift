/// `/limits`, and what changed or was deleted in a span of time (reference sections 3.5 and 7).
extension OrgState {
    mutating func limits(now: Double) -> WireJSON {
        let used = allocation.used(now: now)
        return [
            "DailyApiRequests": ["Max": .int(allocation.limit), "Remaining": .int(max(allocation.limit - used, 0))],
            "DailyBulkApiBatches": Self.rest(&bulk.batches, now: now),
            "DailyBulkV2QueryJobs": Self.rest(&bulk.queries, now: now),
            "DailyBulkV2QueryFileStorageMB": ["Max": 976_562, "Remaining": 976_562],
            "DataStorageMB": ["Max": 10240, "Remaining": 10000],
        ]
    }

    private static func rest(_ allocation: inout APIAllocation, now: Double) -> WireJSON {
        ["Max": .int(allocation.limit), "Remaining": .int(allocation.limit - allocation.used(now: now))]
    }

    mutating func updated(_ request: APIRequest, table: Int, now: Double) throws(RequestError) -> APIReply {
        let span = try ChangeSpan(request, days: SimulatorsLimits.updatedDays, identity.unconfirmed, now: now)
        let rows = changed(span, table: table) { $0.state == .live }
        return .ok([
            "ids": .array(rows.map { .string(records.database.id(table, $0)) }),
            "latestDateCovered": .string(Timestamp.json(covered(span, table: table))),
        ])
    }

    mutating func deleted(_ request: APIRequest, table: Int, now: Double) throws(RequestError) -> APIReply {
        let span = try ChangeSpan(request, days: SimulatorsLimits.deletedDays, identity.unconfirmed, now: now)
        let moved = identity.unconfirmed.deleteMovesStamp
        let rows = moved ? changed(span, table: table) { $0.state == .deleted } : deletedQuietly(span, table: table)
        let deletions = rows.map { number -> WireJSON in
            [
                "id": .string(records.database.id(table, number)),
                "deletedDate": .string(Timestamp.json(records.database.row(table, number).modified)),
            ]
        }
        let earliest = Int(now) - SimulatorsLimits.deletedDays * 86_400
        return .ok([
            "deletedRecords": .array(deletions), "earliestDateAvailable": .string(Timestamp.json(earliest)),
            "latestDateCovered": .string(Timestamp.json(covered(span, table: table))),
        ])
    }

    private mutating func changed(_ span: ChangeSpan, table: Int, _ isWanted: (RecordRow) -> Bool) -> [Int] {
        var rows: [Int] = []
        records.database.withTable(table) { table in
            let unsettled = Set(table.unsettledRows)
            let all = table.rows
            table.walk(fromStamp: span.start, row: 0, throughStamp: span.end - 1) { number in
                if !unsettled.contains(number), isWanted(all[number]) { rows.append(number) }
                return rows.count < SimulatorsLimits.changedIDs
            }
        }
        return rows
    }

    /// Deleted rows whose stamp did not move: no index leads to them.
    private func deletedQuietly(_ span: ChangeSpan, table: Int) -> [Int] {
        let found = records.database.tables[table].rows.indices.filter { number in
            guard let row = records.database.tables[table].visible(number), row.state == .deleted else { return false }
            return row.modified >= span.start && row.modified < span.end
        }
        return Array(found.prefix(SimulatorsLimits.changedIDs))
    }

    /// The start of the longest transaction that is still under way bounds what is covered.
    private func covered(_ span: ChangeSpan, table: Int) -> Int {
        min(span.end, records.database.tables[table].oldestUnsettledStamp ?? span.end)
    }
}

/// The `start` and `end` of a call, cut to minutes unless switched.
private struct ChangeSpan {
    let start: Int
    let end: Int

    init(
        _ request: APIRequest, days: Int, _ unconfirmed: SalesforceUnconfirmed, now: Double
    ) throws(RequestError) {
        guard request.method == "GET" else { throw .methodNotAllowed(request.method) }
        guard let start = request.item("start").flatMap({ Timestamp.parseDateTime($0) }),
            let end = request.item("end").flatMap({ Timestamp.parseDateTime($0) })
        else { throw RequestError(400, "INVALID_REPLICATION_DATE", "start and end must be dates") }
        let cut = unconfirmed.changesAreCutToMinutes ? 60 : 1
        guard end - start > (cut == 60 ? 60 : 0) else {
            throw RequestError(400, "INVALID_REPLICATION_DATE", "startDate before endDate by at least one minute")
        }
        guard Double(start) >= now - Double(days) * 86_400 else {
            throw RequestError(400, "INVALID_REPLICATION_DATE", "startDate cannot be more than \(days) days ago")
        }
        self.start = start - start % cut
        self.end = end - end % cut
    }
}
