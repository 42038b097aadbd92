import Drivers
import Foundation

extension ActiveCampaignClient {
    /// Imports contacts by address: cut into batches, bad rows found out and left out, the rest queued.
    ///
    /// Accepted imports run on their own and fire no webhooks; ask `importState` for their ends. Never throws, because
    /// what was queued before a failure must not be forgotten.
    /// - Parameters:
    ///   - rows: any number; no address twice, the order of imports isn't promised.
    ///   - excludeAutomations: keeps automations from starting for these contacts.
    package func importContacts(_ rows: [ImportRow], excludeAutomations: Bool = false) async -> ImportOutcome {
        let encoder = ImportEncoder(excludeAutomations: excludeAutomations)
        let encoded = rows.map(encoder.encode)
        var rounds = ImportRounds(ImportPacking.parts(sizes: encoded.map(\.count), envelope: encoder.envelope))
        while let batch = rounds.next() {
            do throws(ActiveCampaignError) {
                rounds.settle(try await submit(encoder.body(batch.map { encoded[$0] }), isSingle: batch.count == 1))
            } catch {
                rounds.stop(error)
            }
        }
        return rounds.outcome
    }

    private func submit(_ body: Data, isSingle: Bool) async throws(ActiveCampaignError) -> ImportRounds.Answer {
        // Importing twice leaves the contacts as after once, so a lost answer is asked for again.
        let call = APICall(
            kind: .bulkImport, method: .post, path: "import/bulk_import", body: body, isRepeatable: true,
            lanes: [isSingle ? .singleImports : .imports, .calls])
        return try await perform(call) { response in
            if response.status == 413 { return .tooLarge }
            struct Answer: Decodable { let batchId: LooseText }
            if (200..<300).contains(response.status), let answer = try? response.decoded(as: Answer.self),
                let batchID = answer.batchId.text, !batchID.isEmpty
            {
                return .queued(batchID: batchID)
            }
            guard let failures = ErrorBody(response.body).importFailures else { throw UnexpectedShape() }
            return .rejected(failures)
        }
    }

    /// What became of an import.
    package func importState(_ batchID: String) async throws(ActiveCampaignError) -> ImportState {
        let call = APICall.get(.importInfo, "import/info", [("batchId", batchID)])
        do {
            return try await perform(call) { response in
                guard (200..<300).contains(response.status) else { return .unknown }
                return try response.decoded(as: ImportInfo.self).state()
            }
        } catch let error where error.isNotFound {
            return .unknown
        }
    }
}

/// The answer of `import/info`.
struct ImportInfo: Decodable {
    /// A word, or `false` right after queueing.
    let status: LooseText?
    let success: LooseList<LooseText>?
    let failure: LooseList<LooseText>?

    /// - Throws: `UnexpectedShape` when it is completed and doesn't say what was taken.
    func state() throws -> ImportState {
        switch status?.text?.lowercased() {
        case "completed":
            guard let success else { throw UnexpectedShape() }
            return .completed(
                contactIDs: success.elements.compactMap(\.integer),
                failedEmails: (failure?.elements ?? []).compactMap(\.text))
        case "failed", "interrupted": return .failed
        // waiting, claimed, active, false, and whatever word may be invented: it isn't over.
        default: return .open
        }
    }
}

/// Rows and bodies of an import as JSON; each row is encoded once, whatever batches it goes through.
struct ImportEncoder {
    let excludeAutomations: Bool

    private struct Row: Encodable {
        struct Value: Encodable {
            let id: Int64
            let value: String
        }
        struct List: Encodable { let listid: Int64 }

        let email: String
        let first_name: String?
        let last_name: String?
        let phone: String?
        let tags: [String]?
        let fields: [Value]?
        let subscribe: [List]?
        let exclude_automations: Bool?
    }

    /// Bytes of a body around its rows.
    var envelope: Int { body([]).count }

    /// One row. The flag is on each row and on the body: the documentation says one and shows the other.
    func encode(_ row: ImportRow) -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let values = row.fieldValues.sorted { $0.key < $1.key }.map { Row.Value(id: $0.key, value: $0.value) }
        let wire = Row(
            email: row.email, first_name: row.firstName, last_name: row.lastName, phone: row.phone,
            tags: row.tags.isEmpty ? nil : row.tags, fields: values.isEmpty ? nil : values,
            subscribe: row.lists.isEmpty ? nil : row.lists.map(Row.List.init),
            exclude_automations: excludeAutomations ? true : nil)
        do { return try encoder.encode(wire) } catch { preconditionFailure("texts and numbers always encode") }
    }

    /// A body of encoded rows.
    func body(_ rows: [Data]) -> Data {
        var body = Data(#"{"contacts":["#.utf8)
        for (index, row) in rows.enumerated() {
            if index > 0 { body.append(UInt8(ascii: ",")) }
            body.append(row)
        }
        body.append(Data((excludeAutomations ? #"],"exclude_automations":true}"# : "]}").utf8))
        return body
    }
}
