import Foundation
import SyncRules

/// One outbound batch, cut into the steps between which anything may happen: read, write (the ledger first), commit.
struct OutboundRun {
    private struct Item {
        var contact: World.Contact
        /// The pending change's own number.
        var number: Int
        var links: [Link]
        var versions: [String: Int]
        var intent: OutboundIntent
        var settled: Link?
        var consumed: [World.Echo] = []
        /// False while the item's change must stay pending.
        var isDone = true
        /// True when the link is stored, but the change is settled by the next run.
        var staysPending = false
    }

    private var items: [Item] = []

    /// What was decided, for the story of a failed history.
    var story: String {
        items.map { item in
            switch item.intent {
            case .drop(let code, let reason): "\(item.contact.id) dropped \(code.name) \(reason)"
            case .create(let object): "\(item.contact.id) creates \(object.name)"
            case .update(let link, let changed): "\(item.contact.id) updates \(link.recordID) \(changed)"
            case .observe(let link): "\(item.contact.id) observes \(link.recordID)"
            }
        }.joined(separator: ", ")
    }

    // MARK: - Read

    /// Reads the pending contacts and their links.
    init(_ world: World) {
        let echoes = Dictionary(grouping: world.ledger, by: \.recordID)
        func prints(_ side: Side) -> [String: [Fingerprint]] {
            echoes.mapValues { $0.filter { $0.side == side }.map(\.fingerprint) }
        }
        let (recordEchoes, contactEchoes) = (prints(.salesforce), prints(.activeCampaign))
        for (id, number) in world.pendingContacts.sorted(by: { $0.key < $1.key }) {
            guard let contact = world.contacts[id] else { continue }
            let links = world.links(of: id)
            let intent = world.outbound.intent(
                for: contact.read, links: links, echoes: recordEchoes, contactEchoes: contactEchoes)
            items.append(
                Item(
                    contact: contact, number: number, links: links,
                    versions: Dictionary(
                        uniqueKeysWithValues: links.map { ($0.recordID, world.links[$0.recordID]?.version ?? 0) }),
                    intent: intent))
        }
    }

    // MARK: - Write

    /// Writes the items; stops after `limit` of them, as a killed worker does.
    mutating func write(_ world: inout World, limit: Int) {
        for index in items.indices.prefix(limit) {
            switch items[index].intent {
            case .drop, .observe: continue
            case .create(let object): create(index, object, &world)
            case .update(let link, let changed): update(index, link, changed, &world)
            }
        }
    }

    private mutating func create(_ index: Int, _ object: ObjectKind, _ world: inout World) {
        let contact = items[index].contact.read
        let candidates = world.records.values.map { $0.read(hasPackage: world.hasPackage) }
            .filter { $0.email == contact.email || $0.contactID == contact.id }
        let taken = Set(world.links.values.filter { $0.link.contactID != contact.id }.map(\.link.recordID))
        if let match = OutboundRules.match(candidates: candidates, taken: taken) {
            return link(index, to: match.record, &world)
        }
        let rules = world.outbound
        let creation = rules.creation(of: object, for: contact)
        let id = "\(object.name)-\(world.nextNumber())"
        let echo = World.Echo(
            side: .salesforce, recordID: "new:\(contact.id)", fingerprint: rules.fingerprint(of: creation, object),
            number: world.nextNumber())
        world.ledger.insert(echo)
        items[index].consumed = [echo]
        world.create(id, object, creation, rules.projector(of: object), contactID: contact.id)
        items[index].settled = rules.link(of: object, recordID: id, for: contact, after: creation)
        items[index].versions[id] = 0
    }

    private mutating func link(_ index: Int, to record: SalesforceRecord, _ world: inout World) {
        // Linked by a pull since the contact was read: the next run updates it.
        guard world.links[record.id] == nil else { return items[index].isDone = false }
        let contact = items[index].contact.read
        let echoes = record.contactID == contact.id ? world.echoes(.salesforce, of: "new:\(contact.id)") : []
        let earlier = world.echoes(.salesforce, of: record.id)
        let match = world.outbound.matching(
            record, for: contact, echoes: echoes.map(\.fingerprint), earlier: earlier.map(\.fingerprint),
            contactEchoes: world.echoes(.activeCampaign, of: record.id).map(\.fingerprint))
        items[index].versions[record.id] = 0
        let echo = World.Echo(
            side: .salesforce, recordID: record.id, fingerprint: Fingerprint(match.write.projection),
            number: world.nextNumber())
        if !match.isEmpty { world.ledger.insert(echo) }
        items[index].consumed = echoes + earlier + [echo]
        if match.isEmpty || world.writeToSalesforce(match.write, link: match.link, touch: match.touch) {
            items[index].settled = match.link
        } else {
            items[index].isDone = false
        }
    }

    private mutating func update(
        _ index: Int, _ link: Link, _ changed: [String], _ world: inout World
    ) {
        let rules = world.outbound
        let contact = items[index].contact.read
        let projection = rules.projector(of: link.object).project(contact)
        let write = rules.projector(of: link.object).write(
            projection, changed: changed, to: .salesforce, target: link.recordFingerprint,
            clearsBlanks: world.settings.clearsBlanks)
        let echoes = world.echoes(.salesforce, of: link.recordID)
        items[index].consumed = echoes
        if write.isEmpty {
            items[index].settled = link.settled(
                writing: write, of: projection, email: contact.email, echoes: echoes.map(\.fingerprint))
            return
        }
        switch rules.verdict(
            of: write, link: link, state: world.state(of: link), echoes: echoes.map(\.fingerprint))
        {
        case .alreadyThere:
            items[index].settled = link.settled(
                writing: write, of: projection, email: contact.email, echoes: echoes.map(\.fingerprint))
        case .salesforceWins:
            items[index].settled = link.settled(losing: changed, of: projection)
        case .missing:
            items[index].settled = link
            items[index].settled?.state = .missing
            items[index].staysPending = true
        case .write where world.isGone(link):
            items[index].settled = link
            items[index].settled?.state = .missing
            items[index].staysPending = true
        case .write:
            let echo = World.Echo(
                side: .salesforce, recordID: link.recordID, fingerprint: Fingerprint(write.projection),
                number: world.nextNumber())
            world.ledger.insert(echo)
            items[index].consumed.append(echo)
            if world.writeToSalesforce(write, link: link) {
                items[index].settled = link.settled(
                    writing: write, of: projection, email: contact.email, echoes: echoes.map(\.fingerprint))
            } else {
                items[index].settled = link.settled(losing: changed, of: projection)
            }
        }
    }

    // MARK: - Commit

    /// Stores what was settled, unless a link was stored by somebody else since it was read.
    func commit(_ world: inout World) {
        for item in items where item.isDone {
            if let link = item.settled {
                guard world.links[link.recordID]?.version ?? 0 == item.versions[link.recordID] ?? 0 else { continue }
                guard world.store(link) else { continue }
                world.ledger.subtract(item.consumed)
            }
            if !item.staysPending, world.pendingContacts[item.contact.id] == item.number {
                world.pendingContacts[item.contact.id] = nil
            }
        }
    }
}

extension World {
    /// Salesforce as an outbound batch sees it just before it writes.
    func state(of link: Link) -> SalesforceState {
        if hasPackage { return .guardedByPackage }
        guard let held = records[link.recordID], !held.record.isDeleted else { return .gone }
        return .read(projector(link.object).project(held.record), status: nil)
    }

    /// ENTITY_IS_DELETED, where nothing was read before the write.
    func isGone(_ link: Link) -> Bool { records[link.recordID]?.record.isDeleted ?? true }

    /// A collections row: refused by the package when the record waits with a change we have not read.
    mutating func writeToSalesforce(
        _ write: FieldWrite, link: Link, touch same: [String: SalesforceFieldValue] = [:]
    ) -> Bool {
        let projector = projector(link.object)
        checkDirection(write, projector, to: .salesforce)
        guard let held = records[link.recordID], !held.record.isDeleted else { return false }
        if hasPackage, held.isWaiting, held.sequence != link.changeSequence { return false }
        writes += 1
        touch(link.recordID) { record in
            record.record.fields.merge(projector.salesforceValues(of: write)) { $1 }
            record.record.fields.merge(same) { $1 }
            record.record.contactID = link.contactID
            record.isWaiting = false
        }
        return true
    }

    mutating func create(
        _ id: String, _ object: ObjectKind, _ creation: RecordCreation, _ projector: Projector, contactID: Int64
    ) {
        writes += 1
        created += 1
        checkDirection(creation.write, projector, to: .salesforce)
        var record = SalesforceRecord(
            id: id, object: object,
            fields: projector.salesforceValues(of: creation.write).merging(creation.fallbacks) { $1 },
            createdAt: start + 10, modifiedAt: start + 10)
        // A field that was not written is null, and a checkbox false; the answer has them all.
        for field in projector.salesforceFields where record.fields[field] == nil { record.fields[field] = .null }
        record.contactID = contactID
        record.isMarked = false
        save(Record(record: record, person: contacts[contactID]?.person ?? 0, madeByUs: true))
    }

    /// Stores a link; refused when the contact has another active link of the object, as the unique index does.
    mutating func store(_ link: Link) -> Bool {
        let twins = links(of: link.contactID).filter { $0.object == link.object && $0.recordID != link.recordID }
        if link.state == .active, twins.contains(where: { $0.state == .active }) { return false }
        links[link.recordID] = (link, (links[link.recordID]?.version ?? 0) + 1)
        return true
    }

    mutating func checkDirection(_ write: FieldWrite, _ projector: Projector, to side: Side) {
        for field in write.fields where projector.mapping(of: field)?.writes(to: side) != true {
            violations.append("\(field) written to \(side) against its mapping")
        }
        if side == .activeCampaign, write.projection[OptOutRules.salesforceField] == .checkbox(false) {
            violations.append("somebody was subscribed again")
        }
    }
}
