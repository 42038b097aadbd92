import Foundation
import Salesforce
import Store
import SyncRules

extension SalesforceGateway {
    // MARK: - Planned writes

    /// Writes records, a thousand a counted call.
    /// - Returns: one outcome a write, in order, and the call that carried it; a created person account's id is that of
    ///   the account.
    func write(_ writes: [RecordWrite]) async throws -> (outcomes: [RowOutcome], calls: [CallPlace?]) {
        let (outcomes, calls) = try await attempt(writes)
        let named = zip(writes, outcomes).map { write, outcome -> RowOutcome in
            guard case .refused(let refusal) = outcome, write.createsPerson || write.personAccountID != nil else {
                return outcome
            }
            return .refused(refusal.namingContactFields)
        }
        return (named, calls)
    }

    private func attempt(_ writes: [RecordWrite]) async throws -> (outcomes: [RowOutcome], calls: [CallPlace?]) {
        var (outcomes, calls) = try await sendNoting(writes.map(wireWrite))
        // A field the org does not have or does not let us write: learn which, and send those records without it.
        let refused = outcomes.indices.filter { index in
            if case .refused(let refusal) = outcomes[index] { refusal.kind == .mapping } else { false }
        }
        guard !refused.isEmpty, try await learn(Set(refused.map { writes[$0].object })) else {
            return (outcomes, calls)
        }
        let again = try await sendNoting(refused.map { wireWrite(writes[$0]) })
        for (place, index) in refused.enumerated() {
            outcomes[index] = again.outcomes[place]
            calls[index] = again.calls[place]
        }
        return (outcomes, calls)
    }

    /// A new marker for each attempt: one that repeats would slip past the package's rule (salesforce-api 13.3 B).
    private func wireWrite(_ write: RecordWrite) -> SalesforceWrite {
        let isPerson = write.personAccountID != nil || write.createsPerson
        var record = Salesforce.SalesforceRecord(
            type: isPerson ? "Account" : write.object.salesforceName, id: write.personAccountID ?? write.recordID)
        for (name, value) in write.values.sorted(by: { $0.key < $1.key })
        where schema.isWritable(name, of: write.object) {
            record.set(name, Self.wireValue(value))
        }
        if let externalIDField, write.carriesContactID {
            record.set(externalIDField, .string(String(write.contactID)))
        }
        if hasPackage { mark(&record, acknowledging: write.changeSequence) }
        if isPerson { record.nameAsPerson() }
        // Whether an account can be found by an external id of its person is not documented: it is made plainly, and
        // looked for before it is made again (T17).
        if write.createsPerson { return .create(record) }
        if write.recordID != nil { return .update(record) }
        return externalIDField.map { .upsert(externalIDField: $0, record) } ?? .create(record)
    }

    private func mark(_ record: inout Salesforce.SalesforceRecord, acknowledging sequence: Int64?) {
        record.set(PackageField.writeMarker, .string(UUID().uuidString))
        record.set(PackageField.acknowledgedSequence, .number(String(sequence ?? 0)))
        record.set(PackageField.status, .string(SyncStatus.synced.rawValue))
    }

    static func wireValue(_ value: SalesforceFieldValue) -> SalesforceValue {
        switch value {
        case .null: .null
        case .bool(let on): .bool(on)
        case .number(let digits): .number(digits)
        case .string(let text): .string(text)
        }
    }

    // MARK: - Status write-backs

    /// Tells records that they were synced (R52).
    /// - Parameters:
    ///   - persons: accounts of those that are persons', by contact.
    ///   - names: whether the records get their contacts' ids.
    /// - Returns: one outcome a write-back, in order.
    func writeBack(
        _ writebacks: [Writeback], persons: [String: String] = [:], names: Bool = true
    ) async throws -> [RowOutcome] {
        try await send(
            writebacks.map { writeback in
                let person = persons[writeback.recordID]
                var record = Salesforce.SalesforceRecord(
                    type: person == nil ? writeback.object.salesforceName : "Account",
                    id: person ?? writeback.recordID)
                if names, let externalIDField {
                    record.set(externalIDField, .string(String(writeback.contactID)))
                }
                mark(&record, acknowledging: writeback.changeSequence)
                if person != nil { record.nameAsPerson() }
                return .update(record)
            })
    }

    // MARK: - Sending

    func send(_ writes: [SalesforceWrite]) async throws -> [RowOutcome] { try await sendNoting(writes).outcomes }

    private func sendNoting(
        _ writes: [SalesforceWrite]
    ) async throws -> (outcomes: [RowOutcome], calls: [CallPlace?]) {
        var outcomes = [RowOutcome?](repeating: nil, count: writes.count)
        var calls = [CallPlace?](repeating: nil, count: writes.count)
        let packs = try reading { () throws(SalesforceError) in try PackedWrites.pack(writes) }
        for pack in packs {
            let answer = try await calling { () async throws(SalesforceError) in
                try await client.write(pack, options: WriteOptions(assignOnCreate: assignsOnCreate))
            }
            let number = RunAccount.current?.total(.salesforce) ?? 0
            for (index, (place, result)) in answer.value.enumerated() {
                outcomes[place] = Self.outcome(result, writes[place])
                calls[place] = CallPlace(number: number, place: index + 1)
            }
        }
        let missing = RowOutcome.refused(RowRefusal(kind: .passing, code: "no_result", fields: [], isUnknown: true))
        return (outcomes.map { $0 ?? missing }, calls)
    }

    private static func outcome(_ result: WriteResult, _ write: SalesforceWrite) -> RowOutcome {
        if result.isWritten, let id = result.id ?? write.record.id { return .written(id: id) }
        // An error with a status is a whole collection's: only a field the org lacks can be mended by us.
        if let error = result.errors.first(where: { $0.status != nil }), error.verdict != .needsHuman(.mapping) {
            return .failed(StreamTrouble(error))
        }
        let refusals = result.errors.map(refusal)
        // Several rules can fail at once; the package's own decides, then whatever passes by itself.
        let order: [RowRefusal.Kind] = [
            .changedInSalesforce, .gone, .converted, .blocked, .mapping, .permanent, .locked, .passing,
        ]
        let first = order.lazy.compactMap { kind in refusals.first { $0.kind == kind } }.first
        return .refused(first ?? RowRefusal(kind: .passing, code: "no_id", fields: [], isUnknown: true))
    }

    private static func refusal(_ error: SalesforceError) -> RowRefusal {
        let kind: RowRefusal.Kind =
            switch (error.hint, error.verdict) {
            case (.changedSinceSync?, _): .changedInSalesforce
            case (.recordDeleted?, _): .gone
            case (.leadConverted?, _): .converted
            case (_, .retry(_, .lock, _)): .locked
            case (_, .retry): .passing
            case (_, .permanent): .permanent
            case (_, .needsHuman(.mapping)): .mapping
            case (_, .needsHuman(.duplicateData)), (_, .ourBug): .permanent
            case (_, .needsHuman): .blocked
            }
        return RowRefusal(kind: kind, code: error.code, fields: error.fields)
    }
}

extension RowRefusal {
    /// The refusal of a write to a person's account, in the contact's words.
    fileprivate var namingContactFields: RowRefusal {
        var refusal = self
        refusal.fields = fields.map(PersonAccountFields.contactField)
        return refusal
    }
}

extension Salesforce.SalesforceRecord {
    /// Gives the contact's fields the names they have on the person's account.
    fileprivate mutating func nameAsPerson() {
        fields = fields.map { Field(PersonAccountFields.name(of: $0.name), $0.value) }
    }
}
