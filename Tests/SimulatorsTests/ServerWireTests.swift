import Foundation
import Testing

@testable import Simulators

@Suite(.timeLimit(.minutes(2)))
struct ServerWireTests {
    @Test(arguments: [
        #"{"a":1,"b":[true,false,null],"c":"x","d":1.5,"e":{}}"#, #"[]"#, #""ü😀""#, #"-12"#, #"{"a":"\"\\\n\t"}"#,
    ])
    func aValueSurvivesReadingAndWriting(text: String) throws {
        let value = try WireJSON(parsing: Data(text.utf8))
        #expect(String(decoding: value.data, as: UTF8.self) == text)
    }

    @Test func escapesAreRead() throws {
        let value = try WireJSON(parsing: Data(#"["A\/\u00fc\uD83D\uDE00\b"]"#.utf8))
        #expect(value == ["A/ü😀\u{8}"])
    }

    @Test(arguments: ["", "{", "[1,]", "{\"a\" 1}", "tru", "1 2", "\"x", "{a:1}", "[1", "\"\\x\"", "+1", "01x"])
    func whatIsNotJSONIsRefused(text: String) {
        #expect(throws: WireJSONError.self) { try WireJSON(parsing: Data(text.utf8)) }
    }

    @Test func nestingIsBounded() {
        let depth = SimulatorsLimits.jsonDepth + 1
        let text = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        #expect(throws: WireJSONError.self) { try WireJSON(parsing: Data(text.utf8)) }
    }

    @Test func httpDatesRoundTrip() {
        let date = Date(timeIntervalSince1970: 1_786_320_000)
        #expect(HTTPDate.string(date) == "Mon, 10 Aug 2026 00:00:00 GMT")
        #expect(HTTPDate.epochSeconds("Mon, 10 Aug 2026 00:00:00 GMT") == 1_786_320_000)
        #expect(HTTPDate.epochSeconds("yesterday") == nil)
    }

    @Test func stampsReadEveryFormOfTheQueryLanguage() {
        let instant = 1_790_852_400
        #expect(Timestamp.json(instant) == "2026-10-01T11:00:00.000+0000")
        for text in [
            "2026-10-01T11:00:00Z", "2026-10-01T12:00:00+01:00", "2026-10-01T11:00:00.000Z",
            "2026-10-01T11:00:00.000+0000",
        ] {
            #expect(Timestamp.parseDateTime(text) == instant)
        }
        #expect(Timestamp.parseDate("2026-02-29") == nil)
        #expect(Timestamp.parseDate("2024-02-29").map(Timestamp.date) == "2024-02-29")
    }

    @Test func countsSinceAMarkLeaveOutWhatDidNotMove() {
        let counter = CallCounter()
        counter.count("query")
        counter.count("token")
        let mark = counter.mark()
        counter.count("query", 2)
        #expect(counter.since(mark) == ["query": 2])
        #expect(counter.total == 4 && counter["query"] == 3)
    }

    @Test func aSeededRateStrikesTheSameRequestsAgain() {
        func struck(_ seed: UInt64) -> [Bool] {
            let plan = FaultPlan(seed: seed)
            plan.add(.reset, .rate(0.3))
            return (0..<200).map { _ in
                plan.effect(for: SimulatedRequest(method: "GET", path: "/"), identity: nil) != nil
            }
        }
        #expect(struck(7) == struck(7))
        #expect((30...90).contains(struck(7).count { $0 }))
    }

    /// Compressed by the system's gzip: dynamic tables, and a stored block.
    @Test func gzipOfEveryBlockKindIsUndone() throws {
        for arguments in [["-9"], ["-1"]] {
            var seed = SeededRandom(seed: 3)
            var plain = Data((0..<5_000).map { _ in UInt8.random(in: 0...255, using: &seed) })
            plain.append(Data(String(repeating: #"{"LastName":"Müller"},"#, count: 2_000).utf8))
            let packed = try Self.gzip(plain, arguments)
            #expect(try Gunzip.inflate(packed, limit: plain.count) == plain)
            #expect(throws: Gunzip.Failure.self) { try Gunzip.inflate(packed, limit: plain.count - 1) }
            #expect(throws: Gunzip.Failure.self) { try Gunzip.inflate(packed.dropLast(40), limit: plain.count) }
        }
    }

    private static func gzip(_ data: Data, _ arguments: [String]) throws -> Data {
        let file = FileManager.default.temporaryDirectory.appending(path: "gz-\(UUID().uuidString.prefix(8))")
        try data.write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        process.executableURL = URL(filePath: "/bin/gzip")
        process.arguments = arguments + ["-n", "-c", file.path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let packed = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return packed
    }
}
