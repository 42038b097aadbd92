import Foundation
import SyncRules
import TestSupport
import Testing

/// Nothing is skipped: T1–T4, T8 as simulations of the providers' lists.
@Suite(.timeLimit(.minutes(2))) struct StreamCursorTests {
    /// A Salesforce table: rows are stamped when written and seen when committed.
    struct Table {
        struct Row {
            var id: String
            var stamp: Double
            var visibleAt: Double
        }

        var rows: [Row] = []

        /// SystemModstamp >= from AND < until, in keyset order behind a position, one page.
        func page(_ cursor: InboundCursor, now: Double, size: Int) -> [Row] {
            rows.filter { row in
                guard row.visibleAt <= now, row.stamp >= cursor.from.timeIntervalSince1970,
                    row.stamp < (cursor.until?.timeIntervalSince1970 ?? 0)
                else { return false }
                guard let position = cursor.position else { return true }
                let stamp = position.stamp.timeIntervalSince1970
                return row.stamp > stamp || (row.stamp == stamp && row.id > position.id)
            }.sorted { ($0.stamp, $0.id) < ($1.stamp, $1.id) }.prefix(size).map(\.self)
        }
    }

    /// One sweep to its end; returns the ids read, in order.
    static func sweep(_ cursor: inout InboundCursor, _ table: Table, now: Double, page size: Int) -> [String] {
        cursor.begin(serverNow: Date(timeIntervalSince1970: now))
        var read: [String] = []
        while true {
            let rows = table.page(cursor, now: now, size: size)
            guard let last = rows.last else { break }
            read += rows.map(\.id)
            cursor.advance(past: .init(stamp: Date(timeIntervalSince1970: last.stamp), id: last.id))
        }
        cursor.finish()
        return read
    }

    @Test func T1_rowCommittedAfterThePollThatPassedItsStampArrives() {
        var cursor = InboundCursor(start: Date(timeIntervalSince1970: 0))
        let late = Table.Row(id: "late", stamp: 997, visibleAt: 1_001)
        let table = Table(rows: [late, .init(id: "seen", stamp: 998, visibleAt: 998)])
        #expect(Self.sweep(&cursor, table, now: 1_000, page: 10) == ["seen"])
        #expect(cursor.from.timeIntervalSince1970 <= 998 - 200, "the mark stays behind the newest seen")
        #expect(Self.sweep(&cursor, table, now: 4_600, page: 10).contains("late"))
    }

    @Test(arguments: [1, 2, 7, 200])
    func T2_moreRowsInOneSecondThanAPageHoldsAllArriveOnceAndWithoutStall(size: Int) {
        var cursor = InboundCursor(start: Date(timeIntervalSince1970: 0))
        let table = Table(rows: (0..<500).map { Table.Row(id: "id\(1_000 + $0)", stamp: 500, visibleAt: 500) })
        let read = Self.sweep(&cursor, table, now: 1_000, page: size)
        #expect(read.count == 500)
        #expect(Set(read).count == 500)
    }

    @Test func T3_markComesFromTheInstantTheSweepBegan() {
        var cursor = InboundCursor(start: Date(timeIntervalSince1970: 0))
        cursor.begin(serverNow: Date(timeIntervalSince1970: 1_000))
        cursor.begin(serverNow: Date(timeIntervalSince1970: 9_000))
        #expect(cursor.until == Date(timeIntervalSince1970: 1_000), "a sweep under way keeps its bound")
        cursor.finish()
        #expect(cursor.from == Date(timeIntervalSince1970: 1_000 - InboundCursor.overlap))
        cursor.begin(serverNow: Date(timeIntervalSince1970: 500))
        cursor.finish()
        #expect(
            cursor.from == Date(timeIntervalSince1970: 1_000 - InboundCursor.overlap), "a clock set back moves nothing")
    }

    @Test func T1_transactionLongerThanTheOverlapIsFoundByADeepSweepWhereverItFalls() {
        // Stamped just before a sweep, committed ten minutes later: the next sweep starts behind it.
        for hours in [1, 6, 24] {
            for shift in stride(from: 0.0, to: 48 * 3_600, by: 1_800) {
                var cursor = InboundCursor(start: Date(timeIntervalSince1970: 0))
                let interval = Double(hours) * 3_600
                let poll = interval * ((shift / interval).rounded(.down) + 1)
                let row = Table.Row(id: "late", stamp: poll - 301, visibleAt: poll + 299)
                var found = false
                for turn in 1...120 where !found {
                    found = Self.sweep(&cursor, Table(rows: [row]), now: Double(turn) * interval, page: 10)
                        .contains("late")
                }
                #expect(found, "hours \(hours) shift \(shift)")
            }
        }
    }

    @Test func T4_randomHistoriesHaveNoGap() {
        let seed = UInt64.random(in: 0 ... .max / 2)
        for number in 0..<200 {
            var random = SeededGenerator(seed: seed + UInt64(number))
            var table = Table()
            for row in 0..<Int.random(in: 1...60, using: &random) {
                let stamp = Double.random(in: 0...20_000, using: &random).rounded(.down)
                let lag = Double.random(in: 0...InboundCursor.overlap - 1, using: &random).rounded(.down)
                table.rows.append(.init(id: "r\(row)", stamp: stamp, visibleAt: stamp + lag))
            }
            var cursor = InboundCursor(start: Date(timeIntervalSince1970: 0))
            var read: Set<String> = []
            var now = 0.0
            while now < 21_000 {
                now += Double.random(in: 1...4_000, using: &random).rounded(.down)
                read.formUnion(Self.sweep(&cursor, table, now: now, page: Int.random(in: 1...5, using: &random)))
            }
            #expect(read.count == table.rows.count, "seed \(seed + UInt64(number))")
        }
    }

    @Test func T22_interruptedSweepGoesOnWhereItStood() throws {
        var cursor = InboundCursor(start: Date(timeIntervalSince1970: 0))
        let table = Table(rows: (0..<10).map { Table.Row(id: "id\($0)", stamp: 500, visibleAt: 500) })
        cursor.begin(serverNow: Date(timeIntervalSince1970: 1_000))
        cursor.advance(past: .init(stamp: Date(timeIntervalSince1970: 500), id: "id6"))
        var resumed = try JSONDecoder().decode(InboundCursor.self, from: JSONEncoder().encode(cursor))
        #expect(resumed == cursor)
        #expect(Self.sweep(&resumed, table, now: 2_000, page: 100) == ["id7", "id8", "id9"])
    }

    @Test func T8_walkOfChangedContactsMovesItsMarkOnlyWhenWhole() {
        var cursor = OutboundCursor(start: Date(timeIntervalSince1970: 0))
        cursor.begin(now: Date(timeIntervalSince1970: 1_000))
        cursor.advance(to: 50)
        cursor.advance(to: 20)
        #expect(cursor.walkedTo == 50)
        #expect(cursor.since == Date(timeIntervalSince1970: 0))
        cursor.begin(now: Date(timeIntervalSince1970: 2_000))
        cursor.finish()
        #expect(cursor.since == Date(timeIntervalSince1970: 1_000 - OutboundCursor.overlap))
        #expect(cursor.walkedTo == 0 && cursor.walkBegan == nil)
    }

    @Test func T8_contactChangedBehindTheWalkIsReadByTheNext() {
        // Contact 1 changes after the walk has passed it: its udate is later than the walk's beginning.
        var cursor = OutboundCursor(start: Date(timeIntervalSince1970: 0))
        cursor.begin(now: Date(timeIntervalSince1970: 1_000))
        cursor.advance(to: 100)
        cursor.finish()
        #expect(cursor.since < Date(timeIntervalSince1970: 1_001))
    }
}
