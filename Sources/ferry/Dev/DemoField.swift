import Foundation
import Simulators

/// A mapped field of the demo, as people on both sides see it. The demo compares both sides with its own eyes and shares
/// no line with the rules it checks.
struct DemoField: Sendable {
    /// How a value looks on each side.
    enum Kind: Sendable {
        case text, number, checkbox, date
    }

    let salesforceName: String
    /// `email`, `firstName`, `lastName`, `phone`, or a personalization tag.
    let activeCampaignName: String
    let kind: Kind

    /// The fields every tenant has from the start.
    static let standard = [
        DemoField(salesforceName: "Email", activeCampaignName: "email", kind: .text),
        DemoField(salesforceName: "FirstName", activeCampaignName: "firstName", kind: .text),
        DemoField(salesforceName: "LastName", activeCampaignName: "lastName", kind: .text),
        DemoField(salesforceName: "Phone", activeCampaignName: "phone", kind: .text),
    ]

    /// One custom field of each kind.
    static let custom = [
        DemoField(salesforceName: "Favourite__c", activeCampaignName: "FAVOURITE", kind: .text),
        DemoField(salesforceName: "Visits__c", activeCampaignName: "VISITS", kind: .number),
        DemoField(salesforceName: "Member__c", activeCampaignName: "MEMBER", kind: .checkbox),
        DemoField(salesforceName: "Renewal__c", activeCampaignName: "RENEWAL", kind: .date),
    ]

    /// What a Salesforce record shows in this field; nil for nothing.
    func text(of record: SalesforceRecord) -> String? {
        switch record[salesforceName] {
        case .null: nil
        case .text(let text): text.isEmpty ? nil : (salesforceName == "Email" ? text.lowercased() : text)
        case .number(let number): Self.number(number)
        case .bool(let isOn): isOn ? "true" : nil
        case .date(let day): Self.day(day)
        case .dateTime(let seconds): String(seconds)
        }
    }

    /// What an ActiveCampaign contact shows in this field; nil for nothing.
    func text(of contact: ActiveCampaignContact) -> String? {
        let raw: String? =
            switch activeCampaignName {
            case "email": contact.email.lowercased()
            case "firstName": contact.firstName
            case "lastName": contact.lastName
            case "phone": contact.phone
            default: contact.fields[activeCampaignName]
            }
        guard let raw, !raw.isEmpty, raw != "||" else { return nil }
        switch kind {
        case .text, .date: return raw
        case .number: return Double(raw).map(Self.number) ?? raw
        case .checkbox: return raw == "||true||" ? "true" : nil
        }
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() ? String(Int(value)) : String(value)
    }

    private static func day(_ days: Int) -> String {
        let date = Date(timeIntervalSince1970: Double(days) * 86_400)
        return date.formatted(.iso8601.year().month().day())
    }
}
