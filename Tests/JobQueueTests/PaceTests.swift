import Drivers
import JobQueue
import Testing

/// The pace at which the whole cluster calls one account: it gives way to refusals and comes back.
@Suite(.timeLimit(.minutes(1))) struct PaceTests {
    /// An account's lane of one call an hour, on a clock that stands: what the server's clock runs on between two calls,
    /// be it a minute on a busy machine, is nothing against it.
    private struct Lane {
        let bench: QueueBench
        let name = "acct-\(UInt32.random(in: 0 ... .max))"
        static let interval = Duration.seconds(3_600)
        /// What it takes to bring half of the pace back.
        static let halving = 60 * 3_600.0

        init() async throws { bench = try await QueueBench.make { $0.shards = 1 } }

        func take(_ calls: Int = 1) async throws -> PaceSlice {
            try await bench.queue.pace(
                account: name, calls: calls, interval: Self.interval, burst: 1, longestWait: Self.interval * 10_000)
        }

        /// A refusal, a while after whatever came before it.
        func refuse(_ pause: Duration = .zero) async throws {
            bench.clock.advance(60)
            try await bench.queue.pausePace(account: name, interval: Self.interval, burst: 1, for: pause)
        }

        /// How many times slower than at full pace it may be called, to a tenth.
        func slowness() async throws -> Double {
            let interval = try await take().interval
            return (interval / Self.interval * 10).rounded() / 10
        }
    }

    @Test func eachRefusalHalvesThePaceAndTheTimeOfSixtyCallsBringsHalfOfItBack() async throws {
        let lane = try await Lane()
        #expect(try await lane.slowness() == 1)
        try await lane.refuse()
        #expect(try await lane.slowness() == 2)
        for _ in 1...5 { try await lane.refuse() }
        #expect(try await lane.slowness() == 16, "it gets no slower than that")
        for expected in [8.0, 4, 2, 1, 1] {
            lane.bench.clock.advance(Lane.halving)
            #expect(try await lane.slowness() == expected, "peace counts, not the number of calls")
        }
    }

    @Test func refusalsOfCallsThatWereOnTheirWaySayNothingNewAndAPauseIsNoPeace() async throws {
        let lane = try await Lane()
        for _ in 1...4 { try await lane.refuse(Lane.interval * 100) }
        let slice = try await lane.take()
        let pause = Lane.interval * 99...Lane.interval * 101
        #expect(pause.contains(slice.wait), "nobody calls before the pause is over")
        lane.bench.clock.advance(Lane.halving * 100 / 60)
        #expect(try await lane.slowness() == 2, "one refusal counted, and all of it at the end of the pause")
    }

    @Test func aSlowAccountsSliceTakesNoLongerThanAFastOnes() async throws {
        let lane = try await Lane()
        #expect(try await lane.take(8).calls == 8)
        try await lane.refuse()
        try await lane.refuse()
        #expect(try await lane.take(8).calls == 2)
        try await lane.refuse()
        try await lane.refuse()
        #expect(try await lane.take(8).calls == 1)
    }

    @Test func nothingIsKeptOfAnAccountThatIsCalledNoMore() async throws {
        let lane = try await Lane()
        let idle = try await lane.bench.keys()
        for _ in 1...4 { try await lane.refuse() }
        let key = try #require(Set(try await lane.bench.keys()).subtracting(idle).first)
        let life = try #require(try await lane.bench.redis.send("PTTL", key).number)
        #expect(abs(Double(life) / 1_000 / Lane.halving - 4) < 0.1, "sixteenfold is over after four halvings")
    }
}
