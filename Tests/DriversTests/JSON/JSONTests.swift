import Foundation
import Testing

@testable import Drivers

private func read(_ text: String) throws -> JSONValue { try JSONValue(reading: Data(text.utf8)) }

private func failure(_ data: Data) -> JSONError.Code? {
    do throws(JSONError) {
        _ = try JSONValue(reading: data)
        return nil
    } catch {
        return error.code
    }
}

struct JSONTests {
    @Test func numbersKeepTheirText() throws {
        let value = try read(#"[100.50, -0, 12345678901234567890.12345678901234567890, 1E+5, 0.1e-7]"#)
        #expect(
            value.array?.compactMap(\.text) == [
                "100.50", "-0", "12345678901234567890.12345678901234567890", "1E+5", "0.1e-7",
            ])
    }

    @Test func stringsAreUnescapedAsTheStandardSays() throws {
        #expect(try read(#""\"\\\/\b\f\n\r\t""#).string == "\"\\/\u{8}\u{c}\n\r\t")
        #expect(try read(#""\u00e9\ud83d\ude00 é😀""#).string == "é😀 é😀")
        #expect(try read(#""\ud83d x \ude00 \ud83d\u0041""#).string == "\u{fffd} x \u{fffd} \u{fffd}A")
    }

    @Test func membersKeepTheirOrderAndLookUpWorks() throws {
        let value = try read(#" {"b":1,"a":{"x":null},"b":2,"":true} "#)
        #expect(value.object?.members.map(\.name) == ["b", "a", "b", ""])
        #expect(value["b"]?.int == 1 && value["a"]?["x"] == .null && value["c"] == nil && value[""]?.bool == true)
    }

    @Test func namesThatShareARememberedSlotStayApart() throws {
        // Same length, first and last letter: the same slot of the reader's memory.
        let value = try read(#"[{"axb":1,"ayb":2},{"ayb":3,"axb":4}]"#)
        #expect(value.array?[0]["ayb"]?.int == 2 && value.array?[1]["axb"]?.int == 4)
    }

    @Test func scalarsAreReadWhicheverWayTheyAreWritten() throws {
        #expect(try read(#""17""#).int == 17 && read("17").int == 17)
        #expect(try read("true").text == "true" && read("null").text == nil && read("5").text == "5")
    }

    @Test(arguments: [
        "", "{", "[1,", "{\"a\"", "{\"a\":", "\"abc", "\"a\\", "\"\\u00", "tru", "-", "[", "1.", "1e", "{\"a\":1",
    ])
    func aTextCutShortSaysSo(text: String) {
        #expect(failure(Data(text.utf8)) == .truncated)
    }

    @Test(arguments: [
        "01", "1 2", "[1,]", "{,}", "{\"a\" 1}", "{a:1}", "'a'", "\"a\nb\"", "\"\\x\"", "+1", ".5", "nul!", "<html>",
        "[1}", "--1", "\"\\u00zz\"",
    ])
    func whatIsNotJSONIsRefused(text: String) {
        #expect(failure(Data(text.utf8)) == .unexpectedByte)
    }

    @Test func nestingIsBounded() {
        let depth = JSONLimits.depth
        func nested(_ depth: Int) -> Data {
            Data((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
        }
        #expect(failure(nested(depth)) == nil)
        #expect(failure(nested(depth + 1)) == .tooDeep)
        #expect(failure(Data(String(repeating: "[", count: 1_000_000).utf8)) == .tooDeep)
    }

    @Test func bytesThatAreNotUTF8DoNotStopAnAnswer() throws {
        let value = try JSONValue(reading: Data([0x22, 0x61, 0xff, 0x22]))
        #expect(value.string == "a\u{fffd}")
    }

    @Test func whatIsWrittenReadsBackTheSame() throws {
        let text = "quote \" slash \\ control \u{1}\u{1f} tab\t newline\n é 😀 </script>"
        let value = JSONValue.members(
            ("text", .string(text)), ("number", .number("1.10")), ("list", .array([.null, .bool(false), .int(3)])))
        #expect(try JSONValue(reading: value.serialized) == value)
        #expect(
            (try JSONSerialization.jsonObject(with: value.serialized) as? [String: Any])?["text"] as? String == text)
    }

    @Test func noPrefixOfATextCrashesTheReader() {
        let text = Array(#"{"a":[1,-2.5e3,"x\u00e9\n",true,null,{"b":"\ud83d\ude00"}]}"#.utf8)
        for count in 0..<text.count { #expect(failure(Data(text[..<count])) == .truncated, "\(count) bytes") }
    }
}

struct CalendarTimeTests {
    @Test func everyDayOfFourCenturiesRoundTrips() throws {
        for day in stride(from: -62_091, to: 84_006, by: 13) {
            let date = Date(timeIntervalSince1970: Double(day) * 86_400 + 86_399)
            #expect(CalendarTime(date).date == date)
        }
    }

    @Test func httpDatesAreReadAndWritten() {
        let date = Date(timeIntervalSince1970: 784_111_777)
        #expect(HTTPDate.format(date) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(HTTPDate.parse("Sun, 06 Nov 1994 08:49:37 GMT") == date)
        for text in [
            "", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37",
        ] {
            #expect(HTTPDate.parse(text) == nil)
        }
    }

    @Test func percentEncodingLeavesOnlyUnreservedBytes() {
        #expect(PercentEncoding.encode("a b+c/é&=~._-") == "a%20b%2Bc%2F%C3%A9%26%3D~._-")
        #expect(PercentEncoding.form([("ids[]", "1"), ("q", "a b")]) == "ids%5B%5D=1&q=a%20b")
    }
}
