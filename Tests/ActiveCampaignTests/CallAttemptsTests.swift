import Drivers
import Testing

@testable import ActiveCampaign

@Suite struct CallAttemptsTests {
    private func retry(
        _ kind: ActiveCampaignError.RetryKind, after: Duration? = nil, fate: HTTPFate = .unknown
    ) -> Judgement {
        .failed(ActiveCampaignError(.retry(after: after, kind: kind, fate: fate), call: .fields))
    }

    private func attempts(
        _ call: ActiveCampaignCall.Kind = .fields, isRepeatable: Bool = true, patience: Duration = .seconds(20)
    ) -> CallAttempts {
        CallAttempts(call: call, isRepeatable: isRepeatable, patience: patience)
    }

    @Test func waitsDoubleAndTheTriesAreBounded() {
        var attempts = attempts()
        var waits: [Duration] = []
        while case .again(let delay) = attempts.ended(retry(.server), jitter: 0) { waits.append(delay) }
        #expect(waits == [.seconds(1), .seconds(2), .seconds(4), .seconds(8)])
        #expect(attempts.tries == ActiveCampaignLimits.attempts)
    }

    @Test func waitsAreCappedAndSpread() {
        #expect(CallAttempts.delay(tries: 40, jitter: 0) == .seconds(60))
        #expect(CallAttempts.delay(tries: 1, jitter: 1) == .milliseconds(1_250))
    }

    @Test func aWaitBeyondPatienceIsTheCallersAndSaysWhenToComeBack() {
        var attempts = attempts()
        let action = attempts.ended(retry(.rateLimit, after: .seconds(21)), jitter: 0)
        #expect(action == .fail(.init(.retry(after: .seconds(21), kind: .rateLimit, fate: .unknown), call: .fields)))
        var impatient = self.attempts(patience: .zero)
        guard case .fail(let error) = impatient.ended(retry(.server), jitter: 0) else {
            Issue.record("waited")
            return
        }
        #expect(error.verdict == .retry(after: .seconds(1), kind: .server, fate: .unknown))
    }

    @Test func whatMayNotBeDoneTwiceIsRepeatedOnlyWhenItWasNotDone() {
        var lost = attempts(.contactCreate, isRepeatable: false)
        guard case .fail = lost.ended(retry(.network, fate: .unknown), jitter: 0) else {
            Issue.record("repeated")
            return
        }
        var refused = attempts(.contactCreate, isRepeatable: false)
        #expect(refused.ended(retry(.rateLimit, fate: .notSent), jitter: 0) == .again(after: .seconds(1)))
    }

    @Test func oneRefusalIsAskedAboutAndTheSecondOneIsAPermission() {
        var attempts = attempts()
        #expect(attempts.ended(.doubted(status: 403), jitter: 0) == .probe)
        #expect(attempts.probed(.accepted, refusedStatus: 403) == .again(after: .zero))
        #expect(
            attempts.ended(.doubted(status: 403), jitter: 0)
                == .fail(.init(.needsHuman(.permission), call: .fields, status: 403)))
    }

    @Test func aRefusedProbeMeansTheKeyIsDead() {
        var attempts = attempts()
        #expect(attempts.ended(.doubted(status: 403), jitter: 0) == .probe)
        #expect(
            attempts.probed(.doubted(status: 403), refusedStatus: 403)
                == .fail(.init(.needsHuman(.credentials), call: .fields, status: 403)))
    }

    @Test func aFailedProbeBlamesNobody() {
        var attempts = attempts()
        _ = attempts.ended(.doubted(status: 403), jitter: 0)
        guard case .fail(let error) = attempts.probed(retry(.server), refusedStatus: 403) else {
            Issue.record("no failure")
            return
        }
        #expect(error.isRetryable && error.code == "refusal_unverified")
    }

    @Test func theKeysOwnCheckTakesTwoRefusals() {
        var attempts = attempts(.usersMe)
        #expect(attempts.ended(.doubted(status: 403), jitter: 0) == .again(after: .seconds(1)))
        #expect(
            attempts.ended(.doubted(status: 403), jitter: 0)
                == .fail(.init(.needsHuman(.credentials), call: .usersMe, status: 403)))
    }

    @Test func aMissingRowInUnknownWordsIsBelievedOnceTheAccountIsProvenThere() {
        var attempts = attempts(.contactUpdate)
        #expect(attempts.ended(.doubted(status: 404), jitter: 0) == .probe)
        #expect(attempts.probed(.accepted, refusedStatus: 404) == .again(after: .zero))
        guard case .fail(let error) = attempts.ended(.doubted(status: 404), jitter: 0) else {
            Issue.record("no failure")
            return
        }
        #expect(error.isNotFound)
    }

    @Test func cancellationIsNeverRepeated() {
        var attempts = attempts()
        guard case .fail = attempts.ended(retry(.cancelled, fate: .notSent), jitter: 0) else {
            Issue.record("repeated")
            return
        }
    }
}
