import SyncRules
import Testing

/// The compatibility table (R65) in both directions, and the forms of R67.
@Suite struct FieldTypeTableTests {
    /// One row of the table: what each side's wire holds for the same thing.
    struct Row: Sendable, CustomStringConvertible {
        let type: SalesforceFieldType
        let types: Set<ActiveCampaignFieldType>
        let salesforce: SalesforceFieldValue
        let activeCampaign: String
        var description: String { type.rawValue }
    }

    static let table: [Row] = [
        Row(type: .checkbox, types: [.checkbox], salesforce: .bool(true), activeCampaign: "||true||"),
        Row(type: .currency, types: [.currency, .text, .hidden], salesforce: .number("12.5"), activeCampaign: "12.5"),
        Row(type: .date, types: [.date], salesforce: .string("2024-02-29"), activeCampaign: "2024-02-29"),
        Row(type: .email, types: [.text, .dropdown, .hidden], salesforce: .string("a@b.c"), activeCampaign: "a@b.c"),
        Row(type: .formula, types: [.text, .textarea, .hidden], salesforce: .string("f"), activeCampaign: "f"),
        Row(type: .formulaCheckbox, types: [.checkbox], salesforce: .bool(true), activeCampaign: "||true||"),
        Row(type: .number, types: [.text, .dropdown, .hidden], salesforce: .number("-3"), activeCampaign: "-3"),
        Row(type: .percent, types: [.text, .hidden], salesforce: .number("12"), activeCampaign: "12"),
        Row(type: .picklist, types: [.text, .dropdown, .hidden], salesforce: .string("Hot"), activeCampaign: "Hot"),
        Row(type: .multipicklist, types: [.listbox], salesforce: .string("a;b"), activeCampaign: "||a||b||"),
        Row(type: .phone, types: [.text, .hidden], salesforce: .string("+1 2"), activeCampaign: "+1 2"),
        Row(type: .text, types: [.text, .dropdown, .hidden], salesforce: .string("x"), activeCampaign: "x"),
        Row(type: .text, types: [.date], salesforce: .string("2024-02-29"), activeCampaign: "2024-02-29"),
        Row(type: .textarea, types: [.text, .textarea, .hidden], salesforce: .string("x\ny"), activeCampaign: "x\ny"),
        Row(type: .longTextarea, types: [.textarea, .hidden], salesforce: .string("x\ny"), activeCampaign: "x\ny"),
        Row(
            type: .richTextarea, types: [.textarea, .hidden], salesforce: .string("<p>x</p>"),
            activeCampaign: "<p>x</p>"),
        Row(type: .encrypted, types: [.text, .hidden], salesforce: .string("x"), activeCampaign: "x"),
        Row(
            type: .url, types: [.text, .dropdown, .hidden], salesforce: .string("https://x"),
            activeCampaign: "https://x"),
    ]

    private func projector(_ type: SalesforceFieldType, _ target: ActiveCampaignFieldType) throws -> Projector {
        Projector(mappings: [try Fixtures.mapping("F__c", "custom:F", type, target)])
    }

    private func canonical(_ projector: Projector, activeCampaign text: String) -> FieldValue {
        projector.project(ActiveCampaignContact(id: 1, fields: ["custom:F": text], tags: []))["F__c"]
    }

    private func canonical(_ projector: Projector, salesforce value: SalesforceFieldValue) -> FieldValue {
        projector.project(Fixtures.record(["F__c": value]))["F__c"]
    }

    @Test(arguments: SalesforceFieldType.allCases)
    func R64_R65_everyOtherPairIsRefused(type: SalesforceFieldType) {
        let allowed = Self.table.filter { $0.type == type }.reduce(into: Set<ActiveCampaignFieldType>()) {
            $0.formUnion($1.types)
        }
        #expect(type.compatibleTypes == allowed)
    }

    @Test(arguments: table)
    func R65_pairCarriesItsValueBothWays(row: Row) throws {
        for target in row.types {
            let projector = try projector(row.type, target)
            let left = canonical(projector, activeCampaign: row.activeCampaign)
            let right = canonical(projector, salesforce: row.salesforce)
            #expect(left == right, "\(row.type) \(target)")
            #expect(!left.isBlank && !left.isUnreadable)
            var write = FieldWrite()
            write.projection.values["F__c"] = right
            #expect(projector.activeCampaignValues(of: write) == ["custom:F": row.activeCampaign])
            #expect(projector.salesforceValues(of: write) == ["F__c": row.salesforce])
        }
    }

    @Test(arguments: table)
    func T26_blankReadsAsBlankOnBothSidesAndIsWrittenAsOne(row: Row) throws {
        for target in row.types {
            let projector = try projector(row.type, target)
            #expect(canonical(projector, activeCampaign: "").isBlank)
            #expect(canonical(projector, salesforce: .null).isBlank)
            #expect(projector.project(ActiveCampaignContact(id: 1, fields: [:], tags: []))["F__c"].isBlank)
            let bare = SalesforceRecord(
                id: "1", object: .contact, fields: [:], createdAt: Fixtures.start, modifiedAt: Fixtures.start)
            #expect(projector.project(bare)["F__c"] == .absent, "not asked for is not blank")
        }
    }

    @Test(arguments: [
        ("||true||", FieldValue.checkbox(true)), ("true", .checkbox(true)), ("", .checkbox(false)),
        ("||", .checkbox(false)), ("||false||", .checkbox(false)), ("||True||", .unreadable("||True||")),
        ("||yes||", .unreadable("||yes||")), ("||true||x||", .unreadable("||true||x||")),
    ])
    func R65_onlyTheOptionTrueTicksABox(text: String, expected: FieldValue) throws {
        #expect(canonical(try projector(.checkbox, .checkbox), activeCampaign: text) == expected)
    }

    @Test func R67_falseCheckboxIsEmptyInActiveCampaignAndFalseInSalesforce() throws {
        let projector = try projector(.checkbox, .checkbox)
        var write = FieldWrite()
        write.projection.values["F__c"] = .checkbox(false)
        #expect(projector.activeCampaignValues(of: write) == ["custom:F": ""])
        #expect(projector.salesforceValues(of: write) == ["F__c": .bool(false)])
    }

    @Test func R67_multiSelectIsASet() throws {
        let projector = try projector(.multipicklist, .listbox)
        #expect(
            canonical(projector, activeCampaign: "||b||a||b||") == canonical(projector, salesforce: .string("a; b")))
        #expect(canonical(projector, activeCampaign: "||") == .empty)
        #expect(canonical(projector, activeCampaign: "||a;b||").isUnreadable, "it would come back as two")
        #expect(canonical(projector, salesforce: .string("a||b;c")).isUnreadable)
    }

    @Test(arguments: [
        ("1", "1"), ("+1", "1"), ("-0", "0"), ("-0.00", "0"), ("007.50", "7.5"), (".5", "0.5"), ("5.", "5"),
        (" 12 ", "12"), ("1e3", "1000"), ("1.5E-3", "0.0015"), ("-12.5e1", "-125"), ("1e+2", "100"),
        ("12345678901234567890123456789012345678901.5", "12345678901234567890123456789012345678901.5"),
    ])
    func R65_numbersHaveOneSpelling(text: String, expected: String) throws {
        let projector = try projector(.number, .text)
        #expect(canonical(projector, activeCampaign: text) == .number(expected))
        #expect(canonical(projector, salesforce: .number(text)) == .number(expected))
    }

    @Test(arguments: [
        "abc", "1,234.50", "555-1234", "1.2.3", "--5", "1e", "e5", "1e999", "0x10", ".", "-", "١٢", "1 2",
    ])
    func R64_whatIsNoNumberIsDroppedAndReported(text: String) throws {
        #expect(canonical(try projector(.number, .text), activeCampaign: text) == .unreadable(text))
    }

    @Test func T32_textComparesTrimmedComposedAndWithUnixLines() throws {
        let projector = try projector(.textarea, .textarea)
        #expect(
            canonical(projector, activeCampaign: " e\u{301}a\r\nb\r")
                == canonical(projector, salesforce: .string("\u{E9}a\nb")))
        #expect(canonical(projector, activeCampaign: " \r\n ") == .empty)
        #expect(canonical(projector, activeCampaign: "||") == .text("||"), "two bars are a text here")
        let email = try self.projector(.email, .text)
        #expect(canonical(email, activeCampaign: " A@B.C ") == canonical(email, salesforce: .string("a@b.c")))
        #expect(canonical(email, activeCampaign: "nobody").isUnreadable)
    }

    @Test func R64_valueOfAnotherTypeIsUnreadableAndNeverWritten() throws {
        let projector = try projector(.number, .text)
        let projection = projector.project(Fixtures.record(["F__c": .string("x")]))
        #expect(projection.unreadable == ["F__c"])
        let write = projector.write(
            projection, changed: ["F__c"], to: .activeCampaign, target: Fingerprint(), clearsBlanks: true)
        #expect(write.isEmpty)
        #expect(write.kept == ["F__c": .invalidBeforeSend])
        #expect(!Fingerprint().changedFields(in: projection).isEmpty, "it is noticed")
        #expect(Fingerprint(projection).changedFields(in: projection).isEmpty, "and reported once")
    }

    // MARK: - Days

    @Test(arguments: [
        ("2024-02-29", FieldValue.date("2024-02-29")), ("2024-02-29T23:59:59-12:00", .date("2024-02-29")),
        ("2024-02-29T00:00:00+14:00", .date("2024-02-29")), ("2024-02-29 00:00:00", .date("2024-02-29")),
        ("2023-02-29", .unreadable("2023-02-29")), ("1900-02-29", .unreadable("1900-02-29")),
        ("2000-02-29", .date("2000-02-29")), ("2024-13-01", .unreadable("2024-13-01")),
        ("2024-04-31", .unreadable("2024-04-31")), ("29.02.2024", .unreadable("29.02.2024")),
        ("2024-02-2911", .unreadable("2024-02-2911")), ("0000-00-00", .empty), ("", .empty),
        ("0000-00-00 00:00:00", .empty), ("20240-2-29", .unreadable("20240-2-29")),
    ])
    func T9_dayIsNeverAnInstant(text: String, expected: FieldValue) throws {
        for type in [SalesforceFieldType.date, .text] {
            #expect(canonical(try projector(type, .date), activeCampaign: text) == expected)
        }
    }

    @Test func T9_everyDayOfFourYearsSurvivesTheRoundTrip() throws {
        let projector = try projector(.date, .date)
        for year in 2023...2026 {
            for month in 1...12 {
                for number in 1...28 {
                    let pad = { (value: Int) in value < 10 ? "0\(value)" : "\(value)" }
                    let day = "\(year)-\(pad(month))-\(pad(number))"
                    var write = FieldWrite()
                    write.projection.values["F__c"] = canonical(projector, salesforce: .string(day))
                    let text = projector.activeCampaignValues(of: write)["custom:F"] ?? ""
                    write.projection.values["F__c"] = canonical(projector, activeCampaign: text)
                    #expect(projector.salesforceValues(of: write) == ["F__c": .string(day)])
                }
            }
        }
    }
}
