package import Foundation

/// Which Salesforce records enter ActiveCampaign, and whose changes follow (R36–R42).
package struct SelectionRules: Sendable {
    package let settings: SyncSettings
    /// The tenant's start: mode *new* takes what was created from here on (R37, D5).
    package let start: Date
    /// The rows of `selection_criteria`, by object (R42).
    package let criteria: [ObjectKind: SelectionCriteria]

    /// Makes the rules of one tenant.
    package init(settings: SyncSettings, start: Date, criteria: [ObjectKind: SelectionCriteria] = [:]) {
        self.settings = settings
        self.start = start
        self.criteria = criteria
    }

    /// Why a record may not enter ActiveCampaign; nil when it may (R36).
    package func refusalOfEntry(_ record: SalesforceRecord) -> String? {
        if record.isPersonAccount { return refusalOfPerson(record) }
        if lacksCompany(record) { return "R70" }
        return switch settings.selection(of: record.object) {
        case .none: "R36.none"
        case .new: isNew(record, countingUpdates: settings.includeUpdatedExisting) ? nil : "R37"
        case .marked: record.isMarked == true ? nil : "R41"
        case .criteria: meetsCriteria(record) ? nil : "R42"
        }
    }

    /// Why a linked record's changes are not written to ActiveCampaign now; nil when they are.
    ///
    /// Modes *none* and *new* govern entry only. A mark taken away and criteria not met any more hold changes back, and
    /// the link stays (R40, R41, T25). What ActiveCampaign put into Salesforce goes both ways whatever the mode (R17).
    package func refusalOfUpdate(_ record: SalesforceRecord, origin: Direction) -> String? {
        guard origin == .inbound else { return nil }
        if record.isPersonAccount {
            return settings.personAccountSelection == .marked && record.isMarked != true ? "R41" : nil
        }
        return switch settings.selection(of: record.object) {
        case .none, .new: nil
        case .marked: record.isMarked == true ? nil : "R41"
        case .criteria: meetsCriteria(record) ? nil : "R40"
        }
    }

    /// R86: person accounts have a selection of their own, without criteria.
    private func refusalOfPerson(_ record: SalesforceRecord) -> String? {
        switch settings.personAccountSelection {
        case .none, .criteria: "R86"
        case .new: isNew(record, countingUpdates: settings.includeUpdatedPersonAccounts) ? nil : "R37"
        case .marked: record.isMarked == true ? nil : "R41"
        }
    }

    /// R70: only an org with person accounts has leads without a company.
    private func lacksCompany(_ record: SalesforceRecord) -> Bool {
        record.object == .lead && record.fields["Company"] == .null && !settings.allowsLeadsWithoutCompany
    }

    /// An object without criteria takes nothing.
    private func meetsCriteria(_ record: SalesforceRecord) -> Bool {
        criteria[record.object]?.matches(record.fields) ?? false
    }

    /// Salesforce stamps whole seconds, so the start's own second counts as new.
    func isNew(_ record: SalesforceRecord, countingUpdates: Bool) -> Bool {
        let floor = start.timeIntervalSince1970.rounded(.down)
        let stamp = countingUpdates ? record.modifiedAt : record.createdAt
        return stamp.timeIntervalSince1970 >= floor
    }
}
