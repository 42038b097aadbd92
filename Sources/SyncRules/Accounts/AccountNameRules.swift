/// What a Salesforce account is called in ActiveCampaign, where names are unique and Salesforce's are not (R72).
package enum AccountNameRules {
    /// What to do with a Salesforce account that has no link yet.
    package enum Placement: Sendable, Hashable {
        /// An ActiveCampaign account of that name belongs to nobody: it is taken.
        case reuse(accountID: Int64)
        /// A new account with this name.
        case create(name: String)
        /// The account has no name to go by.
        case unnamed
    }

    /// Places an account.
    /// - Parameters:
    ///   - name: Salesforce's `Account.Name`.
    ///   - recordID: its record id; the last six characters tell accounts of one name apart.
    ///   - holder: the ActiveCampaign account that has this name, and whether it is linked to another Salesforce account.
    package static func place(
        name: String, recordID: String, holder: (accountID: Int64, isLinked: Bool)?
    ) -> Placement {
        let plain = name.trimmed
        guard !plain.isEmpty else { return .unnamed }
        guard let holder else { return .create(name: shortened(plain, suffix: "")) }
        return holder.isLinked
            ? .create(name: shortened(plain, suffix: " (SF \(recordID.suffix(6)))"))
            : .reuse(accountID: holder.accountID)
    }

    /// The Salesforce name behind a suffixed one: a suffix of ours never flows back.
    package static func salesforceName(of name: String, recordID: String) -> String {
        let suffix = " (SF \(recordID.suffix(6)))"
        return name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name
    }

    private static func shortened(_ name: String, suffix: String) -> String {
        String(name.prefix(SyncRulesLimits.accountNameLength - suffix.count)) + suffix
    }
}
