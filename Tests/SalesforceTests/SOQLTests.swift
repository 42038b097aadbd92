import Foundation
import Testing

@testable import Salesforce

/// Undoes SOQL's escaping, written from the documentation and not from the renderer.
private func unquoted(_ text: String) -> String? {
    guard text.first == "'", text.last == "'", text.count >= 2 else { return nil }
    var result = ""
    var characters = text.unicodeScalars.dropFirst().dropLast().makeIterator()
    while let scalar = characters.next() {
        if scalar == "'" { return nil }
        guard scalar == "\\" else {
            result.unicodeScalars.append(scalar)
            continue
        }
        switch characters.next() {
        case "\\"?: result += "\\"
        case "'"?: result += "'"
        case "\""?: result += "\""
        case "n"?: result += "\n"
        case "r"?: result += "\r"
        case "t"?: result += "\t"
        case "b"?: result += "\u{8}"
        case "f"?: result += "\u{c}"
        default: return nil
        }
    }
    return result
}

struct SOQLTests {
    @Test func literalsAreWrittenByTheirType() throws {
        #expect(try SOQLLiteral.null.render() == "null")
        #expect(try SOQLLiteral.bool(true).render() == "TRUE")
        #expect(try SOQLLiteral.number("-12.50").render() == "-12.50")
        #expect(try SOQLLiteral.date("2026-10-01").render() == "2026-10-01")
        #expect(
            try SOQLLiteral.dateTime(Date(timeIntervalSince1970: 1_790_856_000.9)).render() == "2026-10-01T12:00:00Z")
        #expect(try SOQLLiteral.string(#"O'Brien \ "x""#).render() == #"'O\'Brien \\ \"x\"'"#)
    }

    @Test(arguments: ["1 OR 1=1", "", "-", "1.", ".5", "1e5", "٣", "1.2.3"])
    func aNumberThatIsNoneIsRefused(text: String) {
        #expect(throws: SalesforceError.self) { try SOQLLiteral.number(text).render() }
    }

    @Test(arguments: ["2026-13-01", "2026-02-30", "TODAY", "2026-10-01T00:00:00Z", "'2026-10-01'"])
    func aDateThatIsNoneIsRefused(text: String) {
        #expect(throws: SalesforceError.self) { try SOQLLiteral.date(text).render() }
    }

    @Test func noStringEscapesItsQuotes() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var state = seed
        let alphabet = Array("'\\\"%_ aé\n\r\t\u{8}\u{c}😀;)".unicodeScalars)
        for _ in 0..<2_000 {
            var text = ""
            for _ in 0..<12 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text.unicodeScalars.append(alphabet[Int(state >> 33) % alphabet.count])
            }
            let rendered = try SOQLLiteral.string(text).render()
            #expect(unquoted(rendered)?.unicodeScalars.elementsEqual(text.unicodeScalars) == true, "seed \(seed)")
        }
    }

    @Test(arguments: [
        "Id; DELETE", "Name FROM User", "a b", "1Name", "", "A..B", "A.", "Näme", "A.B.C.D.E.F.G", "Id--",
    ])
    func aNameThatIsNoneIsRefused(name: String) {
        #expect(throws: SalesforceError.self) { try SOQLQuery([name], from: "Contact").render() }
        #expect(throws: SalesforceError.self) {
            try SOQLQuery(["Id"], from: "Contact", where: .equals(name, .null)).render()
        }
        #expect(throws: SalesforceError.self) { try SOQLQuery(["Id"], from: "Contact", orderBy: [name]).render() }
    }

    @Test func aSweepReadsLikeItsRecipe() throws {
        let stamp = Date(timeIntervalSince1970: 1_790_856_000)
        let query = SOQLQuery(
            ["Id", "LastName", "Account.Name", "AC_Id__c"], from: "Contact",
            where: .all([
                .after(stampField: "SystemModstamp", stamp, id: "001D000000K0fXOIAZ"),
                .isIn("LeadSource", [.string("Web"), .string("Fair")]),
                .not(.compare("Email", .like, .string("%@test"))),
                .compare("Interests__c", .includes, .string("a;b")),
            ]),
            orderBy: ["SystemModstamp", "-Id"], limit: 2_000)
        #expect(
            try query.render()
                == "SELECT Id,LastName,Account.Name,AC_Id__c FROM Contact WHERE "
                + "((SystemModstamp > 2026-10-01T12:00:00Z OR (SystemModstamp = 2026-10-01T12:00:00Z AND "
                + "Id > '001D000000K0fXOIAZ')) AND LeadSource IN ('Web','Fair') AND (NOT Email LIKE '%@test') AND "
                + "Interests__c INCLUDES ('a;b')) ORDER BY SystemModstamp,Id DESC LIMIT 2000")
    }

    @Test func listsAreSplitUnderTheQueryLimitWithoutLosingAny() throws {
        let ids = (0..<10_000).map { SOQLLiteral.string("003" + String(1_000_000_000_000_000 + $0).dropFirst(1)) }
        let lists = try SOQL.split(ids, overhead: 500)
        #expect(lists.count > 1 && lists.flatMap { $0 } == ids)
        for list in lists {
            let text = try SOQLQuery(["Id"], from: "Contact", where: .isIn("Id", list)).render()
            #expect(text.count <= SalesforceLimits.soqlCharacters)
        }
    }

    @Test func likePatternsTakeTheirOwnWildcardsLiterally() {
        #expect(SOQLLiteral.escapedForLike("50%_a\\") == "50\\%\\_a\\\\")
    }

    @Test func timesAreReadInEveryShapeTheyComeIn() {
        let date = Date(timeIntervalSince1970: 1_369_082_972)
        for text in ["2013-05-20T20:49:32.000+0000", "2013-05-20T20:49:32Z", "2013-05-20T22:49:32.123+02:00"] {
            #expect(SalesforceTime.parse(text) == date)
        }
        for text in ["2013-05-20", "2013-05-20T20:49:32", "2013-02-30T00:00:00Z", "", "2013-05-20T20:49:32+2"] {
            #expect(SalesforceTime.parse(text) == nil)
        }
        #expect(SalesforceTime.format(date) == "2013-05-20T20:49:32Z")
    }

    @Test(arguments: [
        ("001D000000K0fXO", "001D000000K0fXOIAZ"), ("001D000000K0fXOIAZ", "001D000000K0fXOIAZ"),
        ("001D000000K0fXOiaz", "001D000000K0fXOIAZ"),
    ])
    func idsCompareInTheirLongForm(text: String, expected: String) {
        #expect(SalesforceID.normalise(text) == expected)
    }

    @Test(arguments: ["", "001D000000K0fX", "001D000000K0fXOIAA", "001D000000K0fX'", "001D000000K0fXOIAZ0"])
    func whatIsNoIDIsRefused(text: String) {
        #expect(SalesforceID.normalise(text) == nil)
    }
}
