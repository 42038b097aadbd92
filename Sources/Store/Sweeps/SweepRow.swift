package import Foundation
package import SyncRules

/// What a sweep is for. Raw values are stored; never renumber them.
package enum SweepKind: Int16, Sendable, CaseIterable {
    /// Existing Salesforce records enter, from an explicit floor (T6).
    case backfill = 1
    /// Mappings or criteria changed: linked records get what is newly mapped, and who matches now enters (T7).
    case reevaluation = 2
    /// Formula fields of linked records are compared, for a formula moves no stamp when it is recalculated (R59).
    case formulas = 3

    /// How records it brings up were seen.
    package var source: ChangeSource {
        switch self {
        case .backfill: .backfill
        case .reevaluation: .reevaluation
        case .formulas: .formulas
        }
    }

    /// The word on screens.
    package var name: String {
        switch self {
        case .backfill: "back-fill"
        case .reevaluation: "re-evaluation"
        case .formulas: "formula sweep"
        }
    }
}

/// Whether a sweep goes on.
package enum SweepState: String, Sendable, Codable, CaseIterable {
    case running, paused, cancelled, done
}

/// A walk over many records beside the ordinary runs, with a cursor of its own.
package struct SweepRow: Sendable, Hashable {
    package let id: Int64
    package let kind: SweepKind
    package let object: ObjectKind
    package let state: SweepState
    /// Failures in a row.
    package let failures: Int
    /// Back-fill: records created from this instant until before the other one.
    package let createdFrom: Date?
    package let createdUntil: Date?
    /// Re-evaluation: Salesforce names of the fields whose mapping changed.
    package let fields: [String]
    /// Re-evaluation: whether other records may enter than before.
    package let selects: Bool
    /// JSON; see `cursor(default:)`.
    package let cursorText: String?
    /// Records there were when they were counted; nil before that.
    package let total: Int?
    package let seen: Int
    /// Records written to ActiveCampaign, or handed to an import.
    package let written: Int
    package let recordCalls: Int
    package let contactCalls: Int
    package let nextRunAt: Date
    package let actor: String
    package let reason: String?
    package let errorCode: String?
    package let lastError: String?
    package let createdAt: Date
    package let startedAt: Date?
    package let finishedAt: Date?

    /// Whether its time has come.
    package func isDue(at now: Date) -> Bool { state == .running && nextRunAt <= now }

    /// Where it stands.
    /// - Throws: `StoreError` with code `unreadable`.
    package func cursor<Cursor: Decodable>(default start: Cursor) throws -> Cursor {
        guard let cursorText else { return start }
        do {
            return try CursorCoding.decoder.decode(Cursor.self, from: Data(cursorText.utf8))
        } catch {
            throw StoreError(.unreadable, "the cursor of \(kind.name) \(id) can't be read")
        }
    }
}

/// A sweep to be begun; one of its kind and object that is under way begins anew with what both want.
package struct SweepOpening: Sendable, Hashable {
    package var kind: SweepKind
    package var object: ObjectKind
    package var createdFrom: Date?
    package var createdUntil: Date?
    package var fields: [String] = []
    package var selects = false
    package var actor: String
    package var reason: String?

    /// Makes an opening.
    package init(_ kind: SweepKind, _ object: ObjectKind, actor: String, reason: String? = nil) {
        self.kind = kind
        self.object = object
        self.actor = actor
        self.reason = reason
    }
}

/// How far a sweep has come with one page, stored with the page's effects.
package struct SweepProgress: Sendable, Hashable {
    package var id: Int64
    /// JSON; nil leaves the cursor where it is.
    package private(set) var cursor: String?
    package var total: Int?
    /// Records since the last progress.
    package var seen = 0
    package var written = 0
    package var recordCalls = 0
    package var contactCalls = 0
    package var failures = 0
    package var errorCode: String?
    /// A sentence without values.
    package var error: String?
    /// When the next slice runs; nil leaves the schedule as it is, in the middle of one.
    package var nextRunAt: Date?
    package var isDone = false
    package var at: Date

    /// Makes the progress of nothing.
    package init(id: Int64, at: Date) {
        self.id = id
        self.at = at
    }

    /// Moves the cursor.
    /// - Throws: what encoding throws.
    package mutating func advance(to cursor: some Encodable) throws {
        self.cursor = String(decoding: try CursorCoding.encoder.encode(cursor), as: UTF8.self)
    }
}
