import Foundation
import SyncRules
import Testing

/// Who has the word on a field that changed here, there, or on both sides: the table of sync-traps 1f, whole (R63, R68, T27).
@Suite struct FieldContestTests {
    typealias Fix = Fixtures

    enum Change: CaseIterable { case here, there, bothHereLast, bothThereLast }

    /// Both sides of one field that held `old` when they agreed, and what was said of it since.
    private struct Pair {
        var here = "old"
        var there = "old"
        var hereAt: Date? = Fix.start
        var thereAt = Fix.start
        var link: Link
        var said: Set<DecisionCode> = []
        let rows: [FieldMapping]
        let outbound: OutboundRules
        let inbound: InboundRules

        init(_ mode: UpdateMode, copiesBlanks: Bool) throws {
            var mapping = try Fix.mapping(mode: mode)
            mapping.copiesBlanks = copiesBlanks
            rows = [mapping]
            var settings = SyncSettings()
            settings.clearsBlanks = !copiesBlanks
            outbound = Fix.outbound(rows, settings: settings)
            inbound = Fix.inbound(rows, settings: settings)
            link = Fix.link(
                rows, contact: Fix.contact(["custom:NOTE": "old"]), record: Fix.record(["Note__c": .string("old")]))
        }

        private var contact: ActiveCampaignContact {
            var contact = Fix.contact(["custom:NOTE": here], tags: [.createdFromContact])
            contact.changedAt = hereAt
            return contact
        }

        private var record: SalesforceRecord {
            var record = Fix.record(["Note__c": there.isEmpty ? .null : .string(there)])
            record.modifiedAt = thereAt
            return record
        }

        mutating func batch() {
            guard case .update(let link, let changed) = outbound.intent(for: contact, links: [link]) else { return }
            let projection = outbound.contacts.project(contact)
            let held = outbound.contacts.project(record)
            let write = outbound.contacts.write(
                projection, changed: changed, to: .salesforce, target: link.recordFingerprint,
                clearsBlanks: outbound.settings.clearsBlanks)
            said.formUnion(write.kept.values)
            switch outbound.verdict(of: write, link: link, state: .read(held, status: nil), echoes: []) {
            case .salesforceWins:
                said.insert(.conflictLost)
                self.link = link.settled(losing: changed, of: projection)
            case .write, .alreadyThere, .missing:
                if !write.isEmpty { there = here }
                self.link = link.settled(writing: write, of: projection, email: contact.email)
            }
        }

        mutating func pull() {
            let projector = inbound.projector
            let weighed = link.weighed(
                projector.project(record), against: projector.project(contact), by: projector, contactEchoes: [])
            switch inbound.intent(
                for: record, link: weighed, owners: [], echoes: [], contactChangedAt: contact.changedAt)
            {
            case .update(let link, let write):
                said.formUnion(write.kept.values)
                if !write.isEmpty { here = there }
                self.link = link
            case .acknowledge(let link, _, _): self.link = link
            case .drop, .create, .adopt, .markMissing: break
            }
        }
    }

    /// Where the two sides end, as (here, there).
    private func expected(
        _ mode: UpdateMode, _ change: Change, _ here: String, _ there: String, copies: Bool
    ) -> (String, String) {
        /// A value goes to the other side, unless it is a blank that is not copied.
        func goes(_ value: String) -> Bool { copies || !value.isEmpty }
        let toThere = goes(here) ? (here, here) : (here, there)
        let toHere = goes(there) ? (there, there) : (here, there)
        // A pull that may not clear ActiveCampaign leaves it the word.
        let salesforceFirst = goes(there) ? toHere : toThere
        switch (mode, change) {
        case (.never, _), (.fillBlank, _), (.toActiveCampaign, .here), (.toSalesforce, .there): return (here, there)
        case (.salesforceUnlessBlank, .here): return toHere
        case (.toSalesforce, _), (_, .here): return toThere
        case (.toActiveCampaign, _), (_, .there): return toHere
        case (.activeCampaignWins, _), (.newestField, .bothHereLast): return toThere
        case (.always, _), (.newestField, _), (.salesforceUnlessBlank, _): return salesforceFirst
        }
    }

    @Test(arguments: UpdateMode.allCases, Change.allCases)
    func R63_T27_theTableOfRulesIsTotal(mode: UpdateMode, change: Change) throws {
        for (mine, theirs, copies, startsWithPull) in Self.cases {
            let here = change == .there ? "old" : mine
            let there = change == .here ? "old" : theirs
            var pair = try Pair(mode, copiesBlanks: copies)
            (pair.here, pair.there) = (here, there)
            (pair.hereAt, pair.thereAt) = (Fix.start + 100, Fix.start + (change == .bothHereLast ? 50 : 150))
            if startsWithPull { pair.pull() }
            for _ in 1...3 {
                pair.batch()
                pair.pull()
            }
            let wanted = expected(mode, change, here, there, copies: copies)
            let name = "\(mode) \(change) '\(here)' '\(there)' copies \(copies) pull first \(startsWithPull)"
            if mode == .fillBlank, here.isEmpty != there.isEmpty {
                // Whichever run comes first finds the blank, or the value that was there before.
                #expect([pair.here, pair.there].allSatisfy { $0.isEmpty || $0 == here + there }, "\(name)")
            } else if mode.weighsBothSides, wanted == ("", "theirs") {
                // A blank that is not copied has nothing to say to Salesforce; by which run is first it stays, or is filled.
                #expect(pair.there == "theirs" && ["", "theirs"].contains(pair.here), "\(name)")
            } else {
                #expect((pair.here, pair.there) == wanted, "\(name): \(pair.here), \(pair.there)")
            }
            if pair.here != pair.there { #expect(!pair.said.isEmpty, "\(name): kept apart in silence") }
            if change == .bothHereLast, mode == .activeCampaignWins || mode == .newestField, !mine.isEmpty,
                mine != theirs
            {
                #expect(pair.said.contains(.conflictLost), "\(name): the loser is on record")
            }
            let before = pair
            pair.batch()
            pair.pull()
            #expect(pair.here == before.here && pair.there == before.there, "\(name): then nothing is written")
        }
    }

    private static let cases = ["mine", ""].flatMap { mine in
        ["theirs", ""].flatMap { theirs in
            [true, false].flatMap { copies in [true, false].map { (mine, theirs, copies, $0) } }
        }
    }

    @Test func R63_equalOrUnknownTimesAreSalesforces() throws {
        for at in [Fix.start + 50, nil] as [Date?] {
            var pair = try Pair(.newestField, copiesBlanks: true)
            (pair.here, pair.there) = ("mine", "theirs")
            (pair.hereAt, pair.thereAt) = (at, Fix.start + 50)
            pair.pull()
            #expect(pair.here == "theirs")
        }
    }

    @Test func R63_whatSalesforceDidNotTakeIsReplacedWhenTheRecordIsNextRead() throws {
        var pair = try Pair(.salesforceUnlessBlank, copiesBlanks: true)
        pair.here = "mine"
        pair.batch()
        #expect(pair.there == "old" && pair.said == [.readonlyObserved])
        pair.pull()
        #expect(pair.here == "old")
    }
}
