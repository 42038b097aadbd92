import Foundation
import SyncRules

/// Both sides, what Ferry stores about them, and how the tenant is set up: small enough to run ten thousand histories.
struct World {
    struct Contact {
        var id: Int64
        /// Whose contact it is.
        var person: Int
        var fields: [String: String]
        var tags: Set<SyncTag>
        /// Moves with every change, whoever made it.
        var version = 0
        var changedAt = Date(timeIntervalSince1970: 1_000_000)
        /// What users of ActiveCampaign last set, by Salesforce field.
        var userSet: [String: String] = [:]

        var read: ActiveCampaignContact { ActiveCampaignContact(id: id, fields: fields, tags: tags) }

        /// Takes a write of ours. Leaving all lists says nothing of a contact that was never on one.
        mutating func take(_ values: [String: String]) {
            let isOnLists = fields["optOut"] != nil
            fields.merge(values) { $1 }
            if !isOnLists { fields["optOut"] = nil }
        }
    }

    struct Record {
        var record: SalesforceRecord
        /// Whose record it is.
        var person: Int
        var version = 0
        var madeByUs = false
        var wasDeleted = false
        /// Whether a user of Salesforce ever saved it, whatever the field.
        var wasSavedByUser = false
        /// What users of Salesforce last set.
        var userSet: [String: SalesforceFieldValue] = [:]
        var isWaiting = false
        var sequence: Int64 = 0

        /// The record as the wire delivers it.
        func read(hasPackage: Bool) -> SalesforceRecord {
            var read = record
            read.status = hasPackage ? (isWaiting ? .waiting : .synced) : nil
            read.changeSequence = hasPackage ? sequence : nil
            return read
        }
    }

    struct Echo: Hashable {
        var side: Side
        var recordID: String
        var fingerprint: Fingerprint
        var number: Int
    }

    var settings = SyncSettings()
    var hasPackage = false
    var rows: [FieldMapping] = []
    let start = Date(timeIntervalSince1970: 1_000_000)
    private(set) var outbound: OutboundRules
    private var inboundContacts: InboundRules
    private var inboundLeads: InboundRules

    var contacts: [Int64: Contact] = [:]
    var records: [String: Record] = [:]
    /// Stored links, each with its version.
    var links: [String: (link: Link, version: Int)] = [:]
    var ledger: Set<Echo> = []
    /// Contacts known to have changed, and Salesforce records changed since the cursor.
    ///
    /// A pending change has a number of its own: what was asked for again since it was read stays pending.
    var pendingContacts: [Int64: Int] = [:]
    var changedRecords: Set<String> = []
    /// By whose stamps changes are found; nil where they are known at once.
    var clocks: ProviderClocks?
    /// Writes of ours to either side.
    var writes = 0
    var created = 0
    private var counter = 0
    /// What broke, in words; checked at the end.
    var violations: [String] = []

    init() {
        let none = Projector(mappings: [])
        let selection = SelectionRules(settings: settings, start: start)
        outbound = OutboundRules(settings: settings, contacts: none, leads: none)
        inboundContacts = InboundRules(settings: settings, selection: selection, projector: none)
        inboundLeads = inboundContacts
    }

    mutating func nextNumber() -> Int {
        counter += 1
        return counter
    }

    // MARK: - Rules

    func projector(_ object: ObjectKind) -> Projector { outbound.projector(of: object) }

    /// Makes the rules, once settings and mappings stand.
    mutating func settleRules() {
        let projectors = [ObjectKind.contact, .lead].map {
            Projector(mappings: FieldMapping.effective(rows: rows, for: $0, syncsOptOut: settings.syncsOptOut))
        }
        outbound = OutboundRules(settings: settings, contacts: projectors[0], leads: projectors[1])
        let selection = SelectionRules(settings: settings, start: start)
        inboundContacts = InboundRules(settings: settings, selection: selection, projector: projectors[0])
        inboundLeads = InboundRules(settings: settings, selection: selection, projector: projectors[1])
    }

    func inbound(_ object: ObjectKind) -> InboundRules { object == .lead ? inboundLeads : inboundContacts }

    func links(of contactID: Int64) -> [Link] {
        links.values.map(\.link).filter { $0.contactID == contactID }.sorted { $0.recordID < $1.recordID }
    }

    func owners(of record: SalesforceRecord) -> [Link] {
        let own = links[record.id]?.link
        return links.values.map(\.link).filter { link in
            link.recordID != record.id && link.state == .active
                && (link.emailHash == record.email?.hash || link.contactID == own?.contactID
                    || link.contactID == record.contactID)
        }
    }

    func echoes(_ side: Side, of recordID: String) -> [Echo] {
        ledger.filter { $0.side == side && $0.recordID == recordID }
    }

    // MARK: - Providers

    /// A change of a contact, by a user or by us: the poll will list it.
    mutating func touch(_ id: Int64, _ change: (inout Contact) -> Void) {
        guard var contact = contacts[id] else { return }
        change(&contact)
        contact.version += 1
        save(contact)
    }

    /// A contact is there, new or as it is now.
    mutating func save(_ contact: Contact) {
        contacts[contact.id] = contact
        if let stamp = clocks?.stamp(contact.id) {
            contacts[contact.id]?.changedAt = stamp
        } else {
            contacts[contact.id]?.changedAt += 1
            review(contact.id)
        }
    }

    /// The contact is to be looked at by the next batch.
    mutating func review(_ id: Int64) { pendingContacts[id] = nextNumber() }

    /// A change of a record, by a user or by us: SystemModstamp moves.
    mutating func touch(_ id: String, _ change: (inout Record) -> Void) {
        guard var record = records[id] else { return }
        change(&record)
        record.version += 1
        save(record)
    }

    /// A record is there, new or as it is now.
    mutating func save(_ record: Record) {
        let id = record.record.id
        records[id] = record
        if let stamp = clocks?.stamp(id) {
            records[id]?.record.modifiedAt = stamp
        } else {
            records[id]?.record.modifiedAt += 1
            changedRecords.insert(id)
        }
    }

    /// The pull's cursor moves on; what it finds is to be looked at.
    mutating func findRecords() {
        guard let found = clocks?.found(records.mapValues(\.record.modifiedAt)) else { return }
        changedRecords.formUnion(found)
    }

    /// The batch's cursor moves on.
    mutating func findContacts() {
        guard let found = clocks?.found(contacts.mapValues(\.changedAt)) else { return }
        for id in found.sorted() { review(id) }
    }

    /// contact/sync: the contact with this address is updated, or made.
    mutating func syncContact(_ values: [String: String], email: EmailAddress, tag: SyncTag?, person: Int) -> Int64 {
        let id = contacts.values.first { $0.read.email == email }?.id ?? Int64(nextNumber())
        if contacts[id] == nil {
            contacts[id] = Contact(id: id, person: person, fields: ["email": email.normalized], tags: [])
        }
        writes += 1
        touch(id) { contact in
            contact.take(values)
            if let tag { contact.tags.insert(tag) }
        }
        return id
    }
}
