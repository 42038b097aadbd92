extension InboundRules {
    /// What is left of an intent when ActiveCampaign is not written to: the record is read, its link kept, the cursor
    /// moves on, and the write becomes a decision.
    func observed(_ intent: InboundIntent, _ record: SalesforceRecord, link: Link?) -> InboundIntent {
        guard !settings.direction.writes(to: .activeCampaign) else { return intent }
        switch intent {
        case .drop, .acknowledge, .markMissing:
            return intent
        case .update(let settled, _):
            let known = (link ?? settled).observing(record: record, projector.project(record))
            return .acknowledge(known, .readonlyObserved, reason: SyncDirection.rule)
        case .adopt(let contactID, _):
            // The link is ours to keep (T17); the contact's own values are then what Salesforce gets.
            let known = self.link(of: record, contactID: contactID, after: FieldWrite())
            return .acknowledge(known, .readonlyObserved, reason: SyncDirection.rule)
        case .create:
            return .drop(.readonlyObserved, reason: SyncDirection.rule)
        }
    }
}
