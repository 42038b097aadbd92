import Testing

@testable import Drivers

@Suite struct CommandLedgerTests {
    private let start = ContinuousClock.now

    private func ledger(of count: UInt64, sending sent: Int) -> CommandLedger<UInt64> {
        var ledger = CommandLedger<UInt64>()
        for id in 0..<count {
            let deadline = start + .seconds(Int64(id) + 1)
            ledger.add(.init(id: id, command: RedisCommand("PING"), deadline: deadline, target: id))
        }
        for _ in 0..<sent { ledger.takeUnsent(bytes: 1, now: start) { _ in } }
        return ledger
    }

    @Test func answersGoToCommandsInTheOrderSent() throws {
        var ledger = ledger(of: 3, sending: 3)
        let targets = try (0..<3).map { number in try ledger.answer(.integer(number), now: start)?.target }
        #expect(targets == [0, 1, 2])
        #expect(ledger.isEmpty)
    }

    @Test func anAnswerWithoutAQuestionIsAProtocolViolation() throws {
        var ledger = ledger(of: 1, sending: 0)
        let error = #expect(throws: RedisError.self) { _ = try ledger.answer(.null, now: start) }
        #expect(error?.code == .protocolViolation)
    }

    @Test func aCancelledCommandKeepsItsPlaceUntilItsAnswerCame() throws {
        var ledger = ledger(of: 3, sending: 2)
        let verdicts = ledger.cancel([0, 2])
        #expect(verdicts.map(\.target) == [0, 2])
        #expect(fates(verdicts) == [.unknown, .notSent])
        #expect(ledger.takeFreed().commands == 1, "the sent one still occupies its place")
        #expect(try ledger.answer(.integer(0), now: start) == nil)
        #expect(try ledger.answer(.integer(1), now: start)?.target == 1)
    }

    @Test func aBrokenLinkLeavesTheUnsentForTheNextOne() {
        var ledger = ledger(of: 3, sending: 2)
        let verdicts = ledger.linkBroke(.connectionLost, "gone")
        #expect(verdicts.map(\.target) == [0, 1])
        #expect(fates(verdicts) == [.unknown, .unknown])
        #expect(ledger.hasUnsent)
    }

    @Test func deadlinesSayWhetherTheCommandWasSent() {
        var ledger = ledger(of: 3, sending: 1)
        #expect(ledger.nextDeadline == start + .seconds(1))
        let verdicts = ledger.expire(now: start + .seconds(2), connectionError: nil)
        #expect(fates(verdicts) == [.unknown, .notSent])
        #expect(ledger.nextDeadline == start + .seconds(3))
    }

    @Test func silenceIsCountedFromTheLastSignOfLife() {
        var ledger = ledger(of: 2, sending: 1)
        #expect(ledger.silentAt(limit: .seconds(5)) == start + .seconds(5))
        ledger.heard(now: start + .seconds(3))
        #expect(ledger.silentAt(limit: .seconds(5)) == start + .seconds(8))
        _ = ledger.linkBroke(.connectionLost, "gone")
        #expect(ledger.silentAt(limit: .seconds(5)) == nil, "nothing is due from a link that is gone")
    }

    private func fates(_ verdicts: [CommandLedger<UInt64>.Verdict]) -> [RedisError.Fate?] {
        verdicts.map { verdict in
            if case .failure(let error) = verdict.result { error.fate } else { nil }
        }
    }
}
