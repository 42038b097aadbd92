import Drivers
import Synchronization
import Testing

@testable import ActiveCampaign

@Suite(.timeLimit(.minutes(1))) struct CallPaceTests {
    @Test func callsAreEvenlySpaced() {
        var pace = CallPace(interval: .milliseconds(250))
        var starts: [Duration] = []
        for _ in 0..<4 {
            let start = pace.opening(at: .seconds(10))
            pace.take(at: start)
            starts.append(start - .seconds(10))
        }
        #expect(starts == [.zero, .milliseconds(250), .milliseconds(500), .milliseconds(750)])
        #expect(pace.opening(at: .seconds(60)) == .seconds(60))
    }

    @Test func aBurstIsFollowedByItsPace() {
        var pace = CallPace(interval: .seconds(1), burst: 3)
        var starts: [Duration] = []
        for _ in 0..<5 {
            let start = pace.opening(at: .seconds(10))
            pace.take(at: start)
            starts.append(start)
        }
        #expect(starts == [.seconds(10), .seconds(10), .seconds(10), .seconds(11), .seconds(12)])
    }

    /// 100 imports of several contacts and 20 of one in any minute, whenever it begins (reference 2.5).
    @Test(arguments: [
        (ActiveCampaignLimits.importsPerMinute, ActiveCampaignLimits.importBurst, 100),
        (ActiveCampaignLimits.singleImportsPerMinute, ActiveCampaignLimits.singleImportBurst, 20),
        (ActiveCampaignLimits.callsPerSecond * 60, 1, 300),
    ]) func noMinuteHoldsMoreThanTheProviderTakes(perMinute: Double, burst: Int, allowed: Int) {
        var pace = CallPace(interval: .seconds(60) / perMinute, burst: burst)
        var starts: [Duration] = []
        var now: Duration = .seconds(100)
        for _ in 0..<(3 * allowed) {
            now = pace.opening(at: now)
            pace.take(at: now)
            starts.append(now)
        }
        for start in starts {
            #expect(starts.count { $0 >= start && $0 < start + .seconds(60) } <= allowed)
        }
    }

    @Test func aPauseHoldsEveryCallAndIsNeverShortened() {
        var pace = CallPace(interval: .seconds(1))
        pace.pause(until: .seconds(30))
        pace.pause(until: .seconds(20))
        #expect(pace.opening(at: .seconds(10)) == .seconds(30))
    }

    @Test func whoWaitsForATurnAlsoWaitsOutThePauseThatComesMeanwhile() async throws {
        let time = StepClock()
        let holder = Mutex<AccountPacer?>(nil)
        // While the second call waits its 250 ms, a third one meets a 429.
        let clock = PaceClock(now: { time.now }) { duration in
            let pacer = holder.withLock { held in
                defer { held = nil }
                return held
            }
            pacer?.pause(.calls, for: .seconds(7))
            time.advance(by: duration)
        }
        let pacer = AccountPacer(clock: clock)
        _ = try await pacer.admit([.calls], for: .fields)
        holder.withLock { $0 = pacer }
        #expect(try await pacer.admit([.calls], for: .fields) == .seconds(7))
    }

    @Test func anImportThatWaitsDoesNotHoldOtherCalls() async throws {
        let time = StepClock()
        let during = Mutex<Duration?>(nil)
        let holder = Mutex<AccountPacer?>(nil)
        let clock = PaceClock(now: { time.now }) { duration in
            let pacer = holder.withLock { held in
                defer { held = nil }
                return held
            }
            if let pacer {
                let waited = try await pacer.admit([.calls], for: .fields)
                during.withLock { $0 = waited }
            }
            time.advance(by: duration)
        }
        let pacer = AccountPacer(clock: clock)
        pacer.pause(.imports, for: .seconds(30))
        holder.withLock { $0 = pacer }
        #expect(try await pacer.admit([.imports, .calls], for: .bulkImport) == .seconds(30))
        #expect(during.withLock { $0 } == .zero)
    }

    @Test func aWaitBeyondTheBoundIsARetryAndTakesNoTurn() async throws {
        let time = StepClock()
        let pacer = AccountPacer(clock: time.clock)
        pacer.pause(.calls, for: .seconds(600))
        let error = await failure { () throws(ActiveCampaignError) in try await pacer.admit([.calls], for: .fields) }
        #expect(error?.verdict == .retry(after: .seconds(600), kind: .rateLimit, fate: .notSent))
        time.advance(by: .seconds(600))
        #expect(try await pacer.admit([.calls], for: .fields) == .zero)
    }

    @Test func anImporterPauseLeavesOtherCallsAlone() async throws {
        let time = StepClock()
        let pacer = AccountPacer(clock: time.clock)
        pacer.pause(.imports, for: .seconds(100))
        #expect(try await pacer.admit([.calls], for: .fields) == .zero)
        let error = await failure { () throws(ActiveCampaignError) in
            try await pacer.admit([.imports, .calls], for: .bulkImport)
        }
        #expect(error?.code == "import_limit")
    }

    @Test func clientsOfOneAccountShareAPacerAndForgottenOnesAreSwept() throws {
        let pacers = AccountPacers()
        let acme = try AccountURL("acme.api-us1.com")
        let held = pacers.pacer(of: acme)
        #expect(pacers.pacer(of: try AccountURL("https://acme.api-us1.com/api/3")) === held)
        for number in 0..<1_000 { _ = pacers.pacer(of: try AccountURL("a\(number).api-us1.com")) }
        #expect(pacers.count <= 130)
        #expect(pacers.pacer(of: acme) === held)
    }
}
