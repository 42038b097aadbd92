package import Foundation
package import SyncRules

/// Which jobs exclude each other: commits of one scope pass in the order of their tokens. Raw values are stored; never
/// renumber them.
package enum FenceScope: Int16, Sendable, CaseIterable {
    /// All jobs of the tenant.
    case tenant = 0
    case outbound = 1
    case inbound = 2
    case imports = 3
}

/// A pending change that must wait.
package struct DeferredChange: Sendable, Hashable {
    package var contactID: Int64
    package var until: Date
    /// A stable code.
    package var reason: String
}

/// A failure that is no more.
package struct ResolvedFailure: Sendable, Hashable {
    package var direction: Direction
    package var recordID: String
}

/// How a stream stands after a run.
package struct StreamOutcome: Sendable, Hashable {
    /// The word people read: `waiting`, `retrying`, `needs attention`, ….
    package var state: String
    package var ranAt: Date
    package var nextRunAt: Date
    /// A success clears the error and the failures.
    package var isSuccess: Bool
    /// Failures in a row.
    package var failures: Int
    /// The last request for a run that this one serves: a later one keeps the stream due. Nil serves all.
    package var served: Int64?
    package var errorCode: String?
    /// A sentence without values.
    package var error: String?

    /// Makes an outcome.
    package init(
        state: String, ranAt: Date, nextRunAt: Date, isSuccess: Bool, failures: Int = 0, served: Int64? = nil,
        errorCode: String? = nil, error: String? = nil
    ) {
        self.state = state
        self.ranAt = ranAt
        self.nextRunAt = nextRunAt
        self.isSuccess = isSuccess
        self.failures = failures
        self.served = served
        self.errorCode = errorCode
        self.error = error.map { String($0.prefix(StoreLimits.errorCharacters)) }
    }
}

/// What changes of one stream's row.
package struct StreamUpdate: Sendable, Hashable {
    package var direction: Direction
    package var object: ObjectKind
    /// JSON; nil leaves the cursor where it is.
    package var cursor: String?
    /// JSON; nil leaves the conditions as they were.
    package var conditions: String?
    /// Nil leaves the schedule as it is.
    package var outcome: StreamOutcome?
}

/// Calls one run spent.
package struct UsageEntry: Sendable, Hashable {
    /// The provider's side.
    package var provider: Side
    /// Class of the call, as the caller numbers them.
    package var callClass: Int16
    package var at: Date
    package var calls: Int64

    /// Makes an entry.
    package init(provider: Side, callClass: Int16, at: Date, calls: Int64) {
        self.provider = provider
        self.callClass = callClass
        self.at = at
        self.calls = calls
    }
}

/// Everything one step of a run wants stored, all of it or nothing, under the lease's token. All lists start empty.
package struct RunCommit: Sendable {
    /// The tenant's number.
    package var tenant: Int32
    /// The lease's fencing token.
    package var fence: Int64
    /// Names the start of the process that holds the lease: a Redis that lost its last writes may give a token out twice,
    /// and then only one of the two runs commits.
    package var holder = ""
    package var scope: FenceScope
    /// The run that decisions belong to.
    package var run: Int64

    package var streams: [StreamUpdate] = []
    package var links: [Link] = []
    package var removedLinks: [Link] = []
    /// Pending changes that are done with.
    package var settled: [PendingChange] = []
    package var deferred: [DeferredChange] = []
    package private(set) var failures: [RecordFailure] = []
    package private(set) var resolvedFailures: [ResolvedFailure] = []
    package var decisions: [Decision] = []
    package var consumedEchoes: [EchoKey] = []
    package var openedImports: [OpenImport] = []
    /// Batch ids of imports that are done with.
    package var settledImports: [String] = []
    package var queuedWritebacks: [Writeback] = []
    package var doneWritebacks: [Writeback] = []
    /// Links of accounts; their contact id is the ActiveCampaign account's.
    package var accountLinks: [Link] = []
    /// Where people belong, as just read.
    package var memberships: [AccountMembership] = []
    package var settledMembers: [SettledMember] = []
    package var opportunities: [OpportunityLink] = []
    /// Persons' contacts with their accounts, as just read.
    package var personAccounts: [PersonAccount] = []
    /// Requests to read a record anew that are done with.
    package var settledResyncs: [ResyncRequest] = []
    package var openedSweeps: [SweepOpening] = []
    package var sweep: SweepProgress?
    package var runRecord: RunRecord?
    package var usage: [UsageEntry] = []

    /// Makes an empty commit.
    package init(tenant: Int32, fence: Int64, scope: FenceScope = .tenant, run: Int64) {
        self.tenant = tenant
        self.fence = fence
        self.scope = scope
        self.run = run
    }

    /// Moves a stream's cursor.
    /// - Throws: what encoding throws.
    package mutating func advance(
        _ direction: Direction, _ object: ObjectKind, cursor: some Encodable
    ) throws {
        let text = String(decoding: try CursorCoding.encoder.encode(cursor), as: UTF8.self)
        streams[index(direction, object)].cursor = text
    }

    /// Notes what an object is mapped and selected by.
    /// - Throws: what encoding throws.
    package mutating func note(_ conditions: EntryConditions, of object: ObjectKind) throws {
        let text = String(decoding: try CursorCoding.encoder.encode(conditions), as: UTF8.self)
        streams[index(.inbound, object)].conditions = text
    }

    /// Says how a stream stands after the run.
    package mutating func finish(_ direction: Direction, _ object: ObjectKind, _ outcome: StreamOutcome) {
        streams[index(direction, object)].outcome = outcome
    }

    private mutating func index(_ direction: Direction, _ object: ObjectKind) -> Int {
        if let index = streams.firstIndex(where: { $0.direction == direction && $0.object == object }) { return index }
        streams.append(StreamUpdate(direction: direction, object: object))
        return streams.count - 1
    }

    /// Leaves a contact pending until an instant; it is made pending when it was not.
    package mutating func deferChange(_ contactID: Int64, until: Date, reason: String) {
        deferred.append(DeferredChange(contactID: contactID, until: until, reason: reason))
    }

    /// The contacts that stay pending.
    package var deferredContactIDs: Set<Int64> { Set(deferred.map(\.contactID)) }

    /// Records that a record could not be written; the last word on a record counts.
    package mutating func fail(
        _ direction: Direction, _ object: ObjectKind, recordID: String, code: String, fields: [String],
        fingerprint: [UInt8]?, now: Date, retryAt: Date? = nil, kind: FailureClass = .record, message: String? = nil
    ) {
        forget(direction, recordID)
        failures.append(
            RecordFailure(
                direction: direction, object: object, recordID: recordID, code: code, kind: kind, fields: fields,
                message: message.map { String($0.prefix(StoreLimits.errorCharacters)) }, fingerprint: fingerprint,
                seenAt: now, retryAt: retryAt))
    }

    /// Records that a record's failure is no more; the last word on a record counts.
    package mutating func resolveFailure(_ direction: Direction, recordID: String) {
        forget(direction, recordID)
        resolvedFailures.append(ResolvedFailure(direction: direction, recordID: recordID))
    }

    private mutating func forget(_ direction: Direction, _ recordID: String) {
        let isNew = spoken.insert(ResolvedFailure(direction: direction, recordID: recordID)).inserted
        guard !isNew else { return }
        failures.removeAll { $0.direction == direction && $0.recordID == recordID }
        resolvedFailures.removeAll { $0.direction == direction && $0.recordID == recordID }
    }

    /// Records spoken of already.
    private var spoken: Set<ResolvedFailure> = []

    /// Adds decisions.
    package mutating func record(_ decisions: [Decision]) { self.decisions += decisions }

    /// Queues a status write-back for a link's record.
    package mutating func writeBack(_ link: Link, now: Date) {
        queuedWritebacks.append(
            Writeback(
                object: link.object, recordID: link.recordID, contactID: link.contactID,
                changeSequence: link.changeSequence, queuedAt: now))
    }
}
