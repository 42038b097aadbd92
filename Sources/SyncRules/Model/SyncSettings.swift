/// Which Salesforce records of an object enter ActiveCampaign for the first time (R36).
package enum SelectionMode: String, Sendable, CaseIterable, Hashable {
    /// None; records that are linked already are still tracked (R40).
    case none
    /// Those created after the tenant's start (R37, D5).
    case new
    /// Those whose marker checkbox is set (R41).
    case marked
    /// Those that meet the rows of `selection_criteria` (R42).
    case criteria
}

/// One row of `sync_settings`: how a tenant wants to be kept in step.
package struct SyncSettings: Sendable, Hashable {
    /// False stops ActiveCampaign → Salesforce.
    package var outboundEnabled = true
    /// Which sides are written to.
    package var direction = SyncDirection.both
    /// Hours between pulls: 1, 2, 3, 4, 6, 8, 12 or 24 (R31).
    package var inboundIntervalHours = 1
    /// Local hour (0…23) of a once-a-day pull (R33); nil means a time spread by the tenant's number.
    package var dailyHour: Int?
    /// IANA time zone of `dailyHour`.
    package var timeZone = "UTC"
    package var contactSelection = SelectionMode.new
    package var leadSelection = SelectionMode.new
    /// Mode *new* also enrols an old record when it is updated (R38).
    package var includeUpdatedExisting = false
    /// Checkbox of mode *marked* (R41).
    package var markerField = "AC_Sync__c"
    /// Whether a value emptied on one side empties the other (R68).
    package var clearsBlanks = true
    /// Whether opting out of e-mail travels both ways (R79–R84).
    package var syncsOptOut = true
    /// Whether a recalculated formula alone makes a record go to ActiveCampaign (R59).
    package var pushesFormulaChanges = false
    /// Company of a lead created without one (R20, D2).
    package var companyFallback = "[not provided]"
    /// Whether a conversion also takes `created-from-salesforce-lead` away (R48).
    package var removesLeadTagOnConversion = true
    /// List new contacts join; nil joins none (R44).
    package var defaultListID: Int64?
    /// Whether accounts are kept in step (R71).
    package var syncsAccounts = false
    /// Whether a new Salesforce contact is put into the account of the name its ActiveCampaign account has (R73).
    package var matchesAccountsByName = false
    /// Whether opportunities go to ActiveCampaign (R74).
    package var syncsOpportunities = false
    package var opportunityTarget = OpportunityTarget.customObject
    /// Which person accounts enter ActiveCampaign; criteria there are none (R86).
    package var personAccountSelection = SelectionMode.none
    /// Mode *new* also enrols an old person account when it is updated (R38).
    package var includeUpdatedPersonAccounts = true
    /// Whether leads without a company sync in an org with person accounts (R70).
    package var allowsLeadsWithoutCompany = false
    /// Owner of the records we create; nil leaves it to the org (R21).
    package var ownerID: String?
    /// Record type of created leads (R21).
    package var leadRecordTypeID: String?
    /// Record type of created contacts (R21).
    package var contactRecordTypeID: String?
    /// Record type of created person accounts (R22).
    package var personAccountRecordTypeID: String?
    /// Whether the org's assignment rule gives created leads their owner; updates never run it (R21, T29).
    package var usesAssignmentRule = false

    /// The defaults of every setting.
    package init() {}

    /// The selection of one object; accounts and opportunities have switches of their own.
    package func selection(of object: ObjectKind) -> SelectionMode {
        switch object {
        case .contact: contactSelection
        case .lead: leadSelection
        case .account, .opportunity: .none
        }
    }
}

/// What an opportunity becomes in ActiveCampaign (R76).
package enum OpportunityTarget: String, Sendable, CaseIterable, Hashable {
    /// A record of a custom object of ours, on the contact; every plan can read it.
    case customObject = "custom_object"
    /// A deal in a pipeline of ours; needs the deals add-on.
    case deal

    /// The number in rows; never renumber them.
    package var number: Int16 { self == .customObject ? 1 : 2 }
}
