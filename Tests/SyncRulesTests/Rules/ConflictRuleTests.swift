import SyncRules
import Testing

/// Who wins, and how we know our own writes: R52–R59, D4, T10, T12.
@Suite struct ConflictRuleTests {
    typealias Fix = Fixtures

    private func verdict(
        _ changes: [String: String], held: SalesforceRecord, link: Link = Fix.link(), echoes: [Fingerprint] = [],
        rows: [FieldMapping] = []
    ) -> ConflictVerdict {
        let rules = Fix.outbound(rows)
        let projection = rules.contacts.project(Fix.contact(changes))
        let changed = (link.contactFingerprint ?? Fingerprint()).changedFields(in: projection)
        let write = rules.contacts.write(
            projection, changed: changed, to: .salesforce, target: link.recordFingerprint, clearsBlanks: true)
        return rules.verdict(
            of: write, link: link, state: .read(rules.contacts.project(held), status: held.status), echoes: echoes)
    }

    @Test func R53_waitingRecordWins() {
        #expect(verdict(["phone": "2"], held: Fix.record(status: .waiting)) == .salesforceWins)
    }

    @Test func R54_anotherFieldChangedInSalesforceDiscardsTheWholeChangeSet() {
        #expect(verdict(["phone": "2"], held: Fix.record(["FirstName": .string("Eve")])) == .salesforceWins)
    }

    @Test func R56_withoutAChangeInSalesforceActiveCampaignIsApplied() {
        #expect(verdict(["phone": "2"], held: Fix.record(status: .synced)) == .write)
        #expect(verdict(["phone": "2"], held: Fix.record()) == .write)
    }

    @Test func R56_sameValueOnBothSidesCostsNothing() {
        let held = Fix.record(["Phone": .string("2")], status: .waiting)
        #expect(verdict(["phone": "2"], held: held) == .alreadyThere)
    }

    @Test func R89_recordThatIsGoneIsMissing() {
        let rules = Fix.outbound()
        #expect(rules.verdict(of: FieldWrite(), link: Fix.link(), state: .gone, echoes: []) == .missing)
    }

    @Test func R53_packageDecidesWhereItIsInstalled() {
        let rules = Fix.outbound()
        let projection = rules.contacts.project(Fix.contact(["phone": "2"]))
        let write = rules.contacts.write(
            projection, changed: ["Phone"], to: .salesforce, target: nil, clearsBlanks: true)
        #expect(rules.verdict(of: write, link: Fix.link(), state: .guardedByPackage, echoes: []) == .write)
        #expect(
            rules.verdict(of: FieldWrite(), link: Fix.link(), state: .guardedByPackage, echoes: []) == .alreadyThere)
    }

    @Test func R55_droppedChangeIsTakenBackByTheNextPull() {
        let contact = Fix.contact(["phone": "2"])
        let projection = Fix.projector().project(contact)
        let link = Fix.link().settled(losing: ["Phone"], of: projection)
        let edited = Fix.record(["FirstName": .string("Eve")])
        let intent = Fix.inbound().intent(for: edited, link: link, owners: [], echoes: [])
        #expect(intent.write?.projection.values == ["FirstName": .text("Eve"), "Phone": .text("1")])
        #expect(intent.link?.recordFingerprint?.owes("Phone") == false)
    }

    @Test func R55_droppedChangeIsTakenBackAlsoWhenSalesforceUndoesItsEdit() {
        let projection = Fix.projector().project(Fix.contact(["phone": "2"]))
        let link = Fix.link().settled(losing: ["Phone"], of: projection)
        let intent = Fix.inbound().intent(for: Fix.record(status: .waiting), link: link, owners: [], echoes: [])
        #expect(intent.write?.projection.values == ["Phone": .text("1")])
    }

    @Test func R55_droppedChangeOfAFieldBlankInSalesforceIsClearedInActiveCampaign() {
        let record = Fix.record(["Phone": .null])
        let before = Fix.link(contact: Fix.contact(["phone": ""]), record: record)
        let projection = Fix.projector().project(Fix.contact(["phone": "2"]))
        let link = before.settled(losing: ["Phone"], of: projection)
        let intent = Fix.inbound().intent(for: record, link: link, owners: [], echoes: [])
        #expect(intent.write?.projection.values == ["Phone": .empty])
    }

    @Test(arguments: [UpdateMode.always, .fillBlank, .toSalesforce])
    func T27_whatThePullMayNotTakeBackGoesToSalesforceAfterIt(mode: UpdateMode) throws {
        let rows = [try Fix.mapping(mode: mode)]
        var settings = SyncSettings()
        settings.clearsBlanks = false
        let contact = Fix.contact(["custom:NOTE": "mine"], tags: [.createdFromContact])
        let blank = Fix.record(["Note__c": .null, "FirstName": .string("Eve")])
        let lost = Fix.link(rows, record: Fix.record(["Note__c": .null]))
            .settled(losing: ["Note__c"], of: Fix.projector(rows).project(contact))
        let pull = Fix.inbound(rows, settings: settings).intent(for: blank, link: lost, owners: [], echoes: [])
        #expect(pull.write?.fields == ["FirstName"])
        #expect(pull.write?.kept == ["Note__c": mode == .toSalesforce ? .readonlyObserved : .blankKept])
        let link = try #require(pull.link)
        let after = Fix.contact(["custom:NOTE": "mine", "firstName": "Eve"], tags: [.createdFromContact])
        #expect(Fix.outbound(rows).intent(for: after, links: [link]) == .update(link, changed: ["Note__c"]))
    }

    @Test func T27_aContestedChangeIsFreeAgainWhileTheRecordIsWithheld() throws {
        var settings = SyncSettings()
        settings.contactSelection = .marked
        let contact = Fix.contact(["phone": "2"], tags: [.createdFromContact])
        let lost = Fix.link().settled(losing: ["Phone"], of: Fix.projector().project(contact))
        let edited = Fix.record(["FirstName": .string("Eve")])
        let pull = Fix.inbound(settings: settings).intent(for: edited, link: lost, owners: [], echoes: [])
        let link = try #require(pull.link)
        #expect(InboundRules.contactToReview(before: lost, after: pull) == contact.id)
        #expect(Fix.outbound().intent(for: contact, links: [link]) == .update(link, changed: ["Phone"]))
    }

    @Test func R54_aLaterChangeOfAContestedFieldIsAChangeOfItsOwn() {
        let lost = Fix.link().settled(losing: ["Phone"], of: Fix.projector().project(Fix.contact(["phone": "2"])))
        let contact = Fix.contact(["phone": "3", "firstName": "Anna"], tags: [.createdFromContact])
        #expect(Fix.outbound().intent(for: contact, links: [lost]) == .update(lost, changed: ["FirstName", "Phone"]))
    }

    // MARK: - Echoes

    @Test func R58_ownUncommittedWriteIsNotAChangeOfSalesforce() {
        var written = Projection()
        written.values["Phone"] = .text("2")
        let echo = Fingerprint(written)
        let held = Fix.record(["Phone": .string("2")])
        let inbound = Fix.inbound()
        #expect(inbound.intent(for: held, link: Fix.link(), owners: [], echoes: [echo]).code == .echoDropped)
        #expect(inbound.intent(for: held, link: Fix.link(), owners: [], echoes: []).write?.fields == ["Phone"])
        #expect(verdict(["phone": "3"], held: held, echoes: [echo]) == .write)
        #expect(verdict(["phone": "3"], held: held) == .salesforceWins)
    }

    @Test func R58_otherValueThanTheOneWeWroteIsAForeignChange() {
        var written = Projection()
        written.values["Phone"] = .text("2")
        let held = Fix.record(["Phone": .string("5")])
        let echoes = [Fingerprint(written)]
        #expect(
            Fix.inbound().intent(for: held, link: Fix.link(), owners: [], echoes: echoes).write?.fields == ["Phone"])
        #expect(verdict(["phone": "3"], held: held, echoes: echoes) == .salesforceWins)
    }

    @Test func T10_echoedFieldDoesNotRideAlongWithAForeignChange() {
        var written = Projection()
        written.values["Phone"] = .text("2")
        let held = Fix.record(["Phone": .string("2"), "FirstName": .string("Eve")])
        let intent = Fix.inbound().intent(for: held, link: Fix.link(), owners: [], echoes: [Fingerprint(written)])
        #expect(intent.write?.fields == ["FirstName"])
    }

    @Test func T10_unsettledWriteIsWrittenAgainWhenTheContactWentBack() {
        var written = Projection()
        written.values["Phone"] = .text("2")
        let link = Fix.link()
        let intent = Fix.outbound().intent(
            for: Fix.contact(tags: [.addedToContact]), links: [link], echoes: ["003A": [Fingerprint(written)]])
        #expect(intent == .update(link, changed: ["Phone"]))
    }

    @Test func R58_pullsUnsettledWriteIsNotAChangeOfActiveCampaign() {
        var written = Projection()
        written.values["Phone"] = .text("2")
        let echoes = [Fingerprint(written)]
        let contact = Fix.contact(["phone": "2"], tags: [.addedToContact])
        let intent = Fix.outbound().intent(for: contact, links: [Fix.link()], contactEchoes: ["003A": echoes])
        #expect(intent == .drop(.echoDropped, reason: "R58"))
        // Salesforce went back meanwhile: what the contact got is taken back.
        let pull = Fix.inbound().intent(
            for: Fix.record(), link: Fix.link(), owners: [], echoes: [], contactEchoes: echoes)
        #expect(pull.write?.projection.values == ["Phone": .text("1")])
    }

    // MARK: - Status and formulas

    @Test func R52_unchangedRecordThatWaitsIsAcknowledged() {
        let intent = Fix.inbound().intent(for: Fix.record(status: .waiting), link: Fix.link(), owners: [], echoes: [])
        #expect(intent.reason == "R52")
        #expect(intent.link != nil)
        let settled = Fix.inbound().intent(for: Fix.record(status: .synced), link: Fix.link(), owners: [], echoes: [])
        #expect(settled == .drop(.unchangedProjection, reason: "R29"))
    }

    @Test func R59_formulaAloneIsNotPushedButGoesAlong() throws {
        let rows = [try Fix.mapping("Score__c", "custom:SCORE", .formula, .text)]
        let link = Fix.link(rows, record: Fix.record(["Score__c": .number("1")]))
        let inbound = Fix.inbound(rows)
        let recalculated = Fix.record(["Score__c": .number("2")])
        #expect(
            inbound.intent(for: recalculated, link: link, owners: [], echoes: [])
                == .drop(.unchangedProjection, reason: "R59"))
        let edited = Fix.record(["Score__c": .number("2"), "Phone": .string("2")])
        #expect(
            inbound.intent(for: edited, link: link, owners: [], echoes: []).write?.fields == ["Phone", "Score__c"])
        var sweeping = SyncSettings()
        sweeping.pushesFormulaChanges = true
        let swept = Fix.inbound(rows, settings: sweeping)
        #expect(swept.intent(for: recalculated, link: link, owners: [], echoes: []).write?.fields == ["Score__c"])
    }

    @Test func R59_R66_formulaNeverDecidesAConflictAndIsNeverWritten() throws {
        let rows = [try Fix.mapping("Score__c", "custom:SCORE", .formula, .text)]
        let link = Fix.link(rows, record: Fix.record(["Score__c": .number("1")]))
        #expect(verdict(["phone": "2"], held: Fix.record(["Score__c": .number("2")]), link: link, rows: rows) == .write)
        let projector = Fix.projector(rows)
        let write = projector.write(
            projector.project(Fix.contact(["custom:SCORE": "9"])), changed: ["Score__c"], to: .salesforce,
            target: Fingerprint(), clearsBlanks: true)
        #expect(write.isEmpty)
        #expect(write.kept == ["Score__c": .readonlyObserved])
    }

    @Test(arguments: [UpdateMode.toSalesforce, .never])
    func R63_fieldThatNeverComesToActiveCampaignDecidesNoConflict(mode: UpdateMode) throws {
        let rows = [try Fix.mapping(mode: mode)]
        let link = Fix.link(rows)
        let held = Fix.record(["Note__c": .string("x")])
        #expect(verdict(["phone": "2"], held: held, link: link, rows: rows) == .write)
        let write = Fix.inbound(rows).intent(for: held, link: link, owners: [], echoes: []).write
        #expect(write?.isEmpty == true && write?.kept == ["Note__c": .readonlyObserved])
    }
}
