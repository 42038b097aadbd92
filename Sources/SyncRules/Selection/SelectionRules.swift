package import Foundation

/// Which Salesforce records enter ActiveCampaign (R36–R41). Criteria (R42) will live here too.
package struct SelectionRules: Sendable {
    package let settings: SyncSettings
    /// The tenant's start: mode *new* takes what was created from here on (R37, D5).
    package let start: Date

    /// Makes the rules of one tenant.
    package init(settings: SyncSettings, start: Date) {
        self.settings = settings
        self.start = start
    }

    /// Why a record may not be written to ActiveCampaign now; nil when it may.
    ///
    /// Selection governs entry: a linked record is tracked whatever the mode (R40, T25), except that a mark taken away
    /// stops further pushes (R41).
    package func refusal(of record: SalesforceRecord, isLinked: Bool) -> String? {
        switch settings.selection(of: record.object) {
        case .none:
            return isLinked ? nil : "R36.none"
        case .new:
            return isLinked || isNew(record) ? nil : "R37"
        case .marked:
            return record.isMarked == true ? nil : "R41"
        case .criteria:
            return isLinked ? nil : "R42"
        }
    }

    /// Salesforce stamps whole seconds, so the start's own second counts as new.
    private func isNew(_ record: SalesforceRecord) -> Bool {
        let floor = start.timeIntervalSince1970.rounded(.down)
        let stamp = settings.includeUpdatedExisting ? record.modifiedAt : record.createdAt
        return stamp.timeIntervalSince1970 >= floor
    }
}
