import Drivers
package import Foundation

/// What a worker process does at present.
package enum WorkerState: String, Sendable, Codable, CaseIterable {
    /// Leases and runs jobs.
    case running
    /// Alive, leases nothing.
    case quiet
    /// Finishes or hands back what it has, and leaves.
    case stopping
}

/// What somebody asked of a worker process.
package enum WorkerWish: String, Sendable, Codable, CaseIterable {
    case quiet
    case stop
}

/// A worker process as it reports itself.
package struct WorkerRow: Sendable, Hashable, Codable {
    package let name: String
    package let host: String
    package let processID: Int32
    /// Jobs it runs at once, at most.
    package let concurrency: Int
    package let state: WorkerState
    package let wish: WorkerWish?
    package let startedAt: Date
    package let seenAt: Date
}

/// What a process learns when it reports.
package struct WorkerOrders: Sendable, Hashable {
    package let mode: QueueMode
    package let wish: WorkerWish?
    /// False when the worker is not on the roll (any more) and should enrol again.
    package let isEnrolled: Bool

    /// Makes orders.
    package init(mode: QueueMode, wish: WorkerWish?, isEnrolled: Bool = true) {
        self.mode = mode
        self.wish = wish
        self.isEnrolled = isEnrolled
    }
}

extension Store {
    /// A worker process has started: earlier wishes are forgotten, and so are workers unseen for a day.
    /// - Throws: `StoreError`.
    package func enroll(worker name: String, host: String, processID: Int32, concurrency: Int) async throws {
        let now = clock.now
        try await transact([
            PostgresStatement(
                """
                INSERT INTO ferry.workers (name, host, process_id, concurrency, state, started_at, seen_at)
                VALUES ($1, $2, $3, $4, 'running', $5, $5)
                ON CONFLICT (name) DO UPDATE SET host = excluded.host, process_id = excluded.process_id,
                    concurrency = excluded.concurrency, state = excluded.state, wish = NULL,
                    started_at = excluded.started_at, seen_at = excluded.seen_at
                """, [.text(name), .text(host), .int4(processID), .int(concurrency), .timestamptz(now)]),
            PostgresStatement(
                "DELETE FROM ferry.workers WHERE seen_at < $1",
                [.timestamptz(now.addingTimeInterval(-StoreLimits.workerMemory))]),
        ])
    }

    /// A worker process says what it does, and learns what it is to do.
    /// - Throws: `StoreError`.
    package func report(worker name: String, state: WorkerState) async throws -> WorkerOrders {
        let rows = try await query(
            """
            WITH seen AS (
                UPDATE ferry.workers SET state = $2, seen_at = $3 WHERE name = $1 RETURNING wish
            )
            SELECT q.mode, (SELECT wish FROM seen) AS wish, EXISTS (SELECT FROM seen) AS enrolled
            FROM ferry.queue_switch q
            """, [.text(name), .text(state.rawValue), .timestamptz(clock.now)])
        let orders = try decode(rows) { row in
            WorkerOrders(
                mode: try row.word("mode"),
                wish: try row.optional("wish", as: String.self).flatMap(WorkerWish.init),
                isEnrolled: try row.get("enrolled"))
        }
        guard let first = orders.first else { throw StoreError(.unreadable, "ferry.queue_switch has lost its row") }
        return first
    }

    /// A worker process leaves in peace.
    /// - Throws: `StoreError`.
    package func dismiss(worker name: String) async throws {
        try await query("DELETE FROM ferry.workers WHERE name = $1", [.text(name)])
    }

    /// The worker processes that have reported within a day, by name.
    /// - Throws: `StoreError`.
    package func workers(limit: Int = 10_000) async throws -> [WorkerRow] {
        let rows = try await query(
            "SELECT * FROM ferry.workers ORDER BY name LIMIT $1", [.int(min(limit, StoreLimits.pageSize))])
        return try decode(rows) { row in
            WorkerRow(
                name: try row.get("name"), host: try row.get("host"), processID: try row.get("process_id"),
                concurrency: try row.get("concurrency"), state: try row.word("state"),
                wish: try row.optional("wish", as: String.self).flatMap(WorkerWish.init),
                startedAt: try row.get("started_at"), seenAt: try row.get("seen_at"))
        }
    }

    /// Asks worker processes to be quiet, to stop, or (nil) to go on; they follow with their next report.
    /// - Returns: those asked, by name; names nobody has are missing.
    /// - Throws: `StoreError`.
    package func ask(workers names: [String], _ wish: WorkerWish?, by errand: Errand) async throws -> [String] {
        guard !names.isEmpty else { return [] }
        let entry = AuditEntry(
            at: clock.now, actor: errand.actor, verb: wish?.rawValue ?? "resume", subject: "workers",
            reason: errand.reason, detail: ["workers": names.sorted().prefix(100).joined(separator: ",")])
        let answers = try await transact([
            PostgresStatement(
                "UPDATE ferry.workers SET wish = $2 WHERE name = ANY ($1) RETURNING name",
                [.array(names), .text(wish?.rawValue)]),
            Self.auditing(entry),
        ])
        return try decode(answers[0]) { try $0.get("name", as: String.self) }.sorted()
    }
}
