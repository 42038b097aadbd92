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

    /// Notes the accounts through which persons are written (R85).
    mutating func note(personsAmong records: some Sequence<SalesforceRecord>) {
        personAccounts += records.compactMap { record in
            guard record.isPersonAccount, let account = record.accountID else { return nil }
            return PersonAccount(contactRecordID: record.id, accountRecordID: account)
        }
    }
}
