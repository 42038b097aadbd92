/// What a merge of Salesforce records asks for (R90, D1, T24).
package struct MergePlan: Sendable, Hashable {
    /// The loser's link as it goes on: with the winner's record, or at rest.
    package var link: Link
    /// What the record timeline says.
    package var decision: DecisionCode
    package var reason: String

    /// Whether the contact goes on with the winner.
    package var isRelinked: Bool { link.state == .active }
}

/// Merges, pure: whose contact goes on.
package enum MergeRules {
    /// What becomes of the link of a record that lost a merge; nil when there is nothing to do.
    ///
    /// What both sides agreed on stays known, so that a winner with other values is a change in Salesforce like any other.
    /// - Parameters:
    ///   - record: the loser as just read.
    ///   - loser: its link.
    ///   - winnerID: the record that is left, behind any further merges.
    ///   - winner: the link of that record, when there is one.
    package static func plan(
        for record: SalesforceRecord, loser: Link, winnerID: String, winner: Link?
    ) -> MergePlan? {
        guard record.isDeleted, record.masterRecordID != nil, loser.state != .closed, loser.state != .merged else {
            return nil
        }
        var link = loser
        guard winner?.state != .active else {
            // D1: the winner has its own contact; this one stays as it is.
            link.state = .merged
            return MergePlan(link: link, decision: .tombstoned, reason: "D1")
        }
        link.recordID = winnerID
        link.state = .active
        link.changeSequence = nil
        return MergePlan(link: link, decision: .relinked, reason: "R90")
    }
}
