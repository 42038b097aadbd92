import Drivers
import Foundation
import TestSupport
import Testing

@testable import ActiveCampaign

/// One call's way over a real socket: headers, repeats, refusals, observers.
@Suite(.timeLimit(.minutes(2))) struct CallTests {
    @Test func everyRequestCarriesTheKeyAndAStableAgent() async throws {
        let bench = try ClientBench { _, _ in .ok(userAnswer) }
        #expect(try await bench.client.user() == AccountUser(id: 1, username: "jdoe"))
        let request = try #require(bench.server.requests.first)
        #expect(request.name == "GET users/me")
        #expect(request.headers["api-token"] == ClientBench.token)
        #expect(request.headers["user-agent"] == "Ferry/1")
        #expect(request.headers["accept"] == "application/json")
    }

    @Test func observersAreToldOfEveryTry() async throws {
        let bench = try ClientBench { _, before in
            before == 0 ? .answer(429, "", headers: ["Retry-After": "3"]) : .ok(userAnswer)
        }
        _ = try await bench.client.user()
        #expect(bench.calls.map(\.status) == [429, 200])
        #expect(bench.calls.map(\.attempt) == [1, 2])
        #expect(bench.kinds == [.usersMe, .usersMe])
    }

    @Test func a429HoldsTheWholeAccountForAsLongAsItSays() async throws {
        let bench = try ClientBench { _, before in
            before == 0 ? .answer(429, "<html>", headers: ["Retry-After": "3"]) : .ok(userAnswer)
        }
        let start = bench.time.now
        _ = try await bench.client.user()
        #expect(bench.time.now - start >= .seconds(3))
        let later = try ClientBench { _, _ in .answer(429, "", headers: ["Retry-After": "30"]) }
        let error = await failure { () throws(ActiveCampaignError) in try await later.client.user() }
        #expect(error?.verdict == .retry(after: .seconds(30), kind: .rateLimit, fate: .notSent))
        // The next caller waits out the pause before it asks, whoever it is.
        let waited = try await later.pacer.admit([.calls], for: .fields)
        #expect(waited == .seconds(30))
        #expect(later.calls.count == 1)
    }

    @Test(arguments: [503, 502, 500, 504]) func aFailingServerIsAskedAgainAFewTimes(status: Int) async throws {
        let bench = try ClientBench { _, _ in .answer(status, "<html>") }
        let error = await failure { () throws(ActiveCampaignError) in try await bench.client.fields() }
        #expect(error?.isRetryable == true)
        #expect(error?.status == status)
        #expect(bench.calls.count == ActiveCampaignLimits.attempts)
    }

    @Test func anUnreadableAnswerIsAskedForAgain() async throws {
        let bench = try ClientBench { _, before in
            switch before {
            case 0: .ok("")
            case 1: .ok("<html>")
            case 2: .cut(userAnswer)
            case 3: .ok("{}")
            default: .ok(userAnswer)
            }
        }
        #expect(try await bench.client.user().id == 1)
        #expect(bench.calls.count == 5)
    }

    @Test func anAnswerThatStaysUnreadableIsNamed() async throws {
        let bench = try ClientBench { _, _ in .ok("[]") }
        let error = await failure { () throws(ActiveCampaignError) in try await bench.client.user() }
        #expect(error?.code == "unreadable_answer")
        #expect(error?.isRetryable == true)
    }

    @Test func whatIsNotRepeatableIsSentOnce() async throws {
        let bench = try ClientBench { _, _ in .hangUp }
        let error = await failure { () throws(ActiveCampaignError) in
            try await bench.client.createContact(ContactValues(email: "a@b.c"))
        }
        #expect(bench.server.requests.count == 1)
        guard case .retry(_, .network, .unknown) = error?.verdict else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func aLostAnswerOfAnUpsertIsAskedForAgain() async throws {
        let bench = try ClientBench { _, before in before == 0 ? .hangUp : .ok(#"{"contact":{"id":"7"}}"#) }
        #expect(try await bench.client.upsert(ContactValues(email: "a@b.c")) == .written(contactID: 7))
    }

    @Test func aSpuriousRefusalIsAskedAboutAndForgotten() async throws {
        let bench = try ClientBench { request, before in
            if request.name == "GET users/me" { return .ok(userAnswer) }
            return before == 0 ? .answer(403, #"{"message":"Forbidden"}"#) : .ok(#"{"fields":[]}"#)
        }
        #expect(try await bench.client.fields() == [])
        #expect(bench.kinds == [.fields, .usersMe, .fields])
    }

    @Test func aPermissionIsToldFromADeadKey() async throws {
        let permission = try ClientBench { request, _ in
            request.name == "GET users/me" ? .ok(userAnswer) : .answer(403, #"{"message":"Forbidden"}"#)
        }
        let forbidden = await failure { () throws(ActiveCampaignError) in try await permission.client.fields() }
        #expect(forbidden?.verdict == .needsHuman(.permission))
        let dead = try ClientBench { _, _ in .answer(403, #"{"message":"Forbidden"}"#) }
        let refused = await failure { () throws(ActiveCampaignError) in try await dead.client.fields() }
        #expect(refused?.verdict == .needsHuman(.credentials))
        #expect(dead.kinds == [.fields, .usersMe])
        let own = await failure { () throws(ActiveCampaignError) in try await dead.client.user() }
        #expect(own?.verdict == .needsHuman(.credentials))
    }

    @Test func cancellationEndsAWaitAtOnce() async throws {
        let bench = try ClientBench { _, _ in .ok(userAnswer) }
        bench.pacer.pause(.calls, for: .seconds(30))
        let task = Task { await failure { () throws(ActiveCampaignError) in try await bench.client.user() } }
        task.cancel()
        let error = await task.value
        // The task may have been cancelled before or during its wait; it never sent.
        #expect(error?.code == "cancelled")
        #expect(bench.server.requests.isEmpty)
    }

    @Test func noDescriptionHoldsAKeyOrAPersonsData() throws {
        let bench = try ClientBench { _, _ in .hangUp }
        let values = ContactValues(email: "s3cret@x.y", fieldValues: [1: "s3cret"])
        let row = ImportRow(email: "s3cret@x.y", tags: ["s3cret"])
        let record = ContactRecord(id: 1, email: "s3cret@x.y", fieldValues: [1: "s3cret"])
        let hook = Webhook(id: 1, name: "n", url: "https://x/s3cret", events: [], sources: [])
        #expect(!"\(bench.client) \(values) \(row) \(record) \(hook)".contains("s3cret"))
        #expect(!"\(bench.client)".contains(ClientBench.token))
    }
}
