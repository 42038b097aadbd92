/// One record of a collections call or of a bulk job's chunk.
enum RecordWrite {
    case create(table: Int, record: WireObject)
    case update(table: Int, id: String?, record: WireObject)
    case upsert(table: Int, field: FieldDefinition, key: WireJSON, record: WireObject)
    case delete(id: String)
    /// Gone at once, not to the recycle bin.
    case hardDelete(id: String)
    /// Refused before anything was tried.
    case refused(RecordError)
}

/// Up to 200 records written as the platform writes them: together, in order, each result on its own (reference
/// section 4).
extension OrgRecords {
    /// Attempts at a batch whose rows keep failing.
    private static let passes = 3

    /// Writes the records. A record that fails leaves nothing behind; with `allOrNone` it takes the others along.
    ///
    /// Where automation is installed a failure makes the platform start over with the clean records, for which
    /// automation then runs again; new failures in a third attempt fail every record.
    mutating func write(_ batch: [RecordWrite], allOrNone: Bool, context: SaveContext) -> [WriteResult] {
        let batch = refusingRepeated(batch)
        let savepoint = database.savepoint
        var results = attempt(batch, context)
        if !results.allSatisfy(\.succeeded) {
            if allOrNone {
                database.rollback(to: savepoint)
                return results.map { $0.succeeded ? .failure(.rolledBack()) : $0 }
            }
            if !automations.isEmpty { retryClean(batch, &results, from: savepoint, context) }
        }
        return results
    }

    private mutating func attempt(_ batch: [RecordWrite], _ context: SaveContext) -> [WriteResult] {
        batch.map { write($0, context) }
    }

    /// The second and third attempt, of what has not failed yet.
    private mutating func retryClean(
        _ batch: [RecordWrite], _ results: inout [WriteResult], from savepoint: Int, _ context: SaveContext
    ) {
        var context = context
        while context.pass < Self.passes {
            context.pass += 1
            database.rollback(to: savepoint)
            var failedAnew = false
            for index in batch.indices where results[index].succeeded {
                results[index] = write(batch[index], context)
                if !results[index].succeeded { failedAnew = true }
            }
            if !failedAnew { return }
        }
        database.rollback(to: savepoint)
        results = results.map { _ in .failure(.tooManyRetries()) }
    }

    private mutating func write(_ write: RecordWrite, _ context: SaveContext) -> WriteResult {
        switch write {
        case .create(let table, let record): return create(record, table: table, context: context)
        case .update(let table, let id, let record):
            guard let id else {
                return .failure(RecordError("MISSING_ARGUMENT", "Id not specified in an update call", fields: ["Id"]))
            }
            return update(record, id: id, table: table, context: context)
        case .upsert(let table, let field, let key, let record):
            return upsert(record, by: field, value: key, table: table, context: context)
        case .delete(let id): return delete(id: id, context: context)
        case .hardDelete(let id): return delete(id: id, isHard: true, context: context)
        case .refused(let error): return .failure(error)
        }
    }

    // MARK: - Repeated records

    /// The batch with every record refused that is named twice.
    private func refusingRepeated(_ batch: [RecordWrite]) -> [RecordWrite] {
        var seen: [String: Int] = [:]
        for write in batch {
            if let name = Self.name(of: write) { seen[name, default: 0] += 1 }
        }
        guard seen.contains(where: { $0.value > 1 }) else { return batch }
        return batch.map { write in
            guard let name = Self.name(of: write), (seen[name] ?? 0) > 1 else { return write }
            switch write {
            case .update(_, let id?, _):
                return .refused(RecordError(unconfirmed.repeatedIDCode, "Duplicate id specified: \(id)"))
            case .upsert(_, let field, let key, _):
                let text = key.stringValue ?? key.intValue.map(String.init) ?? ""
                return .refused(
                    RecordError("DUPLICATE_VALUE", "Duplicate external id specified: \(text)", fields: [field.name]))
            default: return write
            }
        }
    }

    private static func name(of write: RecordWrite) -> String? {
        switch write {
        case .update(_, let id?, _): return RecordID.normalise(id)
        case .upsert(_, let field, let key, _):
            guard let text = key.stringValue ?? key.intValue.map(String.init), !text.isEmpty else { return nil }
            return field.isCaseSensitive ? text : text.lowercased()
        default: return nil
        }
    }
}
