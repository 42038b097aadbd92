import Foundation
import Simulators
import Synchronization

/// One tenant of the demo: its account, its org, and the people who work in both.
final class DemoTenant: Sendable {
    /// Where a person of the demo came from, which tells where she must be found in the end.
    enum Origin: Sendable {
        case salesforceContact, salesforceLead
        /// Came by the automation action, to become a contact or a lead.
        case automationContact, automationLead

        var tag: String {
            switch self {
            case .salesforceContact: "created-from-salesforce-contact"
            case .salesforceLead: "created-from-salesforce-lead"
            case .automationContact: "added-to-salesforce-contact"
            case .automationLead: "added-to-salesforce-lead"
            }
        }

        var object: String {
            switch self {
            case .salesforceContact, .automationContact: "Contact"
            case .salesforceLead, .automationLead: "Lead"
            }
        }
    }

    /// How the tenant is set up and how many people it has.
    struct Profile: Sendable {
        let id: String
        let hasPackage: Bool
        let intervalHours: Int
        let contactSelection: String
        let leadSelection: String
        let contacts: Int
        let leads: Int
        let subscribers: Int
    }

    let profile: Profile
    let account: ActiveCampaignAccount
    let org: SalesforceOrg
    let fields = DemoField.standard + DemoField.custom
    /// People who must agree in the end, by address.
    private let people = Mutex<[String: Origin]>([:])
    /// People who must stay out of ActiveCampaign.
    private let outsiders = Mutex<Set<String>>([])

    var id: String { profile.id }

    init(profile: Profile, account: ActiveCampaignAccount, org: SalesforceOrg) {
        self.profile = profile
        self.account = account
        self.org = org
        account.addField(title: "Favourite", type: .text)
        account.addField(title: "Visits", type: .text)
        account.addField(title: "Member", type: .checkbox, options: ["true"])
        account.addField(title: "Renewal", type: .date)
        for object in ["Contact", "Lead"] {
            org.addCustomField(object, "Favourite__c", .text(length: 80))
            org.addCustomField(object, "Visits__c", .number(precision: 10, scale: 2))
            org.addCustomField(object, "Member__c", .checkbox(default: false))
            org.addCustomField(object, "Renewal__c", .date)
        }
    }

    // MARK: - What people do

    /// Salesforce users enter contacts and leads; a few without an address, and, where marking decides, some unmarked.
    func enterPeopleInSalesforce() throws {
        try enter("Contact", count: profile.contacts, origin: .salesforceContact, selection: profile.contactSelection)
        try enter("Lead", count: profile.leads, origin: .salesforceLead, selection: profile.leadSelection)
        try org.actAsUser { actions in
            _ = try actions.create("Contact", ["LastName": .text("Without an address")])
        }
    }

    private func enter(_ object: String, count: Int, origin: Origin, selection: String) throws {
        guard count > 0 else { return }
        var entered: [String: Origin] = [:]
        var left: Set<String> = []
        try org.actAsUser { actions in
            for number in 1...count {
                let email = "\(object.lowercased())\(number)@\(self.id).example"
                var values = Self.values(number)
                values["Email"] = .text(email)
                if object == "Lead" { values["Company"] = .text("Company \(number % 97)") }
                let isMarked = selection != "marked" || !number.isMultiple(of: 4)
                if selection == "marked" { values["AC_Sync__c"] = .bool(isMarked) }
                _ = try actions.create(object, values)
                if selection == "none" || !isMarked { left.insert(email) } else { entered[email] = origin }
            }
        }
        people.withLock { $0.merge(entered) { first, _ in first } }
        outsiders.withLock { $0.formUnion(left) }
    }

    private static func values(_ number: Int) -> [String: FieldValue] {
        var values: [String: FieldValue] = [
            "FirstName": .text(firstNames[number % firstNames.count]),
            "LastName": .text(lastNames[number / firstNames.count % lastNames.count] + " \(number)"),
            "Phone": .text("+49 30 \(1_000_000 + number)"), "Member__c": .bool(number.isMultiple(of: 3)),
        ]
        if number.isMultiple(of: 2) { values["Favourite__c"] = .text("Ferry no. \(number % 11)") }
        if number.isMultiple(of: 5) { values["Visits__c"] = .number(Double(number) / 4) }
        if number.isMultiple(of: 7) { values["Renewal__c"] = .date(20_000 + number) }
        return values
    }

    /// People sign up in ActiveCampaign; some reach an automation that creates them in Salesforce (R15, R16).
    func signUpPeopleInActiveCampaign() throws {
        for number in 1...max(1, profile.subscribers) {
            let email = "subscriber\(number)@\(id).example"
            let contact = try account.actAsPerson { person in
                try person.addContact(
                    email: email, firstName: Self.firstNames[number % Self.firstNames.count],
                    lastName: number.isMultiple(of: 9) ? "" : "Subscriber \(number)",
                    fields: ["FAVOURITE": "Newsletter \(number % 5)"])
            }
            if number.isMultiple(of: 3) {
                try account.runAutomation(.createContactInSalesforce, contact: contact)
                people.withLock { $0[email] = .automationContact }
            } else if number.isMultiple(of: 5) {
                try account.runAutomation(.createLeadInSalesforce, contact: contact)
                people.withLock { $0[email] = .automationLead }
            }
        }
    }

    /// People edit synced contacts in ActiveCampaign.
    func editInActiveCampaign(round: Int) throws {
        for contact in account.contacts() where contact.id.isMultiple(of: 6) && isPerson(contact.email) {
            try account.actAsPerson { person in
                try person.edit(
                    contact.id,
                    ActiveCampaignEdit(
                        phone: "+49 40 \(round)\(contact.id)",
                        fields: ["VISITS": String(contact.id % 50), "MEMBER": "||true||"]))
            }
        }
    }

    /// Somebody changes the same people on both sides; Salesforce must win (R53).
    /// - Returns: how many.
    func provokeConflicts() throws -> Int {
        let chosen = account.contacts().filter { $0.id.isMultiple(of: 40) && isPerson($0.email) }
        let records = Dictionary(
            (org.records("Contact") + org.records("Lead")).compactMap { record in
                record["Email"].text.map { ($0.lowercased(), record) }
            }, uniquingKeysWith: { first, _ in first })
        var count = 0
        try org.actAsUser { actions in
            for contact in chosen {
                guard let record = records[contact.email.lowercased()] else { continue }
                try actions.update(record.object, record.id, ["Phone": .text("+49 89 \(contact.id)")])
                count += 1
            }
        }
        for contact in chosen where records[contact.email.lowercased()] != nil {
            try account.actAsPerson { person in
                try person.edit(
                    contact.id, ActiveCampaignEdit(phone: "+1 555 \(contact.id)", fields: ["FAVOURITE": "Lost"]))
            }
        }
        return count
    }

    // MARK: - What must be true in the end

    /// People who must agree.
    var expected: Int { people.withLock { $0.count } }

    private func isPerson(_ email: String) -> Bool { people.withLock { $0[email.lowercased()] != nil } }

    /// Everything on which the two sides do not agree, in sentences; empty when they do.
    func disagreements() -> [String] {
        let (people, outsiders) = (people.withLock { $0 }, outsiders.withLock { $0 })
        var found: [String] = []
        let contacts = Dictionary(grouping: account.contacts(), by: { $0.email.lowercased() })
        let records = Dictionary(
            grouping: org.records("Contact") + org.records("Lead"), by: { $0["Email"].text?.lowercased() ?? "" })
        for (email, origin) in people.sorted(by: { $0.key < $1.key }) {
            let (mine, theirs) = (contacts[email] ?? [], records[email] ?? [])
            guard mine.count == 1, theirs.count == 1 else {
                found.append(
                    "\(email): \(mine.count) contacts in ActiveCampaign, \(theirs.count) records in Salesforce")
                continue
            }
            if theirs[0].object != origin.object { found.append("\(email): is a \(theirs[0].object)") }
            if !mine[0].tags.contains(origin.tag) { found.append("\(email): lacks the tag \(origin.tag)") }
            found += differences(mine[0], theirs[0], origin: origin)
        }
        for email in outsiders where contacts[email] != nil {
            found.append("\(email): should not be in ActiveCampaign")
        }
        return found
    }

    private func differences(
        _ contact: ActiveCampaignContact, _ record: SalesforceRecord, origin: Origin
    ) -> [String] {
        fields.compactMap { field in
            let (left, right) = (field.text(of: contact), field.text(of: record))
            if left == right { return nil }
            // D2: a fallback is written to Salesforce on creation only and never flows back.
            if field.salesforceName == "LastName", left == nil, contact.email.lowercased().hasPrefix(right ?? "-") {
                return nil
            }
            return "\(contact.email): \(field.salesforceName) differs"
        }
    }

    private static let firstNames = ["Ada", "Bo", "Cleo", "Dora", "Emil", "Fatma", "Gil", "Hana", "Ivo", "Jun", "Kofi"]
    private static let lastNames = ["Abel", "Brandt", "Chen", "Diaz", "Eriksen", "Fuchs", "Gupta", "Haddad", "Ito"]
}
