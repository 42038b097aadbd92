import Foundation
import Testing

@testable import ActiveCampaign

@Suite struct LooseScalarTests {
    private func texts(_ json: String) throws -> [String?] {
        try JSONDecoder().decode([LooseText].self, from: Data(json.utf8)).map(\.text)
    }

    @Test func aScalarMayComeInAnyType() throws {
        #expect(
            try texts(#"["14", 14, "", null, true, false, 9007199254740993, 10.5, -3]"#)
                == ["14", "14", "", nil, "1", "0", "9007199254740993", "10.5", "-3"])
    }

    @Test(arguments: ["[[]]", "[{}]"]) func aScalarIsNotAList(json: String) {
        #expect(throws: (any Error).self) { try texts(json) }
    }

    @Test(arguments: [
        (#"["1","2"]"#, ["1", "2"]), (#"{"0":"1","2":"2","10":"3"}"#, ["1", "2", "3"]), ("null", []), ("{}", []),
        ("[]", []),
    ]) func aListMayComeAsPHPsMap(json: String, expected: [String]) throws {
        let list = try JSONDecoder().decode(LooseList<LooseText>.self, from: Data(json.utf8))
        #expect(list.elements.map(\.text) == expected)
    }

    @Test(arguments: [
        ("2026-05-28T03:05:54-05:00", 1_779_955_554.0), ("2026-05-28T08:05:54Z", 1_779_955_554),
        ("2026-05-28T08:05:54+00:00", 1_779_955_554),
    ]) func instantsKeepTheirOffset(text: String, seconds: Double) {
        #expect(WireDate.parse(text)?.timeIntervalSince1970 == seconds)
    }

    @Test(arguments: ["", "0", "0000-00-00", "0000-00-00 00:00:00", "2026-05-28 03:05:54", "soon"])
    func neverAndNaiveTimesAreNoInstants(text: String) {
        #expect(WireDate.parse(text) == nil)
    }

    @Test func theDateHeaderIsRead() {
        #expect(WireDate.parseHeader("Thu, 28 May 2026 08:05:54 GMT")?.timeIntervalSince1970 == 1_779_955_554)
        #expect(WireDate.parseHeader("Thursday, 28-May-26 08:05:54 GMT") == nil)
        #expect(WireDate.parseHeader(nil) == nil)
    }

    @Test func filtersAreRoundedDownToSeconds() {
        #expect(WireDate.text(Date(timeIntervalSince1970: 1_779_955_554.999)) == "2026-05-28T08:05:54Z")
    }

    @Test func queriesAreEscapedWhole() {
        #expect(APICall.escaped("filters[a]=b+c@d é/?&") == "filters%5Ba%5D%3Db%2Bc%40d%20%C3%A9%2F%3F%26")
    }
}
