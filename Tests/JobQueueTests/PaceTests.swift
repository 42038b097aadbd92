import Drivers
import JobQueue
import Testing

/// The pace at which the whole cluster calls one account: it gives way to refusals and comes back.
@Suite(.timeLimit(.minutes(1))) struct PaceTests {
    @Test func paceShrinksWithEachRefusalAndGrowsBackWithEveryCallThatIsBorne() async throws {
        let bench = try await QueueBench.make { $0.shards = 1 }
        let name = "acct-\(UInt32.random(in: 0 ... .max))"
        let interval = Duration.milliseconds(10)
        func take(_ calls: Int) async throws -> Duration {
            try await bench.queue.pace(
                account: name, calls: calls, interval: interval, burst: 1, longestWait: .seconds(60)
            ).interval
        }
        #expect(try await take(1) == interval)
        try await bench.queue.pausePace(account: name, interval: interval, burst: 1, for: .zero)
        #expect(try await take(1) == interval * 2, "a refusal halves the pace")
        var last = try await take(1)
        for _ in 1...10 {
            let next = try await take(10)
            #expect(next <= last, "calls that are borne never slow it down")
            last = next
        }
        #expect(last == interval, "and bring it back to what the account bears")
    }
}
