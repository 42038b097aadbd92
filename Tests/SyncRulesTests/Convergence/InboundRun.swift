import SyncRules

extension InboundIntent {
    /// Whether the record gets a link, if it has none yet.
    fileprivate var enters: Bool {
        switch self {
        case .create, .adopt, .update, .acknowledge: true
        case .drop, .markMissing: false
        }
    }
}

/// One inbound pull of both objects, cut into read, write (the ledger first), commit.
struct InboundRun {
    private struct Item {
        var record: World.Record
        var version: Int
        var intent: InboundIntent
        var contactEchoes: [World.Echo]
        var settled: Link?
        var acknowledges = false
        var isSettled = false
    }

    private var items: [Item] = []

    /// What was decided, for the story of a failed history.
    var story: String {
        items.map { item in
            let id = item.record.record.id
            return switch item.intent {
            case .drop(let code, let reason): "\(id) dropped \(code.name) \(reason)"
            case .acknowledge(_, let code, let reason): "\(id) acknowledged \(code.name) \(reason)"
            case .update(let link, let write): "\(id) updates \(link.contactID) \(write.fields)"
            case .create(let email, let write): "\(id) creates \(email.normalized) \(write.fields)"
            case .adopt(let contactID, let write): "\(id) adopts \(contactID) \(write.fields)"
            case .markMissing: "\(id) is gone"
            }
        }.joined(separator: ", ")
    }

    // MARK: - Read

    /// Reads what changed since the cursor, and again some of what it has read before.
    init(_ world: World, again: Set<String> = []) {
        var claimed: Set<EmailAddress> = []
        for id in world.changedRecords.union(again).sorted() {
            guard let held = world.records[id] else { continue }
            let record = held.read(hasPackage: world.hasPackage)
            let contactEchoes = world.echoes(.activeCampaign, of: id)
            let rules = world.inbound(record.object)
            var link = world.links[id]?.link
            let contact = link.flatMap { world.contacts[$0.contactID] }
            if let known = link, known.state == .active, let contact {
                link = known.weighed(
                    rules.projector.project(record), against: rules.projector.project(contact.read),
                    by: rules.projector, contactEchoes: contactEchoes.map(\.fingerprint))
            }
            var intent = rules.intent(
                for: record, link: link, owners: world.owners(of: record),
                echoes: world.recordEchoes(of: record).map(\.fingerprint),
                contactEchoes: contactEchoes.map(\.fingerprint), contactChangedAt: contact?.changedAt)
            // Of several new records of one person in one page the first is taken (D3, R91).
            if world.links[id]?.link.state ?? .missing == .missing, intent.enters, let email = record.email {
                if claimed.insert(email).inserted == false { intent = .drop(.duplicateMatch, reason: "D3") }
            }
            items.append(
                Item(
                    record: held, version: world.links[id]?.version ?? 0, intent: intent, contactEchoes: contactEchoes))
        }
    }

    // MARK: - Write

    /// Writes the items; stops after `limit` of them, as a killed worker does.
    mutating func write(_ world: inout World, limit: Int) {
        for index in items.indices.prefix(limit) {
            let record = items[index].record.read(hasPackage: world.hasPackage)
            let rules = world.inbound(record.object)
            items[index].isSettled = true
            switch items[index].intent {
            case .drop: break
            case .acknowledge(let link, _, _):
                items[index].settled = link
                items[index].acknowledges = true
            case .markMissing(var link):
                link.state = .missing
                items[index].settled = link
            case .update(let link, let write):
                items[index].settled = link
                items[index].acknowledges = true
                if write.isEmpty { break }
                world.writeToContact(
                    link.contactID, write, rules.projector, recordID: record.id, item: &items[index].contactEchoes)
            case .create(let email, let write):
                world.checkDirection(write, rules.projector, to: .activeCampaign)
                world.intend(write, recordID: record.id, item: &items[index].contactEchoes)
                let id = world.syncContact(
                    rules.projector.activeCampaignValues(of: write), email: email,
                    tag: SyncTag.createdFrom(record.object), person: items[index].record.person)
                items[index].settled = rules.link(of: record, contactID: id, after: write)
                items[index].acknowledges = true
            case .adopt(let contactID, let write):
                world.writeToContact(
                    contactID, write, rules.projector, recordID: record.id, item: &items[index].contactEchoes)
                items[index].settled = rules.link(of: record, contactID: contactID, after: write)
                items[index].acknowledges = true
            }
        }
    }

    // MARK: - Commit

    /// Stores what was settled and moves the cursor; a link stored by somebody else since leaves its record to be read
    /// again.
    func commit(_ world: inout World) {
        for item in items where item.isSettled {
            let id = item.record.record.id
            guard world.links[id]?.version ?? 0 == item.version else { continue }
            if let link = item.settled {
                let before = world.links[id]?.link
                guard world.store(link) else { continue }
                if let review = InboundRules.contactToReview(before: before, after: item.intent) {
                    world.review(review)
                }
                if case .acknowledge(_, let code, _) = item.intent, code != .unchangedProjection {
                } else {
                    world.ledger.subtract(item.contactEchoes)
                }
            }
            if world.records[id]?.version == item.record.version { world.changedRecords.remove(id) }
            if item.acknowledges { world.acknowledge(id, sequence: item.record.sequence) }
        }
    }
}

extension World {
    /// Our uncommitted writes to a record: of one without a link, also its creation for its contact.
    func recordEchoes(of record: SalesforceRecord) -> [Echo] {
        let own = echoes(.salesforce, of: record.id)
        guard links[record.id] == nil, let contactID = record.contactID else { return own }
        return own + echoes(.salesforce, of: "new:\(contactID)")
    }

    mutating func writeToContact(
        _ id: Int64, _ write: FieldWrite, _ projector: Projector, recordID: String, item: inout [Echo]
    ) {
        checkDirection(write, projector, to: .activeCampaign)
        intend(write, recordID: recordID, item: &item)
        writes += 1
        touch(id) { $0.take(projector.activeCampaignValues(of: write)) }
    }

    mutating func intend(_ write: FieldWrite, recordID: String, item: inout [Echo]) {
        let echo = Echo(
            side: .activeCampaign, recordID: recordID, fingerprint: Fingerprint(write.projection), number: nextNumber())
        ledger.insert(echo)
        item.append(echo)
    }

    /// The status write-back: compare-and-set on the change we have read; not a sync write.
    mutating func acknowledge(_ id: String, sequence: Int64) {
        guard hasPackage, let held = records[id], held.isWaiting, held.sequence == sequence else { return }
        touch(id) { $0.isWaiting = false }
    }
}
