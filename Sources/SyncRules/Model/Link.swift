/// How far a link has come. Raw values are stored; never renumber them.
package enum LinkState: Int16, Sendable, CaseIterable, Hashable {
    /// Both records exist and are kept in step.
    case active = 1
    /// The Salesforce record is gone; nothing is written until it comes back or the link is released (R89, T15).
    case missing = 2
    /// A converted lead: its person goes on as a contact (R49).
    case closed = 3
    /// The ActiveCampaign contact is gone; it is made again only when the Salesforce record changes (R89).
    case contactMissing = 4
    /// The Salesforce record lost a merge, and the winner has a contact of its own: nothing is written (D1).
    case merged = 5

    /// Whether the record is out of reach, and comes back into step when it is undeleted (R89).
    var isAway: Bool { self == .missing || self == .merged }
}

/// An ActiveCampaign contact and the Salesforce record it is kept in step with, with what each side held when they
/// last agreed.
package struct Link: Sendable, Hashable {
    package var contactID: Int64
    package var object: ObjectKind
    /// 18-character record id.
    package var recordID: String
    package var state: LinkState
    /// `EmailAddress.hash` of the address both sides agreed on; finds the link by address without storing it.
    package var emailHash: [UInt8]
    /// What ActiveCampaign held when last read or written; nil before it was ever read.
    package var contactFingerprint: Fingerprint?
    /// What Salesforce held when last read or written; nil before it was ever read.
    package var recordFingerprint: Fingerprint?
    /// `AC_Change_Seq__c` when last read, for compare-and-set with the Salesforce package (salesforce-api 13.3 A).
    package var changeSequence: Int64?
    /// The side the pair was first linked from: what came from ActiveCampaign is not subject to selection (R17, R40).
    package var origin: Direction

    /// Makes a link.
    package init(
        contactID: Int64, object: ObjectKind, recordID: String, state: LinkState = .active, emailHash: [UInt8],
        contactFingerprint: Fingerprint? = nil, recordFingerprint: Fingerprint? = nil, changeSequence: Int64? = nil,
        origin: Direction = .inbound
    ) {
        self.contactID = contactID
        self.object = object
        self.recordID = recordID
        self.state = state
        self.emailHash = emailHash
        self.contactFingerprint = contactFingerprint
        self.recordFingerprint = recordFingerprint
        self.changeSequence = changeSequence
        self.origin = origin
    }
}
