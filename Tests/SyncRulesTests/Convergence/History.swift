import Foundation
import SyncRules
import TestSupport

/// A random history: users of both sides, batches and pulls in any order and cut anywhere, then peace.
struct History {
    var world = World()
    private var random: SeededGenerator
    private var outboundRun: OutboundRun?
    private var inboundRun: InboundRun?
    private var people = 0
    /// Whether a batch and a pull of the tenant may overlap.
    private let overlaps: Bool
    private(set) var log: [String] = []
    private let keepsLog: Bool

    static let customFields = ["Note__c": "custom:NOTE", "Score__c": "custom:SCORE", "VIP__c": "custom:VIP"]

    /// - Parameter isPlain: without opting out and moving clocks, and with one field only of another update mode: as
    ///   histories were before.
    init(seed: UInt64, isPlain: Bool = false, keepsLog: Bool = false) {
        random = SeededGenerator(seed: seed)
        self.keepsLog = keepsLog
        overlaps = random.chance(50)
        world.hasPackage = random.chance(50)
        world.settings.clearsBlanks = random.chance(70)
        world.settings.contactSelection = random.chance(75) ? .new : .marked
        world.settings.leadSelection = world.settings.contactSelection
        let known: [UpdateMode] = [.always, .fillBlank, .toActiveCampaign, .toSalesforce, .never]
        let noteMode = random.chance(60) ? .always : known.randomElement(using: &random) ?? .always
        world.settings.syncsOptOut = !isPlain && random.chance(60)
        var modes = ["Note__c": noteMode]
        var copiesBlanks: Bool?
        if !isPlain {
            for field in Self.customFields.keys.sorted() where random.chance(40) {
                modes[field] = UpdateMode.allCases.randomElement(using: &random)
            }
            if random.chance(30) { copiesBlanks = random.chance(50) }
        }
        world.rows = [ObjectKind.contact, .lead].flatMap { Self.rows(of: $0, modes: modes, copiesBlanks: copiesBlanks) }
        world.settleRules()
        if !isPlain { world.clocks = ProviderClocks(seed: seed) }
    }

    static func rows(of object: ObjectKind, modes: [String: UpdateMode], copiesBlanks: Bool?) -> [FieldMapping] {
        let types: [String: (SalesforceFieldType, ActiveCampaignFieldType)] = [
            "Note__c": (.text, .text), "Score__c": (.number, .text), "VIP__c": (.checkbox, .checkbox),
        ]
        return customFields.sorted { $0.key < $1.key }.compactMap { field, target in
            guard let target = ActiveCampaignField(target), let types = types[field] else { return nil }
            return FieldMapping(
                object: object, salesforceField: field, activeCampaignField: target, salesforceType: types.0,
                activeCampaignType: types.1, updateMode: modes[field] ?? .always, copiesBlanks: copiesBlanks)
        }
    }

    // MARK: - War

    mutating func run(steps: Int) {
        for _ in 0..<steps { step() }
    }

    private mutating func step() {
        world.clocks?.tick()
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<8: addContact()
        case 8..<16: addRecord()
        case 16..<36: editContact()
        case 36..<56: editRecord()
        case 56..<60: requestCreation()
        case 60..<62: deleteOrUndelete()
        case 62..<81: moveOutbound()
        default: moveInbound()
        }
    }

    private mutating func note(_ text: @autoclosure () -> String) {
        if keepsLog { log.append(text()) }
    }

    private func email(_ person: Int) -> String { "p\(person)@x.example" }

    private mutating func somebody() -> Int {
        if people == 0 || (people < 3 && random.chance(40)) { people += 1 }
        return Int.random(in: 1...people, using: &random)
    }

    private mutating func addContact() {
        let person = somebody()
        let address = email(person)
        guard !world.contacts.values.contains(where: { $0.fields["email"] == address }) else { return }
        let id = Int64(world.nextNumber())
        var contact = World.Contact(id: id, person: person, fields: ["email": address, "lastName": "L\(id)"], tags: [])
        if random.chance(30) { contact.fields["lastName"] = nil }
        if random.chance(60) { contact.tags.insert(random.chance(70) ? .addedToContact : .addedToLead) }
        contact.userSet = ["LastName": contact.fields["lastName"] ?? "", "Email": address]
        world.save(contact)
        note("AC new \(id) \(contact.fields) \(contact.tags.map(\.rawValue))")
    }

    private mutating func addRecord() {
        let person = somebody()
        let address = email(person)
        let object: ObjectKind = random.chance(70) ? .contact : .lead
        let id = "\(object.name)-\(world.nextNumber())"
        var record = SalesforceRecord(
            id: id, object: object, fields: ["Email": .string(address), "LastName": .string("S\(id)")],
            createdAt: world.start + 5, modifiedAt: world.start + 5)
        for field in world.projector(object).salesforceFields where record.fields[field] == nil {
            record.fields[field] = .null
        }
        record.isMarked = random.chance(60)
        world.save(
            World.Record(
                record: record, person: person, userSet: record.fields.filter { $0.value != .null }, isWaiting: true,
                sequence: 1))
        note("SF new \(id) \(address) marked \(record.isMarked ?? false)")
    }

    private mutating func editContact() {
        guard let id = world.contacts.keys.sorted().randomElement(using: &random) else { return }
        let mapping = world.projector(.contact).mappings.filter { $0.salesforceField != "Email" }
            .randomElement(using: &random)
        guard let mapping else { return }
        let value = text(for: mapping.salesforceField)
        note("AC \(id) \(mapping.salesforceField) = '\(value)'")
        world.touch(id) {
            $0.fields[mapping.activeCampaignField.description] = value
            $0.userSet[mapping.salesforceField] = value
        }
    }

    private mutating func editRecord() {
        guard let id = world.records.keys.sorted().randomElement(using: &random), let held = world.records[id],
            !held.record.isDeleted
        else { return }
        var fields = world.projector(held.record.object).salesforceFields
        // An address that changes between a contact's creation and the link being stored leaves that contact behind.
        if world.links[id] == nil { fields.removeAll { $0 == "Email" } }
        if world.settings.contactSelection == .marked { fields.append("marker") }
        guard let field = fields.randomElement(using: &random) else { return }
        let value = text(for: field)
        let fresh = world.nextNumber()
        world.touch(id) { record in
            record.isWaiting = true
            record.wasSavedByUser = true
            record.sequence += 1
            if field == "marker" {
                record.record.isMarked = !(record.record.isMarked ?? false)
            } else {
                record.record.fields[field] = Self.wire(value, of: field, fresh: fresh)
                record.userSet[field] = record.record.fields[field]
            }
        }
        note("SF \(id) \(field) = '\(value)' (\(fresh))")
    }

    private static func wire(_ value: String, of field: String, fresh: Int) -> SalesforceFieldValue {
        switch field {
        case "VIP__c", OptOutRules.salesforceField: .bool(!value.isEmpty)
        case "Score__c": value.isEmpty ? .null : .number(value)
        case "LastName": .string(value.isEmpty ? "X" : value)
        // Addresses change to ones nobody ever had; a collision is the providers' to refuse.
        case "Email": value.isEmpty ? .null : .string("q\(fresh)@x.example")
        default: value.isEmpty ? .null : .string(value)
        }
    }

    private mutating func text(for field: String) -> String {
        if random.chance(25) { return "" }
        switch field {
        case "VIP__c", OptOutRules.salesforceField: return "||true||"
        case "Score__c": return random.chance(50) ? "1" : "2.50"
        default: return random.chance(50) ? "a" : "b"
        }
    }

    private mutating func requestCreation() {
        guard let id = world.contacts.keys.sorted().randomElement(using: &random) else { return }
        let tag: SyncTag = random.chance(70) ? .addedToContact : .addedToLead
        note("AC \(id) tag \(tag)")
        world.touch(id) { $0.tags.insert(tag) }
    }

    private mutating func deleteOrUndelete() {
        guard let id = world.links.keys.sorted().randomElement(using: &random) else { return }
        note("SF \(id) delete or undelete")
        world.touch(id) { record in
            record.record.isDeleted.toggle()
            record.wasDeleted = true
            record.isWaiting = true
            record.wasSavedByUser = true
            record.sequence += 1
        }
    }

    // MARK: - Runs

    private mutating func moveOutbound() {
        if inboundRun != nil, !overlaps { return }
        guard var run = outboundRun else {
            world.findContacts()
            let run = OutboundRun(world)
            outboundRun = run
            return note("outbound read: \(run.story)")
        }
        if random.chance(30) {
            // Killed somewhere between the first write and the commit.
            let limit = Int.random(in: 0...4, using: &random)
            run.write(&world, limit: limit)
            note("outbound killed after \(limit)")
        } else {
            run.write(&world, limit: .max)
            run.commit(&world)
            note("outbound done")
        }
        outboundRun = nil
    }

    private mutating func moveInbound() {
        if outboundRun != nil, !overlaps { return }
        guard var run = inboundRun else {
            world.findRecords()
            let again = random.chance(20) ? Set(world.records.keys) : []
            let run = InboundRun(world, again: again)
            inboundRun = run
            return note("inbound read: \(run.story)")
        }
        if random.chance(30) {
            let limit = Int.random(in: 0...4, using: &random)
            run.write(&world, limit: limit)
            note("inbound killed after \(limit)")
        } else {
            run.write(&world, limit: .max)
            run.commit(&world)
            note("inbound done")
        }
        inboundRun = nil
    }

    // MARK: - Peace

    /// Rounds until a whole round writes nothing; nil when that never comes.
    mutating func settle(within rounds: Int) -> Int? {
        outboundRun = nil
        inboundRun = nil
        for round in 1...rounds {
            let before = world.writes
            wholeRound()
            let written = world.writes - before
            note("round \(round): \(written) writes")
            if written == 0, world.pendingContacts.isEmpty, world.changedRecords.isEmpty,
                world.clocks?.isThrough ?? true
            {
                return round
            }
        }
        return nil
    }

    /// A pull and a batch, undisturbed.
    mutating func wholeRound() {
        world.clocks?.rest()
        world.findRecords()
        var inbound = InboundRun(world)
        note("pull: \(inbound.story)")
        inbound.write(&world, limit: .max)
        inbound.commit(&world)
        world.findContacts()
        var outbound = OutboundRun(world)
        note("batch: \(outbound.story)")
        outbound.write(&world, limit: .max)
        outbound.commit(&world)
    }

    /// A round that reads everything again, as a deep sweep and a poll with a large overlap do.
    mutating func deepRound() {
        world.changedRecords = Set(world.records.keys)
        for id in world.contacts.keys { world.review(id) }
        wholeRound()
    }
}
