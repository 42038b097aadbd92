import Drivers
package import Foundation

/// Whether work is placed on the queue and taken from it.
package enum QueueMode: String, Sendable, Codable, CaseIterable {
    /// Schedulers place, workers run.
    case running
    /// Schedulers place nothing more, workers run what is there.
    case draining
    /// Nothing is placed and nothing is taken; what is under way ends first.
    case paused
}

/// How the cluster's one switch stands, and who set it.
package struct QueueSwitch: Sendable, Hashable, Codable {
    package let mode: QueueMode
    package let since: Date
    package let actor: String?
    package let reason: String?
}

extension Store {
    /// How the switch stands.
    /// - Throws: `StoreError`.
    package func queueSwitch() async throws -> QueueSwitch {
        let rows = try await query("SELECT mode, since, actor, reason FROM ferry.queue_switch")
        let found = try decode(rows) { row in
            QueueSwitch(
                mode: try row.word("mode"), since: try row.get("since"), actor: try row.optional("actor"),
                reason: try row.optional("reason"))
        }
        guard let first = found.first else { throw StoreError(.unreadable, "ferry.queue_switch has lost its row") }
        return first
    }

    /// Sets the switch; every scheduler and worker follows within seconds.
    /// - Throws: `StoreError`.
    package func setQueueMode(_ mode: QueueMode, by errand: Errand) async throws {
        let verb =
            switch mode {
            case .running: "resume"
            case .draining: "drain"
            case .paused: "pause"
            }
        try await transact([
            PostgresStatement(
                "UPDATE ferry.queue_switch SET mode = $1, actor = $2, reason = $3, since = $4",
                [.text(mode.rawValue), .text(errand.actor), .text(errand.reason), .timestamptz(clock.now)]),
            Self.auditing(
                AuditEntry(
                    at: clock.now, actor: errand.actor, verb: verb, subject: "queue", reason: errand.reason)),
        ])
    }
}
