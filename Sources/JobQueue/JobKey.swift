/// What is run: one kind of work of one tenant. At most one job of a key exists, wherever it is.
package struct JobKey: Hashable, Sendable, CustomStringConvertible {
    /// The tenant's number.
    package let tenant: Int32
    /// The kind of work, for example `outbound` or `inbound.contact`; see `accepts(kind:)`.
    package let kind: String

    /// Makes a key; the kind must be one that `accepts(kind:)`.
    package init(tenant: Int32, kind: String) {
        precondition(Self.accepts(kind: kind), "a kind is 1...24 of A-Z a-z 0-9 . _ : -")
        self.tenant = tenant
        self.kind = kind
    }

    /// A key as the queue has stored it: its kind was looked at when it came in.
    init(stored kind: String, of tenant: Int32) {
        self.tenant = tenant
        self.kind = kind
    }

    /// Whether a text can be a kind: 1...24 of `A-Z a-z 0-9 . _ : -`. Scripts pack keys into text and rely on it.
    package static func accepts(kind: String) -> Bool {
        (1...JobQueueLimits.kindBytes).contains(kind.utf8.count)
            && kind.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"),
                    UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    package var description: String { "\(tenant)/\(kind)" }
}

/// How urgent a job is; of thirteen jobs eight are urgent, four normal and one bulk when all classes have work.
package enum JobClass: UInt8, Hashable, Sendable, CaseIterable, Comparable {
    /// Asked for by a human.
    case urgent
    /// The daily work.
    case normal
    /// Back-fills.
    case bulk

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
