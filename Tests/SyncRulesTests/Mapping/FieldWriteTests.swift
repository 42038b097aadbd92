import SyncRules
import Testing

/// Which changed field is written (R61, R63, R66, R68, D6): total over value, mode, side and target (T26, T27).
@Suite struct FieldWriteTests {
    static let values: [FieldValue] = [.absent, .empty, .text("x"), .unreadable("?")]

    enum Target: CaseIterable {
        case unknown, blank, set

        var fingerprint: Fingerprint? {
            switch self {
            case .unknown: nil
            case .blank: Fingerprint()
            case .set: Fingerprint(Projection(values: ["F__c": .text("old"), "LastName": .text("old")]))
            }
        }
    }

    /// What sync-traps 1f says of one changed field, in the order a reader of the table would ask.
    private func expected(
        _ value: FieldValue, _ mode: UpdateMode, _ side: Side, _ target: Target, clears: Bool, protected: Bool
    ) -> DecisionCode? {
        switch (mode, side) {
        case (.never, _), (.toActiveCampaign, .salesforce), (.toSalesforce, .activeCampaign): return .readonlyObserved
        default: break
        }
        if value.isUnreadable { return .invalidBeforeSend }
        if mode == .salesforceUnlessBlank, side == .salesforce, target != .blank { return .readonlyObserved }
        if value == .empty { return mode == .fillBlank || protected || !clears ? .blankKept : nil }
        return mode == .fillBlank && target != .blank ? .readonlyObserved : nil
    }

    @Test(arguments: UpdateMode.allCases, Side.allCases)
    func T26_ruleIsTotalOverValueModeSideAndTarget(mode: UpdateMode, side: Side) throws {
        for field in ["F__c", "LastName"] {
            let projector = Projector(mappings: [try Fixtures.mapping(field, "custom:F", mode: mode)])
            for value in Self.values {
                for target in Target.allCases {
                    for clears in [true, false] {
                        let write = projector.write(
                            Projection(values: [field: value]), changed: [field], to: side,
                            target: target.fingerprint, clearsBlanks: clears)
                        let wanted = expected(
                            value, mode, side, target, clears: clears, protected: field == "LastName")
                        if value == .absent {
                            #expect(write == FieldWrite(), "absent is neither written nor reported")
                        } else if let wanted {
                            #expect(write.kept == [field: wanted] && write.isEmpty)
                        } else {
                            #expect(write.projection.values == [field: value] && write.kept.isEmpty)
                        }
                    }
                }
            }
        }
    }

    @Test(arguments: ["Email", "LastName", "Company"])
    func R68_emailLastNameAndCompanyAreNeverCleared(field: String) throws {
        let projector = Projector(mappings: [try Fixtures.mapping(field, "custom:F")])
        for side in Side.allCases {
            let write = projector.write(
                Projection(values: [field: .empty]), changed: [field], to: side, target: nil, clearsBlanks: true)
            #expect(write.kept == [field: .blankKept])
        }
    }

    @Test func R68_uncheckedBoxIsAValueAndNotABlank() throws {
        let projector = Projector(mappings: [try Fixtures.mapping("F__c", "custom:F", .checkbox, .checkbox)])
        let write = projector.write(
            Projection(values: ["F__c": .checkbox(false)]), changed: ["F__c"], to: .salesforce, target: nil,
            clearsBlanks: false)
        #expect(projector.salesforceValues(of: write) == ["F__c": .bool(false)])
    }

    @Test func D6_valueThatIsTooLongIsDroppedOrCutAndTheRestGoes() throws {
        for truncates in [false, true] {
            let projector = Projector(mappings: [
                try Fixtures.mapping("F__c", "custom:F", truncates: truncates, maxLength: 4),
                try Fixtures.mapping("G__c", "custom:G"),
            ])
            let projection = Projection(values: ["F__c": .text("abc👍d"), "G__c": .text("long enough")])
            let write = projector.write(
                projection, changed: ["F__c", "G__c"], to: .salesforce, target: nil, clearsBlanks: true)
            #expect(write.projection["G__c"] == .text("long enough"))
            #expect(write.kept == (truncates ? [:] : ["F__c": .invalidBeforeSend]))
            #expect(write.truncated == (truncates ? ["F__c"] : []))
            #expect(write.projection["F__c"] == (truncates ? .text("abc") : .absent), "no character is cut in two")
            let back = projector.write(
                projection, changed: ["F__c"], to: .activeCampaign, target: nil, clearsBlanks: true)
            #expect(back.fields == ["F__c"], "the length is Salesforce's")
        }
    }

    // MARK: - Mappings

    @Test func R61_defaultsMayBeReplacedByEitherOfTheirFields() throws {
        #expect(
            FieldMapping.defaults(for: .contact).map(\.salesforceField) == ["Email", "FirstName", "LastName", "Phone"])
        #expect(FieldMapping.defaults(for: .opportunity).isEmpty)
        let rows = [
            try Fixtures.mapping("MobilePhone", "phone"), try Fixtures.mapping("FirstName", "custom:CALLED"),
            try Fixtures.mapping("Other__c", "custom:OTHER", object: .lead),
        ]
        let effective = FieldMapping.effective(rows: rows, for: .contact)
        #expect(effective.map(\.salesforceField) == ["Email", "FirstName", "LastName", "MobilePhone"])
        #expect(effective[1].activeCampaignField.description == "custom:CALLED")
    }

    @Test func R61_customFieldsAreNamedByTheirTagInUpperCase() {
        #expect(ActiveCampaignField("custom:birthday") == ActiveCampaignField("custom:BIRTHDAY"))
        #expect(ActiveCampaignField("custom:birthday")?.personalizationTag == "BIRTHDAY")
        #expect(ActiveCampaignField("email")?.personalizationTag == nil)
        #expect(ActiveCampaignField("nonsense") == nil)
        #expect(ActiveCampaignField("custom:") == nil)
    }

    @Test func R63_fillBlankOnANewContactFillsAndOnAnUnknownOneDoesNot() throws {
        let rows = [try Fixtures.mapping(mode: .fillBlank)]
        let rules = Fixtures.inbound(rows)
        #expect(rules.projector.fillsBlanks)
        let record = Fixtures.record(["Note__c": .string("x")])
        let fresh = rules.intent(for: record, link: nil, owners: [], echoes: [])
        #expect(fresh.write?.projection["Note__c"] == .text("x"))
        let existing = Fingerprint(Fixtures.projector(rows).project(Fixtures.contact(["custom:NOTE": "mine"])))
        let known = rules.intent(for: record, link: nil, owners: [], echoes: [], existing: existing)
        #expect(known.write?.kept == ["Note__c": .readonlyObserved])
    }
}
