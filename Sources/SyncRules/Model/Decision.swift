/// Why a record was or was not written (sync-traps 1g). Raw values are stored; never renumber them.
package enum DecisionCode: Int16, Sendable, CaseIterable, Hashable {
    case unchangedProjection = 1
    case outOfScope = 2
    case noEmail = 3
    case duplicateMatch = 4
    case linked = 5
    case echoDropped = 6
    case conflictLost = 7
    case blankKept = 8
    // 9 was never made: values are converted by their mapping, and what does not convert is left out.
    case truncated = 10
    case queued = 11
    case mergedIntoLater = 12
    case budgetWait = 13
    case lockedRetry = 14
    case sent = 15
    case accepted = 16
    case rejected = 17
    case invalidBeforeSend = 18
    case relinked = 19
    case tombstoned = 20
    case withheldMassDelete = 21
    case loopBrake = 22
    case driftPaused = 23
    case readonlyObserved = 24
    case seen = 25

    /// The word on screens and in rows: `conflict_lost`.
    package var name: String {
        switch self {
        case .unchangedProjection: "unchanged_projection"
        case .outOfScope: "out_of_scope"
        case .noEmail: "no_email"
        case .duplicateMatch: "duplicate_match"
        case .linked: "linked"
        case .echoDropped: "echo_dropped"
        case .conflictLost: "conflict_lost"
        case .blankKept: "blank_kept"
        case .truncated: "truncated"
        case .queued: "queued"
        case .mergedIntoLater: "merged_into_later"
        case .budgetWait: "budget_wait"
        case .lockedRetry: "locked_retry"
        case .sent: "sent"
        case .accepted: "accepted"
        case .rejected: "rejected"
        case .invalidBeforeSend: "invalid_before_send"
        case .relinked: "relinked"
        case .tombstoned: "tombstoned"
        case .withheldMassDelete: "withheld_mass_delete"
        case .loopBrake: "loop_brake"
        case .driftPaused: "drift_paused"
        case .readonlyObserved: "readonly_observed"
        case .seen: "seen"
        }
    }
}

/// The call of a run that carried a record.
package struct CallPlace: Sendable, Hashable {
    /// Which of the run's calls to that provider, from 1.
    package var number: Int
    /// The record's place in the call, from 1.
    package var place: Int

    /// Makes a place.
    package init(number: Int, place: Int = 1) {
        self.number = number
        self.place = place
    }
}

/// One decision on one record in one run: ids, hashes and codes, never values.
package struct Decision: Sendable, Hashable {
    /// Reason of a record that somebody keeps out by name (`ferry records skip`).
    package static let excluded = "excluded"

    package var code: DecisionCode
    package var direction: Direction
    package var object: ObjectKind
    /// ActiveCampaign contact id, when known.
    package var contactID: Int64?
    /// Salesforce record id, when known.
    package var recordID: String?
    /// The rule that decided (`R24`, `D4`) or the provider's error code.
    package var reason: String?
    /// Salesforce names of the fields written, lost or left out; empty when the decision is about the record as a whole.
    package var fields: [String]
    /// How the record was seen; nil where the run did not read it for its own sake.
    package var source: ChangeSource?
    /// By what it may cross; nil for what was not to be written.
    package var ground: EntryGround?
    /// The call that carried it.
    package var call: CallPlace?
    /// The bulk import that carried it.
    package var importID: String?
    /// `Fingerprint.digest` of the mapped values its side held.
    package var projection: [UInt8]?
    /// `EmailAddress.hash` of a record that no link finds by its address; stored under the tenant's pepper only.
    package var emailHash: [UInt8]?

    /// Makes a decision.
    package init(
        _ code: DecisionCode, _ direction: Direction, _ object: ObjectKind, contactID: Int64? = nil,
        recordID: String? = nil, reason: String? = nil, fields: [String] = []
    ) {
        self.code = code
        self.direction = direction
        self.object = object
        self.contactID = contactID
        self.recordID = recordID
        self.reason = reason
        self.fields = fields
    }

    /// Whether it would be said again with every look at a record that is as it was, or that still waits for the same:
    /// it is stored once a day of a record.
    package var isQuiet: Bool {
        switch code {
        case .unchangedProjection, .budgetWait, .driftPaused: true
        case .outOfScope: ["R14", "R71", "R85"].contains(reason)
        case .queued: [LoopBrake.code, "import_open"].contains(reason)
        case .rejected: reason == "refused_before"
        default: false
        }
    }
}
