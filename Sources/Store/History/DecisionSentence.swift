package import SyncRules

extension Decision {
    /// The decision as a person reads it: what was done or not, the rule or answer behind it, and the call that carried
    /// it. Names ids and fields, never values.
    package var sentence: String {
        let why = reason.map { " " + Self.because($0) } ?? ""
        return "\(clause)\(why)\(carriage)."
    }

    /// How the record was seen; nil when the run did not read it for its own sake.
    package var sightingSentence: String? {
        guard let source else { return nil }
        let side = direction == .outbound ? "ActiveCampaign" : "Salesforce"
        let hash = projection.map { ", its mapped values being #" + Self.short($0) } ?? ""
        return switch source {
        case .webhook: "Seen changed in \(side): a webhook told of it\(hash)."
        case .poll: "Seen changed in \(side) by the poll\(hash)."
        case .command: "Read in \(side) because a person asked for it\(hash)."
        case .retry: "Read again in \(side), for an earlier run left it\(hash)."
        case .backfill: "Read in \(side) by the back-fill\(hash)."
        case .reevaluation: "Looked at anew on both sides, for a mapping or the selection changed\(hash)."
        case .formulas: "Read for its formula fields, which move no stamp when they are recalculated\(hash)."
        }
    }

    /// By what it may cross to the other side; nil for what may not.
    package var groundSentence: String? {
        guard let ground else { return nil }
        return switch ground {
        case .created: "Selected: it was created since the tenant began (R37)."
        case .updated: "Selected: it was changed since the tenant began, which enrols it (R38)."
        case .marked: "Selected: its marker checkbox is set (R41)."
        case .criteria: "Selected: it meets the selection criteria (R42)."
        case .backfill: "Selected: a back-fill takes what was there before the tenant began."
        case .followed: "Selected: it was synced before, and is followed (R40)."
        case .createAction: "Selected: an automation asked for it to be in Salesforce (R15, R16)."
        case .syncTag: "Selected: it is linked and carries a sync tag (R24)."
        case .inhabited: "Selected: a synced person belongs to it (R71)."
        }
    }

    /// The rule in words, or the provider's error code as it came.
    private static func because(_ reason: String) -> String {
        RuleWords.of(reason).map { "– \($0) (\(reason))" } ?? "(\(reason))"
    }

    /// The call or the import that carried it.
    private var carriage: String {
        if let importID { return ", import \(importID)" }
        guard let call else { return "" }
        let place = direction == .outbound ? ", place \(call.place) in it" : ""
        return ", with call \(call.number) of the run to \(target)\(place)"
    }

    private var target: String { direction == .outbound ? "Salesforce" : "ActiveCampaign" }

    private static func short(_ hash: [UInt8]) -> String {
        hash.prefix(4).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// What the code says of the record, or of some of its fields. The switch names every code, so that a new one can't be
    /// forgotten.
    private var clause: String {
        let record = object.name
        let names = fields.joined(separator: ", ")
        let named = fields.isEmpty ? "" : ": " + names
        return switch code {
        case .seen: direction == .outbound ? "Seen changed in ActiveCampaign" : "Seen changed in Salesforce"
        case .unchangedProjection:
            "Nothing written to \(target): no mapped field differs from what both sides agreed on"
        case .outOfScope: "Nothing written to \(target): the \(record) is not in scope"
        case .noEmail: "Left out: the \(record) has no e-mail address, by which the two sides know a person"
        case .duplicateMatch: "Left out: another record has the same e-mail address or contact"
        case .linked: "Matched to a \(direction == .outbound ? record : "contact") that is there already, and linked"
        case .echoDropped: "Nothing written to \(target): the change is our own write coming back"
        case .conflictLost where direction == .inbound:
            "The Salesforce change of \(names) was not taken: the contact had changed in ActiveCampaign, which wins"
        case .conflictLost:
            "The ActiveCampaign change\(fields.isEmpty ? "" : " of " + names) was dropped: the \(record) had changed in "
                + "Salesforce, which wins"
        case .blankKept: "A blank did not empty \(fields.isEmpty ? "a field" : names) of the \(record)"
        case .truncated: "Cut to the length the other side holds\(named)"
        case .queued: "Left waiting for a later run"
        case .mergedIntoLater: "Taken together with a later change of the same \(record)"
        case .budgetWait: "Left waiting for calls of the tenant's allowance"
        case .lockedRetry: "\(target) could not take the \(record) for now; it is tried again"
        case .sent: "Sent to \(target)\(named); the answer is still to come"
        case .accepted: "Written to \(target) and accepted\(named)"
        case .rejected:
            fields.isEmpty
                ? "\(target) refused the \(record)" : "\(target) refused \(names) of the \(record), which goes without"
        case .invalidBeforeSend:
            fields.isEmpty
                ? "Nothing written to \(target): the \(record) lacks what it can't be without there"
                : "Left out of what goes to \(target), which does not take it as it is: \(names)"
        case .relinked: "Linked anew: the lead was converted, the record merged, or its address moved"
        case .tombstoned: "One side's record is gone; nothing is deleted on the other"
        case .withheldMassDelete: "Held back: too many records vanished at once to believe it without a human"
        case .loopBrake: "Held: it was written more often within an hour than people change records"
        case .driftPaused: "Held until both sides have been looked at anew, the mapping having changed\(named)"
        case .readonlyObserved:
            fields.isEmpty
                ? "Read only: the \(record) is observed, and never written by this tenant's settings"
                : "Not written to \(target): \(names)"
        }
    }
}

/// The rules of the sync in a clause each, as far as decisions name them.
package enum RuleWords {
    /// The clause of a rule or internal code; nil for what is a provider's error code.
    package static func of(_ reason: String) -> String? { words[reason] }

    private static let words = [
        "R7": "records without an e-mail address do not sync",
        "R8": "its new address is that of a contact nobody else has, with which it goes on",
        "R8.left":
            "its record goes on with the contact of its new address; a create action this contact carries counts again "
            + "when it next changes",
        "address_moved": "it goes on with the contact of its new address, and is read anew",
        "R14": "only the two automation actions bring a new contact to Salesforce",
        "R17.created": "an automation asked for it, and it was created",
        "R17": "what came from ActiveCampaign goes both ways",
        "R19": "an automation asked for it, and the person was there already",
        "R43.created": "it enters ActiveCampaign, where a contact was made for it",
        "R43.met": "its address is that of a contact ActiveCampaign has already",
        "R19.several": "an automation asked for it, several records have its address, and the latest was taken",
        "R24": "it is linked and carries a sync tag",
        "R26": "its sync tag was taken away",
        "R27": "a tag alone does not link a contact that was never synced",
        "R29": "only mapped fields count",
        "R36.none": "no records of this object are selected",
        "R37": "it was there before the tenant began",
        "R40": "it is selected, or was synced before and is followed",
        "R41": "its marker checkbox is not set",
        "R42": "it does not meet the selection criteria",
        "R49": "its lead was converted; the person goes on as a contact",
        "R49.no_contact": "its lead was converted to no contact that we can see",
        "R50": "its lead was converted to a contact that was linked already",
        "R52": "its status in Salesforce is set to synced",
        "R53": "Salesforce is primary in a conflict",
        "R56": "Salesforce holds these values already",
        "R58": "our own writes are known by their values",
        "R63": "the mapping's update mode decides by field",
        "R59": "a recalculated formula alone is no change",
        "R71": "no synced person belongs to this account",
        "R71.update": "it is linked, and its mapped fields are kept in step",
        "R72": "a synced person belongs to this account",
        "R72.unnamed": "an account has no name to go by",
        "R72.joined": "its contact was put into the account its record belongs to",
        "R72.left": "its record belongs to no account any more, and the contact was taken out of the one we gave it",
        "R72.elsewhere":
            "somebody put its contact into another account, where ActiveCampaign allows one; it stays there",
        "unnamed_account": "the account has no name",
        "duplicate_name": "another ActiveCampaign account has its name, with our mark on it, too",
        "account_gone": "the account was deleted while it was written",
        "R74": "opportunities go to ActiveCampaign",
        "R75.unnamed": "an opportunity has no name to go by",
        "R76": "it has no contact role to hang on",
        "R77": "its contact is not synced yet, and it follows when it is",
        "R77.deleted": "it was deleted in Salesforce; what is in ActiveCampaign stays",
        "unnamed_opportunity": "the opportunity has no name",
        "custom_object_gone": "the custom object was deleted while it was written",
        "contact_or_stage_gone": "the deal's contact or stage was deleted while it was written",
        "no_person_contact": "the contact of a created person account is not visible yet, and is looked for again",
        "R51": "a person account was asked for, and this org has none",
        "R63.direction": "its mapping goes the other way only",
        "R63.blank": "its mapping fills blanks only, and the other side holds a value or was not looked at",
        "R66": "formulas are never written",
        "R68": "blanks do not clear this field",
        "R83": "nobody is ever subscribed again",
        "R70": "leads without a company do not sync unless allow_leads_without_company is set",
        "R85": "a person's account syncs as the person",
        "R86": "person accounts are not selected",
        "R89": "deletions are never passed on",
        "R90": "its record was merged into another, which it follows",
        "R91": "the contact of this address is authoritative, the lead waits behind it",
        "D1": "its record was merged into one that has a contact of its own, which goes on alone",
        "D4": "a blanked e-mail address in Salesforce changes nothing in ActiveCampaign",
        "D3": "two Salesforce records can't share one ActiveCampaign contact",
        "D6": "a bad field is left out and the record goes on",
        "T17": "an earlier creation's answer was lost, and is looked for first",
        "one_way": "this tenant's sync goes the other way only",
        "resync": "a person asked for it to be read anew on both sides",
        "resync_hidden": "a person asked for it, and Salesforce does not show it",
        "looked_at_anew": "the contact has values for fields that Salesforce never had any of",
        "mapping_paused": "the mapping of a field changed, and both sides are looked at anew first",
        "T13": "it is let go after an hour, or by `ferry records retry`",
        "loop_brake": "it was written too often within an hour, maybe another program changes it back",
        "T20": "a lost permission looks the same; `ferry sync confirm-missing` says that it is true",
        "withheld_mass_delete": "it seems gone from Salesforce together with too many others",
        "import": "in a bulk import",
        "import_open": "it is in a bulk import that is still open",
        "refused_before": "it holds what was refused before, and is tried again when that changes",
        "contact_deleted": "the contact was deleted in ActiveCampaign, and was linked to nothing",
        "budget_spent": "all are used; it goes on when some come back",
        "budget_scarce": "few are left, and new records and what people change come first",
        "import_refused": "the bulk import did not take it",
        "excluded": "a person keeps this record out; `ferry records unskip` takes it back",
        "review": "it is read again after a conflict",
        "record_gone": "its Salesforce record is gone, and it is looked at anew",
        "contact_gone": "the contact was deleted while it was written",
        "changed_meanwhile": "it changed while it was written, and is read again",
        "creation_outcome_unknown":
            "an earlier creation's answer was lost; a second try waits until it would be visible",
        "lead_converted": "its lead is being converted in Salesforce",
        "relinked": "it was linked to another record, and is read anew",
        "duplicate_email": "another contact of ActiveCampaign has its e-mail address",
        "included_again": "a person took it back into the sync",
        "partner_kept_out": "a person keeps the record of its address out of the sync",
        "no_email": "the record has no e-mail address",
        "duplicate_match": "another record has the same e-mail address or contact",
    ]
}
