import Foundation
import Simulators
import Testing

@Suite(.timeLimit(.minutes(2)))
struct ActiveCampaignLimitTests {
    /// Makes calls in a row and gives their answers.
    private func burst(_ bench: ActiveCampaignBench, _ count: Int, token: String? = nil) async throws -> [CampaignReply]
    {
        var replies: [CampaignReply] = []
        for _ in 0..<count { replies.append(try await bench.call("GET", "users/me", token: token)) }
        return replies
    }

    @Test func fiveCallsPassAtOnceAndTheBucketRefillsEvenly() async throws {
        let bench = ActiveCampaignBench { $0.rateLimit = 5 }
        let replies = try await burst(bench, 40)
        #expect(replies.prefix(5).allSatisfy { $0.status == 200 })
        #expect(replies.contains { $0.status == 429 })
        bench.clock.advance(by: 0.45)
        // Two tokens at least came back; five are the most there can be.
        #expect(try await burst(bench, 2).allSatisfy { $0.status == 200 })
        bench.clock.advance(by: 3_600)
        let later = try await burst(bench, 40)
        #expect(later.prefix(5).allSatisfy { $0.status == 200 })
        #expect(later.contains { $0.status == 429 })
    }

    @Test func theFixedWindowStartsAnewEverySecond() async throws {
        let bench = ActiveCampaignBench {
            $0.rateLimit = 3
            $0.rateLimitAlgorithm = .fixedWindow
        }
        let replies = try await burst(bench, 40)
        #expect(replies.contains { $0.status == 429 })
        bench.clock.advance(by: 1)
        #expect(try await bench.get("users/me").status == 200)
    }

    @Test func allKeysShareTheLimitAndAccountsDoNot() async throws {
        let bench = ActiveCampaignBench { $0.rateLimit = 5 }
        let other = bench.account.addToken()
        _ = try await burst(bench, 40)
        bench.account.change { $0.rateLimit = nil }
        #expect(try await bench.call("GET", "users/me", token: other).status == 200)
        bench.account.change { $0.rateLimit = 5 }
        let refused = try await burst(bench, 20, token: other)
        #expect(refused.contains { $0.status == 429 })
        let neighbour = bench.simulator.makeAccount(ActiveCampaignOptions(name: "neighbour"))
        #expect(try await bench.call("GET", "users/me", token: neighbour.token).status == 200)
    }

    @Test(arguments: ActiveCampaignOptions.LimitedBody.allCases)
    func refusalsComeWithEachBody(body: ActiveCampaignOptions.LimitedBody) async throws {
        let bench = ActiveCampaignBench {
            $0.rateLimit = 1
            $0.limitedBody = body
            $0.retryAfterSeconds = 7
        }
        let refused = try #require(try await burst(bench, 20).first { $0.status != 200 })
        #expect(refused.status == 429)
        #expect(refused.header("retry-after") == "7")
        #expect(refused.header("ratelimit-limit") == "1")
        switch body {
        case .json: #expect(refused["message"].string == "Too Many Requests")
        case .html:
            #expect(refused.text.hasPrefix("<html>"))
            #expect(refused.header("content-type") == "text/html")
        case .empty: #expect(refused.text.isEmpty)
        }
    }

    @Test func answersThatWentWellCarryNoLimitHeaders() async throws {
        let bench = ActiveCampaignBench { $0.rateLimit = 5 }
        let reply = try await bench.get("users/me")
        #expect(reply.status == 200)
        #expect(reply["user"]["id"].string == "1")
        #expect(!reply.response.headers.contains { $0.name.lowercased().contains("ratelimit") })
        #expect(reply.header("x-request-id")?.count == 36)
        #expect(reply.header("content-type") == "application/json")
    }

    @Test func theOldServiceAnswered503() async throws {
        let bench = ActiveCampaignBench {
            $0.rateLimit = 1
            $0.limitsWithLegacy503 = true
        }
        let replies = try await burst(bench, 20)
        #expect(Set(replies.map(\.status)) == [200, 503])
    }

    @Test func spuriousRefusalsFollowTheSeed() async throws {
        func statuses(seed: UInt64) async throws -> [Int] {
            let bench = ActiveCampaignBench {
                $0.seed = seed
                $0.spurious403Rate = 0.3
            }
            return try await burst(bench, 200).map(\.status)
        }
        let first = try await statuses(seed: 7)
        #expect(try await statuses(seed: 7) == first)
        #expect(try await statuses(seed: 8) != first)
        let refused = first.filter { $0 == 403 }.count
        #expect((30...90).contains(refused))
    }

    @Test func aForbiddenResourceIsRefusedAndTheKeyIsNot() async throws {
        let bench = ActiveCampaignBench { $0.forbiddenResources = ["lists"] }
        let refused = try await bench.get("lists")
        #expect(refused.status == 403)
        #expect(refused["errors"][0]["detail"].string == "You do not have permission to view lists.")
        #expect(try await bench.get("users/me").status == 200)
    }

    @Test func permissionsBelongToTheKeysUser() async throws {
        let bench = ActiveCampaignBench()
        let limited = bench.account.addToken(forbidding: ["tags"])
        #expect(try await bench.call("GET", "tags", token: limited).status == 403)
        #expect(try await bench.call("GET", "users/me", token: limited).status == 200)
        #expect(try await bench.get("tags").status == 200)
    }

    @Test func importsSpendTheAccountsCallsUnlessSwitched() async throws {
        let body = #"{"contacts":[{"email":"a@x.example"},{"email":"b@x.example"}]}"#
        func statuses(_ spend: Bool) async throws -> Set<Int> {
            let bench = ActiveCampaignBench {
                $0.rateLimit = 1
                $0.importsSpendRateLimit = spend
            }
            var all: Set<Int> = []
            for _ in 0..<20 { all.insert(try await bench.post("import/bulk_import", body).status) }
            return all
        }
        #expect(try await statuses(true) == [200, 429])
        #expect(try await statuses(false) == [200])
    }

    @Test func switchesTravelAsJSON() throws {
        var options = ActiveCampaignOptions(name: "acme", seed: 9)
        options.importLatency = 4...5
        options.limitedBody = .html
        let copy = try JSONDecoder().decode(ActiveCampaignOptions.self, from: JSONEncoder().encode(options))
        #expect(copy == options)
    }

    @Test func anUnpaidAccountAnswers402() async throws {
        let bench = ActiveCampaignBench { $0.hasPaymentProblem = true }
        #expect(try await bench.get("users/me").status == 402)
    }

    @Test(arguments: [402, 403])
    func aFullPlanTakesNobodyNew(status: Int) async throws {
        let bench = ActiveCampaignBench {
            $0.contactLimit = 1
            $0.contactLimitStatus = status
        }
        #expect(try await bench.post("contact/sync", #"{"contact":{"email":"a@x.example"}}"#).status == 201)
        #expect(try await bench.post("contact/sync", #"{"contact":{"email":"b@x.example"}}"#).status == status)
        #expect(try await bench.post("contact/sync", #"{"contact":{"email":"a@x.example"}}"#).status == 200)
    }

    @Test func callsAreCountedByClassFromAMark() async throws {
        let bench = ActiveCampaignBench()
        _ = try await bench.get("users/me")
        let mark = bench.account.mark()
        _ = try await bench.get("contacts")
        _ = try await bench.post("contact/sync", #"{"contact":{"email":"a@x.example"}}"#)
        _ = try await bench.post("contact/sync", #"{"contact":{"email":"nonsense"}}"#)
        _ = try await bench.get("contacts/1/contactTags")
        let calls = bench.account.calls(since: mark)
        #expect(calls.byClass == [.contactList: 1, .contactSync: 2, .contactTagRead: 1])
        #expect(calls.total == 4)
        #expect(calls.writes == 1)
    }

    @Test func automationsCannotBeMade() async throws {
        let bench = ActiveCampaignBench()
        #expect(try await bench.post("automations", "{}").status == 405)
        #expect(try await bench.get("nonsense").status == 404)
    }
}
