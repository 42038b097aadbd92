package import Foundation

/// A contact role of an opportunity (R76).
package struct OpportunityRole: Sendable, Hashable {
    package var id: String
    package var opportunityID: String
    /// The Salesforce contact's record id.
    package var contactID: String
    package var isPrimary: Bool

    /// Makes a role.
    package init(id: String, opportunityID: String, contactID: String, isPrimary: Bool) {
        self.id = id
        self.opportunityID = opportunityID
        self.contactID = contactID
        self.isPrimary = isPrimary
    }
}

/// How far an opportunity has come. Raw values are stored; never renumber them.
package enum OpportunityState: Int16, Sendable, CaseIterable {
    /// It is in ActiveCampaign.
    case pushed = 1
    /// Salesforce has it no more; what is in ActiveCampaign stays (R77).
    case missing = 2
    /// Its contact is not synced yet (R77).
    case waiting = 3
}

/// An opportunity that was pushed, or waits for its contact.
package struct OpportunityLink: Sendable, Hashable {
    /// 18-character id.
    package var recordID: String
    package var state: OpportunityState
    package var target: OpportunityTarget?
    /// The contact it hangs on, as Salesforce knows it.
    package var contactRecordID: String?
    /// The contact it hangs on, as ActiveCampaign knows it.
    package var contactID: Int64?
    /// The id of the record or deal.
    package var targetID: String?
    /// Of the fields as last pushed.
    package var fingerprint: Fingerprint?

    /// Makes a link of an opportunity that waits.
    package init(
        recordID: String, state: OpportunityState = .waiting, target: OpportunityTarget? = nil,
        contactRecordID: String? = nil, contactID: Int64? = nil, targetID: String? = nil,
        fingerprint: Fingerprint? = nil
    ) {
        self.recordID = recordID
        self.state = state
        self.target = target
        self.contactRecordID = contactRecordID
        self.contactID = contactID
        self.targetID = targetID
        self.fingerprint = fingerprint
    }
}

/// What an opportunity holds: the four fields of R75, and the currency of its amount (R78).
package struct OpportunityValues: Sendable, Hashable {
    package var name: String
    /// Decimal digits as Salesforce has them, in whole units of money; nil when there is no amount.
    package var amount: String?
    package var stage: String
    /// A calendar day, `2026-11-24`; never an instant (T9).
    package var closeDate: String?
    /// ISO code; nil in an org with one currency.
    package var currency: String?

    /// Makes values.
    package init(name: String, amount: String?, stage: String, closeDate: String?, currency: String?) {
        self.name = name
        self.amount = amount
        self.stage = stage
        self.closeDate = closeDate
        self.currency = currency
    }
}

/// What is done with one opportunity.
package enum OpportunityIntent: Sendable, Hashable {
    /// Nothing; why, and by which rule.
    case drop(DecisionCode, reason: String)
    /// It waits until this Salesforce contact is synced (R77).
    case wait(OpportunityLink)
    /// Its values go to ActiveCampaign, on this contact.
    case push(OpportunityValues, contactID: Int64, contactRecordID: String, OpportunityLink?)
    /// Salesforce has it no more (R77).
    case markMissing(OpportunityLink)
}

/// The rules of opportunities, one way from Salesforce: R74–R78.
package enum OpportunityRules {
    /// The Salesforce fields, and no others (R75); `CurrencyIsoCode` goes along where there is one (R78).
    package static let fields = ["Name", "Amount", "StageName", "CloseDate"]
    package static let currencyField = "CurrencyIsoCode"

    /// The contact an opportunity hangs on (R76): its primary role, else the first made.
    package static func contact(among roles: [OpportunityRole]) -> String? {
        let ordered = roles.sorted { $0.id < $1.id }
        return (ordered.first(where: \.isPrimary) ?? ordered.first)?.contactID
    }

    /// Decides what becomes of an opportunity.
    /// - Parameters:
    ///   - record: the opportunity as just read.
    ///   - roles: its contact roles.
    ///   - link: what is known of it.
    ///   - contactID: the ActiveCampaign contact that its contact is linked to; nil when that is not synced.
    ///   - target: where it goes.
    package static func intent(
        for record: SalesforceRecord, roles: [OpportunityRole], link: OpportunityLink?, contactID: Int64?,
        target: OpportunityTarget
    ) -> OpportunityIntent {
        if record.isDeleted {
            guard var link, link.state != .missing else { return .drop(.tombstoned, reason: "R77.deleted") }
            link.state = .missing
            return .markMissing(link)
        }
        guard let contactRecordID = contact(among: roles) else { return .drop(.outOfScope, reason: "R76") }
        guard let contactID else {
            var waiting = link ?? OpportunityLink(recordID: record.id)
            waiting.contactRecordID = contactRecordID
            // What is in ActiveCampaign already stays where it is until the new contact is synced.
            waiting.state = .waiting
            return .wait(waiting)
        }
        let values = values(of: record)
        guard !values.name.isEmpty else { return .drop(.invalidBeforeSend, reason: "R75.unnamed") }
        let isThere = link?.state == .pushed && link?.contactID == contactID && link?.target == target
        if isThere, link?.fingerprint == fingerprint(of: values) {
            return .drop(.unchangedProjection, reason: "R29")
        }
        return .push(values, contactID: contactID, contactRecordID: contactRecordID, link)
    }

    /// The four fields and the currency of a record.
    package static func values(of record: SalesforceRecord) -> OpportunityValues {
        func text(_ field: String) -> String? {
            switch record.fields[field] {
            case .string(let text): text.trimmed.isEmpty ? nil : text.trimmed
            case .number(let digits): CanonicalForm.number(digits)
            case .bool, .null, nil: nil
            }
        }
        return OpportunityValues(
            name: text("Name") ?? "", amount: text("Amount"), stage: text("StageName") ?? "",
            closeDate: text("CloseDate").flatMap(CanonicalForm.day), currency: text(currencyField)?.uppercased())
    }

    /// What tells whether an opportunity changed since it was pushed.
    package static func fingerprint(of values: OpportunityValues) -> Fingerprint {
        func text(_ value: String?) -> FieldValue { value.map(FieldValue.text) ?? .empty }
        return Fingerprint(
            Projection(values: [
                "Name": .text(values.name), "Amount": text(values.amount), "StageName": .text(values.stage),
                "CloseDate": text(values.closeDate), currencyField: text(values.currency),
            ]))
    }

    /// An amount in cents, which deals hold (R78); an amount without digits is none, and a negative one too, for a deal
    /// has no debts.
    package static func cents(_ amount: String?) -> Int64 {
        guard let amount, let value = Decimal(string: amount), value > 0 else { return 0 }
        var scaled = value * 100
        var rounded = Decimal()
        NSDecimalRound(&rounded, &scaled, 0, .plain)
        return NSDecimalNumber(decimal: rounded).int64Value
    }
}

/// How far the stream of opportunities has read: their own changes, and those of their contact roles, which move no stamp
/// of the opportunity's.
package struct OpportunityCursor: Codable, Sendable, Hashable {
    package var records: InboundCursor
    package var roles: InboundCursor

    private enum Key: String, CodingKey { case roles }

    /// The cursor of a stream that starts at `start`.
    package init(start: Date) {
        records = InboundCursor(start: start)
        roles = records
    }

    package init(from decoder: any Decoder) throws {
        records = try InboundCursor(from: decoder)
        roles = try decoder.container(keyedBy: Key.self).decodeIfPresent(InboundCursor.self, forKey: .roles) ?? records
    }

    /// The opportunities' own place stands where other streams have theirs, so that screens read it alike.
    package func encode(to encoder: any Encoder) throws {
        try records.encode(to: encoder)
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(roles, forKey: .roles)
    }
}
