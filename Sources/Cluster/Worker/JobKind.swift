package import SyncRules

/// The jobs a tenant can have. One of each at most is queued, and a tenant runs one at a time.
package enum JobKind: String, Sendable, CaseIterable {
    /// ActiveCampaign → Salesforce.
    case outbound
    /// Salesforce → ActiveCampaign, all objects that are due.
    case inbound
    /// Settling bulk imports that were open.
    case imports
    /// A slice of a back-fill or a re-evaluation, beside the ordinary runs.
    case sweep

    /// The way of the data; imports belong to the pull that opened them, sweeps are pulls of their own kind.
    var direction: Direction { self == .outbound ? .outbound : .inbound }

    /// The job that runs streams of a direction.
    package static func of(_ direction: Direction) -> JobKind { direction == .outbound ? .outbound : .inbound }
}
