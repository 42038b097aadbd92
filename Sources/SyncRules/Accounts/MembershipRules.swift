/// A person's place in an account (R72): Contact.AccountId says where, and ActiveCampaign knows one place a contact.
package enum MembershipRules {
    /// Where ActiveCampaign has a contact: the row that says so, and the account.
    package struct Place: Sendable, Hashable {
        package let associationID: Int64
        package let accountID: Int64

        /// Makes a place.
        package init(associationID: Int64, accountID: Int64) {
            self.associationID = associationID
            self.accountID = accountID
        }
    }

    /// What is done about one person.
    package enum Step: Sendable, Hashable {
        /// It is where it belongs already, or nowhere and is to be nowhere.
        case done(Place?)
        /// It has no account and gets one.
        case join(accountID: Int64)
        /// The place we gave it is given up for another.
        case move(from: Place, accountID: Int64)
        /// The place we gave it is given up.
        case leave(Place)
        /// Somebody put it into another account; it stays there and is reported.
        case elsewhere(Place)
    }

    /// Decides about one person.
    /// - Parameters:
    ///   - wanted: ActiveCampaign's account for the record's AccountId; nil when the record belongs to none.
    ///   - held: the account we put the contact into; nil when we never did.
    ///   - present: where the contact is.
    ///   - clears: whether an AccountId that was blanked takes the contact out (R68).
    package static func step(wanted: Int64?, held: Int64?, present: Place?, clears: Bool) -> Step {
        guard let present else { return wanted.map(Step.join) ?? .done(nil) }
        if present.accountID == wanted { return .done(present) }
        // What we did not do we do not undo.
        guard present.accountID == held else { return wanted == nil ? .done(nil) : .elsewhere(present) }
        if let wanted { return .move(from: present, accountID: wanted) }
        return clears ? .leave(present) : .done(present)
    }
}
