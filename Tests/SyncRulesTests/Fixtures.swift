import Foundation
import SyncRules

/// What most rule tests need: a tenant with the default mapping and a text field of its own.
enum Fixtures {
    static let start = Date(timeIntervalSince1970: 1_700_000_000)

    static func mapping(
        _ field: String = "Note__c", _ target: String = "custom:NOTE", _ salesforce: SalesforceFieldType = .text,
        _ activeCampaign: ActiveCampaignFieldType = .text, mode: UpdateMode = .always, object: ObjectKind = .contact,
        truncates: Bool = false, maxLength: Int? = nil
    ) throws -> FieldMapping {
        struct BadName: Error {}
        guard let name = ActiveCampaignField(target) else { throw BadName() }
        return FieldMapping(
            object: object, salesforceField: field, activeCampaignField: name, salesforceType: salesforce,
            activeCampaignType: activeCampaign, updateMode: mode, truncates: truncates, maxLength: maxLength)
    }

    static func projector(_ rows: [FieldMapping] = [], object: ObjectKind = .contact) -> Projector {
        Projector(mappings: FieldMapping.effective(rows: rows, for: object))
    }

    static func outbound(_ rows: [FieldMapping] = [], settings: SyncSettings = SyncSettings()) -> OutboundRules {
        OutboundRules(
            settings: settings, contacts: projector(rows), leads: projector(rows, object: .lead))
    }

    static func inbound(
        _ rows: [FieldMapping] = [], settings: SyncSettings = SyncSettings(), object: ObjectKind = .contact,
        criteria: SelectionCriteria? = nil
    ) -> InboundRules {
        InboundRules(
            settings: settings,
            selection: SelectionRules(settings: settings, start: start, criteria: criteria.map { [object: $0] } ?? [:]),
            projector: projector(rows, object: object))
    }

    static func contact(
        _ fields: [String: String] = [:], tags: Set<SyncTag> = [], id: Int64 = 7
    ) -> ActiveCampaignContact {
        var all = ["email": "ann@x.example", "firstName": "Ann", "lastName": "Lee", "phone": "1"]
        all.merge(fields) { $1 }
        return ActiveCampaignContact(id: id, fields: all, tags: tags)
    }

    static func record(
        _ fields: [String: SalesforceFieldValue] = [:], object: ObjectKind = .contact, id: String = "003A",
        createdAt: Date = start, status: SyncStatus? = nil
    ) -> SalesforceRecord {
        var all: [String: SalesforceFieldValue] = [
            "Email": .string("ann@x.example"), "FirstName": .string("Ann"), "LastName": .string("Lee"),
            "Phone": .string("1"),
        ]
        all.merge(fields) { $1 }
        var record = SalesforceRecord(
            id: id, object: object, fields: all, createdAt: createdAt, modifiedAt: createdAt.addingTimeInterval(60))
        record.status = status
        return record
    }

    /// A link of a contact and a record that agree in everything.
    static func link(
        _ rows: [FieldMapping] = [], object: ObjectKind = .contact, id: String = "003A", contactID: Int64 = 7,
        state: LinkState = .active, contact: ActiveCampaignContact? = nil, record: SalesforceRecord? = nil,
        origin: Direction = .inbound
    ) -> Link {
        let projector = projector(rows, object: object)
        return Link(
            contactID: contactID, object: object, recordID: id, state: state,
            emailHash: EmailAddress("ann@x.example")?.hash ?? [],
            contactFingerprint: Fingerprint(projector.project(contact ?? Fixtures.contact())),
            recordFingerprint: Fingerprint(projector.project(record ?? Fixtures.record(object: object))),
            origin: origin)
    }
}

extension InboundIntent {
    /// Code and rule of a drop or an acknowledgement.
    var reason: String? {
        switch self {
        case .drop(_, let reason), .acknowledge(_, _, let reason): reason
        case .update, .create, .adopt, .markMissing: nil
        }
    }

    var code: DecisionCode? {
        switch self {
        case .drop(let code, _), .acknowledge(_, let code, _): code
        case .update, .create, .adopt, .markMissing: nil
        }
    }

    /// What goes to ActiveCampaign.
    var write: FieldWrite? {
        switch self {
        case .update(_, let write), .create(_, let write), .adopt(_, let write): write
        case .drop, .acknowledge, .markMissing: nil
        }
    }

    /// The link that is stored.
    var link: Link? {
        switch self {
        case .update(let link, _), .acknowledge(let link, _, _), .markMissing(let link): link
        case .drop, .create, .adopt: nil
        }
    }
}
