import Testing

@testable import Drivers

@Suite struct PostgresExchangeTests {
    typealias Step = PostgresExchange.Step

    let key = PostgresStatement("SELECT 1").key

    private func exchange(_ steps: [Step], _ statements: Int) -> PostgresExchange {
        PostgresExchange(steps: steps, statementCount: statements)
    }

    private func refusal() -> PostgresError {
        var error = PostgresError(.server, "no", fate: .answered)
        error.sqlState = .checkViolation
        return error
    }

    @Test func preparesThenRunsThenEndsAtTheSync() {
        var machine = exchange(
            [.prepare(key: key, name: "a", index: 0), .execute(index: 0, name: "a"), .sync], 1)
        #expect(machine.receive(.completed(affected: 0, command: "")) == .wait)
        #expect(machine.receive(.endOfStep) == .nextStep(rowByRow: true))
        #expect(machine.receive(.completed(affected: 3, command: "SELECT")) == .wait)
        #expect(machine.receive(.endOfStep) == .nextStep(rowByRow: false))
        #expect(machine.receive(.synced) == .finish)
        #expect(machine.rows.map(\.affected) == [3])
        #expect(machine.prepared.map(\.name) == ["a"])
        #expect(machine.failure == nil)
    }

    @Test func nothingAfterTheFirstFailureCounts() {
        var machine = exchange(
            [
                .execute(index: 0, name: "a"), .execute(index: 1, name: "b"),
                .prepare(key: key, name: "c", index: 2), .execute(index: 2, name: "c"), .sync,
            ], 3)
        _ = machine.receive(.completed(affected: 1, command: "INSERT"))
        _ = machine.receive(.endOfStep)
        #expect(machine.receive(.failed(refusal())) == .wait)
        #expect(machine.receive(.endOfStep) == .nextStep(rowByRow: false))
        #expect(machine.receive(.skipped) == .wait)
        #expect(machine.receive(.endOfStep) == .nextStep(rowByRow: true))
        #expect(machine.receive(.skipped) == .wait)
        #expect(machine.receive(.endOfStep) == .nextStep(rowByRow: false))
        #expect(machine.receive(.synced) == .finish)
        #expect(machine.failure?.statementIndex == 1)
        #expect(machine.rows.count == 1)
        #expect(machine.prepared.isEmpty, "a statement the server never parsed must not be taken for prepared")
    }

    @Test func anErrorInsteadOfTheSyncBelongsToTheLastStatement() {
        var machine = exchange([.execute(index: 0, name: "a"), .sync], 1)
        _ = machine.receive(.completed(affected: 1, command: "INSERT"))
        _ = machine.receive(.endOfStep)
        #expect(machine.receive(.failed(refusal())) == .wait)
        #expect(machine.receive(.endOfStep) == .wait)
        #expect(machine.receive(.synced) == .finish)
        #expect(machine.failure?.statementIndex == 0)
    }

    @Test(arguments: [PostgresExchange.Event.synced, .skipped])
    func answersNobodyAskedForPutItOutOfStep(event: PostgresExchange.Event) {
        var machine = exchange([.execute(index: 0, name: "a"), .sync], 1)
        #expect(machine.receive(event) == .outOfStep)
    }

    @Test func nothingMayComeAfterTheEnd() {
        var machine = exchange([.script], 1)
        _ = machine.receive(.completed(affected: 0, command: "CREATE"))
        #expect(machine.receive(.endOfStep) == .finish)
        #expect(machine.receive(.completed(affected: 0, command: "CREATE")) == .outOfStep)
    }

    @Test func countsWhatItHolds() {
        var machine = exchange([.execute(index: 0, name: "a"), .execute(index: 1, name: "a"), .sync], 2)
        for _ in 0..<2 {
            machine.builder.declare([PostgresColumn(name: "x", type: .text)])
            [UInt8](repeating: 7, count: 100).withUnsafeBytes { machine.builder.append($0) }
            _ = machine.receive(.completed(affected: 1, command: "SELECT"))
            _ = machine.receive(.endOfStep)
        }
        #expect(machine.receivedBytes >= 200)
    }
}

@Suite struct PostgresStatementCacheTests {
    private func key(_ number: Int) -> PostgresStatement.Key { PostgresStatement("SELECT \(number)").key }

    @Test func theLeastRecentlyUsedStatementGivesWayAndIsToBeDropped() {
        var cache = PostgresStatementCache(capacity: 2)
        for number in 0..<2 { cache.confirm(key(number), name: "s\(number)") }
        #expect(cache.name(of: key(0)) == "s0")
        cache.confirm(key(2), name: "s2")
        #expect(cache.name(of: key(1)) == nil)
        #expect(cache.name(of: key(0)) == "s0")
        #expect(cache.doomed == ["s1"])
        cache.confirmDeallocated("s1")
        #expect(cache.doomed.isEmpty)
        #expect(cache.count == 2)
    }

    @Test func typesOfParametersTellStatementsApart() {
        #expect(PostgresStatement("SELECT $1", [.int4(1)]).key != PostgresStatement("SELECT $1", [.text("")]).key)
        #expect(PostgresStatement("SELECT $1", [.int4(1)]).key == PostgresStatement("SELECT $1", [.int4(nil)]).key)
    }

    @Test func whatTheServerForgotIsNotDropped() {
        var cache = PostgresStatementCache(capacity: 2)
        cache.confirm(key(0), name: "s0")
        cache.forgetAll(serverForgot: true)
        #expect(cache.doomed.isEmpty)
        cache.confirm(key(1), name: "s1")
        cache.forgetAll(serverForgot: false)
        #expect(cache.doomed == ["s1"])
        #expect(cache.count == 0)
    }
}

@Suite struct PostgresPoolStateTests {
    @Test func callersAreServedInTheOrderTheyCame() {
        var state = PostgresPoolState(minimum: 0, maximum: 1, maximumWaiters: 10)
        #expect(state.lease(1) == .wait)
        #expect(state.openingsWanted().count == 1)
        #expect(state.lease(2) == .wait)
        #expect(state.lease(3) == .wait)
        #expect(state.openingsWanted().count == 0, "one connection is all there may be")
        #expect(state.opened(1, now: .now) == .hand(1, to: 1))
        #expect(state.giveUp(2) == true)
        #expect(state.released(1, isUsable: true, now: .now) == .hand(1, to: 3))
        #expect(state.released(1, isUsable: true, now: .now) == .keep)
        #expect(state.lease(4) == .use(1))
    }

    @Test func oneMoreThanMayWaitIsRefused() {
        var state = PostgresPoolState(minimum: 0, maximum: 1, maximumWaiters: 2)
        #expect(state.lease(1) == .wait)
        #expect(state.lease(2) == .wait)
        #expect(state.lease(3) == .full)
        #expect(state.giveUp(1) == true)
        #expect(state.lease(4) == .wait)
    }

    @Test func afterAFailureOneConnectionTriesTheIce() {
        var state = PostgresPoolState(minimum: 0, maximum: 8, maximumWaiters: 100)
        for waiter in 0..<50 { _ = state.lease(UInt64(waiter)) }
        #expect(state.openingsWanted().count == 8)
        #expect(state.openingFailed(1) == 0)
        for id in 2...8 { #expect(state.openingFailed(id) == nil) }
        #expect(state.openingsWanted().count == 0, "not before the wait is over")
        state.retry()
        #expect(state.openingsWanted().count == 1)
        #expect(state.openingFailed(9) == 8)
        state.retry()
        #expect(state.openingsWanted().count == 1)
        #expect(state.opened(10, now: .now) == .hand(10, to: 0))
        #expect(state.openingsWanted().count == 7)
    }

    @Test func brokenConnectionsAreNotHandedOut() {
        var state = PostgresPoolState(minimum: 0, maximum: 2, maximumWaiters: 10)
        _ = state.lease(1)
        _ = state.openingsWanted()
        _ = state.opened(1, now: .now)
        _ = state.lease(2)
        #expect(state.released(1, isUsable: false, now: .now) == .close)
        #expect(state.openingsWanted().count == 1)
        #expect(state.opened(2, now: .now) == .hand(2, to: 2))
        _ = state.released(2, isUsable: true, now: .now)
        #expect(state.broke(2) == true)
        #expect(state.broke(2) == false)
        #expect(state.total == 0)
    }

    @Test func newsOfABreakMayOvertakeTheHandBack() {
        var state = PostgresPoolState(minimum: 0, maximum: 2, maximumWaiters: 10)
        _ = state.lease(1)
        #expect(state.openingsWanted() == [1])
        #expect(state.broke(1) == false)
        #expect(state.opened(1, now: .now) == .close)
        #expect(state.openingsWanted() == [2])
        #expect(state.opened(2, now: .now) == .hand(2, to: 1))
        #expect(state.broke(2) == false)
        #expect(state.released(2, isUsable: true, now: .now) == .close)
        #expect(state.total == 0)
    }

    @Test func idleConnectionsAboveTheMinimumAge() {
        var state = PostgresPoolState(minimum: 1, maximum: 3, maximumWaiters: 10)
        let start = ContinuousClock.now
        for waiter in 1...3 { _ = state.lease(UInt64(waiter)) }
        _ = state.openingsWanted()
        for id in 1...3 { _ = state.opened(id, now: start) }
        for id in 1...3 { _ = state.released(id, isUsable: true, now: start + .seconds(id)) }
        #expect(state.takeIdle(since: start) == [])
        #expect(state.takeIdle(since: start + .seconds(10)) == [1, 2])
        #expect(state.takeIdle(since: start + .seconds(10)) == [], "the minimum stays")
    }

    @Test func aClosedPoolKeepsNothing() {
        var state = PostgresPoolState(minimum: 1, maximum: 3, maximumWaiters: 10)
        for waiter in 1...2 { _ = state.lease(UInt64(waiter)) }
        _ = state.openingsWanted()
        for id in 1...2 { _ = state.opened(id, now: .now) }
        _ = state.released(1, isUsable: true, now: .now)
        #expect(state.close() == [1])
        #expect(state.released(2, isUsable: true, now: .now) == .close)
        #expect(state.lease(9) == .closed)
        #expect(state.openingsWanted().count == 0)
    }
}
