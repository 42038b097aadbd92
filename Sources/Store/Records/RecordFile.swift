import Drivers
package import Foundation
package import SyncRules

/// How a person names the record a question is about.
package enum RecordName: Sendable, Hashable {
    /// ActiveCampaign contact id.
    case contact(Int64)
    /// 18-character Salesforce id.
    case record(String)
    /// `EmailAddress.hash`; the address itself is stored nowhere.
    case email([UInt8])
}

/// Everything stored about one record and the records it is linked to: ids, hashes, codes and instants, never values.
package struct RecordFile: Sendable {
    /// A link with when it was made and last changed.
    package struct DatedLink: Sendable {
        package let link: Link
        package let createdAt: Date
        package let updatedAt: Date
    }

    /// A change that waits for an outbound batch.
    package struct Waiting: Sendable, Hashable {
        package let contactID: Int64
        package let source: ChangeSource
        package let firstSeenAt: Date
        package let lastSeenAt: Date
        /// Not read before; nil when it may be at once.
        package let notBefore: Date?
        package let attempts: Int
        package let errorCode: String?
    }

    /// A bulk import the record is in.
    package struct Importing: Sendable, Hashable {
        package let recordID: String
        package let openedAt: Date
        package let checkAt: Date
        package let checks: Int
    }

    /// A write of ours whose outcome was never committed.
    package struct OpenWrite: Sendable, Hashable {
        package let side: Side
        package let recordID: String
        package let writtenAt: Date
    }

    package var contactIDs: [Int64] = []
    package var recordIDs: [String] = []
    package var links: [DatedLink] = []
    package var waiting: [Waiting] = []
    package var failures: [FailureRow] = []
    /// Oldest first; the newest `StoreLimits.storyDecisions`.
    package var decisions: [DecisionRow] = []
    /// Runs the decisions belong to, by number.
    package var runs: [Int64: RunRecord] = [:]
    package var imports: [Importing] = []
    package var writebacks: [Writeback] = []
    package var openWrites: [OpenWrite] = []
    package var exclusions: [ExcludedRecord] = []
    /// Links of accounts, whose contact id is the ActiveCampaign account's.
    package var accounts: [DatedLink] = []
    /// Opportunities, with when they were last pushed or began to wait.
    package var opportunities: [DatedOpportunity] = []

    /// An opportunity with when its row last changed.
    package struct DatedOpportunity: Sendable {
        package let link: OpportunityLink
        package let updatedAt: Date
    }
    /// Requests to read it anew that no run has taken yet.
    package var resyncs: [ResyncRequest] = []

    /// Whether nothing at all is known.
    package var isEmpty: Bool {
        links.isEmpty && waiting.isEmpty && failures.isEmpty && decisions.isEmpty && imports.isEmpty
            && writebacks.isEmpty && openWrites.isEmpty && exclusions.isEmpty && accounts.isEmpty
            && opportunities.isEmpty && resyncs.isEmpty
    }
}

extension Store {
    /// Gathers everything stored about a record, its contact and whatever they are linked to, as of one instant.
    /// - Throws: `StoreError`.
    package func recordFile(tenant: Int32, _ name: RecordName) async throws -> RecordFile {
        var file = RecordFile()
        try await identify(name, tenant, &file)
        guard !file.contactIDs.isEmpty || !file.recordIDs.isEmpty else { return file }
        let contacts = PostgresValue.array(file.contactIDs)
        let records = PostgresValue.array(file.recordIDs)
        let who = PostgresValue.int4(tenant)
        let answers = try await transact(
            Self.fileStatements(who, contacts: contacts, records: records, file: file), isolation: .repeatableRead)
        file.links = try decode(answers[0], Self.datedLink)
        file.waiting = try decode(answers[1], Self.waiting)
        file.failures = try decode(answers[2], Self.failure)
        file.decisions = try decode(answers[3], Self.decisionRow).reversed()
        file.imports = try decode(answers[4]) { row in
            RecordFile.Importing(
                recordID: try row.get("sf_id"), openedAt: try row.get("opened_at"), checkAt: try row.get("check_at"),
                checks: try row.get("checks"))
        }
        file.writebacks = try decode(answers[5]) { row in
            Writeback(
                object: try row.case("object"), recordID: try row.get("sf_id"), contactID: try row.get("ac_id"),
                changeSequence: try row.optional("sf_seq"), queuedAt: try row.get("queued_at"))
        }
        file.openWrites = try decode(answers[6]) { row in
            RecordFile.OpenWrite(
                side: try row.case("side"), recordID: try row.get("record_id"), writtenAt: try row.get("written_at"))
        }
        file.exclusions = try decode(answers[7], Self.excluded)
        file.accounts = try await datedAccountLinks(tenant: tenant, recordIDs: file.recordIDs)
        file.opportunities = try await datedOpportunities(tenant: tenant, recordIDs: file.recordIDs)
        file.resyncs = try decode(answers[8], Self.resync)
        file.runs = try await runs(Set(file.decisions.map(\.run)), tenant, since: file.decisions.first?.at)
        return file
    }

    // MARK: - Who is meant

    /// Follows links in both directions: the lead and the contact record of one person are one story.
    private func identify(_ name: RecordName, _ tenant: Int32, _ file: inout RecordFile) async throws {
        var contacts: Set<Int64> = []
        var records: Set<String> = []
        switch name {
        case .contact(let id): contacts = [id]
        case .record(let id): records = [id]
        case .email(let hash):
            let found = try await links(tenant: tenant, emailHashes: [hash])
            contacts = Set(found.map(\.contactID))
            records = Set(found.map(\.recordID))
            let importing = try await query(
                "SELECT sf_id, ac_id FROM ferry.import_members WHERE tenant_no = $1 AND email_hash = $2 LIMIT $3",
                [.int4(tenant), .bytea(hash), .int(StoreLimits.storyIDs)])
            for (record, contact) in try decode(importing, Self.pair) {
                records.insert(record)
                contacts.insert(contact)
            }
            for (record, contact) in try await decided(tenant, hash) {
                if let record { records.insert(record) }
                if let contact { contacts.insert(contact) }
            }
        }
        // Twice: from the name to its partners, and from those to theirs.
        for _ in 1...2 {
            let found =
                try await links(tenant: tenant, contactIDs: contacts.sorted())
                + links(tenant: tenant, recordIDs: records.sorted())
            contacts.formUnion(found.map(\.contactID))
            records.formUnion(found.map(\.recordID))
        }
        contacts.remove(0)
        file.contactIDs = Array(contacts.sorted().prefix(StoreLimits.storyIDs))
        file.recordIDs = Array(records.sorted().prefix(StoreLimits.storyIDs))
    }

    /// Records without a link that were decided about: refused, out of scope, or never created.
    private func decided(_ tenant: Int32, _ hash: [UInt8]) async throws -> [(String?, Int64?)] {
        let rows = try await query(
            """
            SELECT DISTINCT sf_id, ac_id FROM ferry.record_decisions
            WHERE tenant_no = $1 AND email_key = \(Self.emailKey("$2::bytea")) LIMIT $3
            """, [.int4(tenant), .bytea(hash), .int(StoreLimits.storyIDs)])
        return try decode(rows) { (try $0.optional("sf_id"), try $0.optional("ac_id")) }
    }

    private static func pair(_ row: PostgresRow) throws -> (String, Int64) {
        (try row.get("sf_id"), try row.get("ac_id"))
    }

    // MARK: - What is stored of them

    private static func fileStatements(
        _ who: PostgresValue, contacts: PostgresValue, records: PostgresValue, file: RecordFile
    ) -> [PostgresStatement] {
        let names = PostgresValue.array(file.contactIDs.map(String.init))
        let written = PostgresValue.array(file.recordIDs + file.contactIDs.map { "new:\($0)" })
        return [
            PostgresStatement(
                """
                SELECT ac_id, object, sf_id, state, origin, sf_seq, email_hash, created_at, updated_at FROM ferry.links
                WHERE tenant_no = $1 AND (ac_id = ANY ($2) OR sf_id = ANY ($3)) ORDER BY created_at
                """, [who, contacts, records]),
            PostgresStatement(
                """
                SELECT ac_id, source, first_seen_at, last_seen_at, nullif(not_before, '-infinity') AS not_before,
                    attempts, error_code
                FROM ferry.pending_changes WHERE tenant_no = $1 AND ac_id = ANY ($2) ORDER BY ac_id
                """, [who, contacts]),
            PostgresStatement(
                """
                SELECT * FROM ferry.record_failures WHERE tenant_no = $1
                    AND (direction = 1 AND record_id = ANY ($2) OR direction = 2 AND record_id = ANY ($3))
                ORDER BY first_seen_at
                """, [who, names, records]),
            // Decisions of one commit share their instant and are told in the order they were stored in.
            PostgresStatement(
                """
                SELECT \(decisionColumns) FROM ferry.record_decisions
                WHERE tenant_no = $1 AND (ac_id = ANY ($2) OR sf_id = ANY ($3))
                ORDER BY at DESC, tableoid DESC, ctid DESC LIMIT \(StoreLimits.storyDecisions)
                """, [who, contacts, records]),
            PostgresStatement(
                """
                SELECT m.sf_id, i.opened_at, i.check_at, i.checks FROM ferry.import_members m
                JOIN ferry.imports i USING (tenant_no, batch_id)
                WHERE m.tenant_no = $1 AND (m.sf_id = ANY ($3) OR m.ac_id = ANY ($2)) ORDER BY i.opened_at
                """, [who, contacts, records]),
            PostgresStatement(
                """
                SELECT object, sf_id, ac_id, sf_seq, queued_at FROM ferry.writebacks
                WHERE tenant_no = $1 AND sf_id = ANY ($2)
                """, [who, records]),
            PostgresStatement(
                """
                SELECT side, record_id, written_at FROM ferry.echo_ledger WHERE tenant_no = $1 AND record_id = ANY ($2)
                ORDER BY written_at
                """, [who, written]),
            PostgresStatement(
                """
                SELECT side, record_id, actor, reason, excluded_at FROM ferry.record_exclusions WHERE tenant_no = $1
                    AND (side = 1 AND record_id = ANY ($2) OR side = 2 AND record_id = ANY ($3))
                """, [who, names, records]),
            PostgresStatement(
                "SELECT * FROM ferry.resyncs WHERE tenant_no = $1 AND sf_id = ANY ($2) ORDER BY asked_at",
                [who, records]),
        ]
    }

    private static func datedLink(_ row: PostgresRow) throws -> RecordFile.DatedLink {
        let link = Link(
            contactID: try row.get("ac_id"), object: try row.case("object"), recordID: try row.get("sf_id"),
            state: try row.case("state"), emailHash: try row.get("email_hash"),
            changeSequence: try row.optional("sf_seq"), origin: try row.case("origin"))
        return RecordFile.DatedLink(
            link: link, createdAt: try row.get("created_at"), updatedAt: try row.get("updated_at"))
    }

    private static func waiting(_ row: PostgresRow) throws -> RecordFile.Waiting {
        RecordFile.Waiting(
            contactID: try row.get("ac_id"), source: try row.case("source"),
            firstSeenAt: try row.get("first_seen_at"), lastSeenAt: try row.get("last_seen_at"),
            notBefore: try row.optional("not_before"), attempts: try row.get("attempts"),
            errorCode: try row.optional("error_code"))
    }

    private func runs(
        _ numbers: Set<Int64>, _ tenant: Int32, since: Date?
    ) async throws -> [Int64: RunRecord] {
        guard let since, !numbers.isEmpty else { return [:] }
        let rows = try await query(
            """
            SELECT * FROM ferry.sync_runs WHERE tenant_no = $1 AND run = ANY ($2) AND started_at >= $3
            ORDER BY started_at LIMIT \(StoreLimits.storyDecisions)
            """,
            [
                // A run begins before its first decision, at most the longest job before.
                .int4(tenant), .array(numbers.sorted()), .timestamptz(since.addingTimeInterval(-86_400)),
            ])
        let found = try decode(rows, Self.runRecord)
        return Dictionary(found.map { ($0.run, $0) }, uniquingKeysWith: { _, last in last })
    }
}
