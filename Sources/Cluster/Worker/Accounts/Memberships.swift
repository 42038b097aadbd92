import Store
import SyncRules

extension RunCommit {
    /// Notes which accounts people belong to, as a page of contacts says; what is deleted says nothing, and a person's
    /// account is the person (R72, R85).
    mutating func note(membershipsOf records: [SalesforceRecord]) {
        memberships += records.filter { $0.object == .contact && !$0.isDeleted }.map { record in
            AccountMembership(recordID: record.id, accountRecordID: record.isPersonAccount ? nil : record.accountID)
        }
    }
}
