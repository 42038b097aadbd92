import Drivers
import Foundation
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct PostgresValueTests {
    @Test func everyTypeComesBackAsItWent() async throws {
        let pool = try PostgresTestServer.pool()
        let instant = Date(timeIntervalSince1970: 1_700_000_000.123456)
        let uuid = UUID()
        let row = try await pool.query(
            """
            SELECT $1 AS a, $2 AS b, $3 AS c, $4 AS d, $5 AS e, $6 AS f, $7 AS g, $8 AS h, $9 AS i, $10 AS j, $11 AS k
            """,
            [
                .bool(true), .int2(-3), .int4(.min), .int8(.max), .float8(.pi), .text("Grüße 🚢"), .bytea([0, 255, 0]),
                .timestamptz(instant), .uuid(uuid), .jsonb(#"{"a": [1, null]}"#),
                .numeric("-12345678901234567890.012300"),
            ]
        ).only()
        #expect(try row.get("a") == true)
        #expect(try row.get("b", as: Int16.self) == -3)
        #expect(try row.get("c", as: Int32.self) == .min)
        #expect(try row.get("d", as: Int64.self) == .max)
        #expect(try row.get("e", as: Double.self) == .pi)
        #expect(try row.get("f", as: String.self) == "Grüße 🚢")
        #expect(try row.get("g", as: [UInt8].self) == [0, 255, 0])
        #expect(abs(try row.get("h", as: Date.self).timeIntervalSince(instant)) < 1e-6)
        #expect(try row.get("i", as: UUID.self) == uuid)
        #expect(try row.get("j", as: String.self) == #"{"a": [1, null]}"#)
        #expect(try row.get("k", as: String.self) == "-12345678901234567890.012300")
        await pool.close()
    }

    @Test(arguments: [
        "0", "1", "-1", "0.001", "10000", "99999999", "100000000.0001", "0.00000001", "-0.10", "123456789.987654321",
        "NaN", "Infinity", "-Infinity",
    ])
    func numericsReadAsTheServerPrintsThem(_ text: String) async throws {
        let pool = try PostgresTestServer.pool()
        let row = try await pool.query("SELECT $1 AS value", [.numeric(text)]).only()
        #expect(try row.get("value", as: String.self) == text)
        await pool.close()
    }

    @Test func arraysComeBackAsTheyWent() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let pool = try PostgresTestServer.pool()
        for _ in 0..<60 {
            let count = Int.random(in: 0...40, using: &random)
            try await roundTrip(pool, count, &random) { Int64(bitPattern: $0.next()) }
            try await roundTrip(pool, count, &random) { Int32(truncatingIfNeeded: $0.next()) }
            try await roundTrip(pool, count, &random) { Int16(truncatingIfNeeded: $0.next()) }
            try await roundTrip(pool, count, &random) { $0.next() % 2 == 0 }
            try await roundTrip(pool, count, &random) { Double.random(in: -1e9...1e9, using: &$0) }
            try await roundTrip(pool, count, &random) { Self.text(&$0) }
            try await roundTrip(pool, count, &random) { Self.bytes(&$0) }
            try await roundTrip(pool, count, &random) {
                Date(
                    timeIntervalSinceReferenceDate: Double(Int64.random(in: -4_000_000_000...4_000_000_000, using: &$0))
                )
            }
        }
        await pool.close()
    }

    private func roundTrip<Scalar: PostgresScalar & Equatable>(
        _ pool: PostgresPool, _ count: Int, _ random: inout SeededGenerator, _ make: (inout SeededGenerator) -> Scalar
    ) async throws {
        let values: [Scalar?] = (0..<count).map { _ in random.next() % 5 == 0 ? nil : make(&random) }
        let row = try await pool.query("SELECT $1 AS whole", [.array(values)]).only()
        #expect(try row.nullableArray("whole", of: Scalar.self) == values)
        let rows = try await pool.query(
            "SELECT value FROM unnest($1) WITH ORDINALITY AS one(value, place) ORDER BY place", [.array(values)])
        #expect(try rows.decode { try $0.optional("value", as: Scalar.self) } == values)
    }

    private static func text(_ random: inout SeededGenerator) -> String {
        let letters = ["a", "\"", "\\", ",", "{", "}", "NULL", " ", "ß", "🚢", "'", "\n"]
        return (0..<Int(random.next() % 9)).map { _ in letters[Int(random.next() % 12)] }.joined()
    }

    private static func bytes(_ random: inout SeededGenerator) -> [UInt8] {
        (0..<Int(random.next() % 20)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    @Test func aWrongTypeNamesTheColumnAndNotTheValue() async throws {
        let pool = try PostgresTestServer.pool()
        let row = try await pool.query("SELECT 'geheim'::text AS name, NULL::int4 AS nothing, 70000 AS big").only()
        let wrong = try await postgresError { try row.get("name", as: Int64.self) }
        #expect(wrong.code == .decoding)
        #expect(wrong.message == "column \"name\" is text and can't be read as Int64")
        let null = try await postgresError { try row.get("nothing", as: Int32.self) }
        #expect(null.message == "column \"nothing\" is null")
        #expect(try row.optional("nothing", as: Int32.self) == nil)
        let missing = try await postgresError { try row.get("nome", as: String.self) }
        #expect(missing.message == "no column \"nome\" among name, nothing, big")
        let narrow = try await postgresError { try row.get("big", as: Int16.self) }
        #expect(narrow.code == .decoding)
        await pool.close()
    }

    @Test func errorsNeverQuoteValues() async throws {
        let pool = try PostgresTestServer.pool()
        let syntax = try await postgresError { try await pool.query("SELECT $1::int4", [.text("geheim")]) }
        #expect(syntax.sqlState?.classCode == "22")
        #expect(!"\(syntax)".contains("geheim"))
        try await pool.script(
            "CREATE TEMP TABLE quoted (mail text CONSTRAINT \"a mail has an at sign\" CHECK (mail LIKE '%@%'))")
        await pool.close()
        #expect(!"\(PostgresValue.text("geheim"))".contains("geheim"))
    }
}
