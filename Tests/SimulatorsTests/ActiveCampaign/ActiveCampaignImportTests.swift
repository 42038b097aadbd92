import Foundation
import Simulators
import Testing

@Suite(.timeLimit(.minutes(2)))
struct ActiveCampaignImportTests {
    private func contacts(_ count: Int, _ more: String = "") -> String {
        let rows = (0..<count).map { #"{"email":"p\#($0)@x.example"\#(more)}"# }.joined(separator: ",")
        return #"{"contacts":[\#(rows)]}"#
    }

    @Test func anImportIsQueuedAndTakesEffectByTheClock() async throws {
        let bench = ActiveCampaignBench {
            $0.importLatency = 600...600
            $0.importUnknownSeconds = 60
        }
        let queued = try await bench.post("import/bulk_import", contacts(3))
        #expect(queued.status == 200)
        #expect(queued["Success"].int == 1)
        #expect(queued["queued_contacts"].int == 3)
        #expect(queued["message"].string == "Contact import queued")
        let batch = try #require(queued["batchId"].string)
        #expect(batch.count == 36)
        #expect(bench.account.importsOpen == 1)
        #expect(bench.account.contactCount == 0)
        var states: [String] = []
        for _ in 0..<4 {
            let info = try await bench.get("import/info?batchId=\(batch)")
            states.append(info["status"].bool == false ? "false" : info["status"].string ?? "")
            bench.clock.advance(by: 190)
        }
        #expect(states == ["false", "waiting", "claimed", "active"])
        let done = try await bench.get("import/info?batchId=\(batch)")
        #expect(done["status"].string == "completed")
        #expect(done["success"].strings == ["1", "2", "3"])
        #expect(done["failure"].array.isEmpty)
        #expect(bench.account.importsOpen == 0)
    }

    @Test func stampsOfAnImportAreThoseOfItsOwnTimeWhoeverLooksWhen() async throws {
        let bench = ActiveCampaignBench { $0.importLatency = 60...60 }
        let before = Int(bench.clock.now.timeIntervalSince1970)
        _ = try await bench.post("import/bulk_import", contacts(2))
        bench.clock.advance(by: 5_000)
        let contact = try #require(bench.account.contact(1))
        #expect((before + 60...before + 70).contains(contact.created))
    }

    @Test func importsSpeakTheirOwnNames() async throws {
        let bench = ActiveCampaignBench { $0.importLatency = 0...0 }
        bench.account.addField(title: "City")
        let list = bench.account.addList(name: "News")
        let body = #"""
            {"contacts":[{"email":"a@x.example","first_name":"Jane","last_name":"Doe","phone":"1","firstName":"wrong",
            "customer_acct_name":"Initech","tags":["a","b"],"fields":[{"id":1,"value":"Rome"},{"id":99,"value":"x"}],
            "subscribe":[{"listid":\#(list)}]}]}
            """#
        _ = try await bench.post("import/bulk_import", body)
        let contact = try #require(bench.account.contact(1))
        #expect(contact.firstName == "Jane" && contact.lastName == "Doe" && contact.phone == "1")
        #expect(contact.tags == ["a", "b"])
        #expect(contact.fields == ["CITY": "Rome"])
        #expect(contact.accountName == "Initech")
        #expect(contact.lists == [list: 1])
    }

    @Test func importsUpdateByEmailAndLeaveWhatTheyDoNotName() async throws {
        let bench = ActiveCampaignBench { $0.importLatency = 0...0 }
        try bench.account.actAsPerson {
            _ = try $0.addContact(email: "P0@x.example", firstName: "Old", phone: "7", tags: ["keep"])
        }
        bench.clock.advance(by: 100)
        let before = try #require(bench.account.contact(1)).updated
        _ = try await bench.post("import/bulk_import", contacts(1, #","last_name":"New","phone":"","tags":["more"]"#))
        let contact = try #require(bench.account.contact(1))
        #expect(contact.email == "P0@x.example")
        #expect(contact.firstName == "Old" && contact.lastName == "New" && contact.phone == "7")
        #expect(contact.tags == ["keep", "more"])
        #expect(contact.updated > before)
        bench.account.change { $0.importEmptyClears = true }
        _ = try await bench.post("import/bulk_import", contacts(1, #","phone":"""#))
        #expect(bench.account.contact(1)?.phone == "")
    }

    @Test func whoeverUnsubscribedStaysUnsubscribed() async throws {
        let bench = ActiveCampaignBench { $0.importLatency = 0...0 }
        let list = bench.account.addList(name: "News")
        try bench.account.actAsPerson { person in
            let id = try person.addContact(email: "p0@x.example")
            try person.subscribe(id, list: list)
            try person.unsubscribe(id)
        }
        _ = try await bench.post("import/bulk_import", contacts(1, #","subscribe":[{"listid":\#(list)}]"#))
        #expect(bench.account.contact(1)?.lists == [list: 2])
    }

    @Test(arguments: [0, 1])
    func oneBadAddressRefusesTheWholeBatch(base: Int) async throws {
        let bench = ActiveCampaignBench {
            $0.importIndexBase = base
            $0.importLatency = 0...0
        }
        let body = #"{"contacts":[{"email":"a@x.example"},{"email":"nonsense"},{"first_name":"x"}]}"#
        let reply = try await bench.post("import/bulk_import", body)
        #expect(reply.status == 400)
        #expect(reply["success"].int == 0)
        #expect(reply["message"].string?.hasPrefix("JSON payload did not pass validation.") == true)
        #expect(reply["failureReasons"].array.map { $0["contact"].int } == [1 + base, 2 + base])
        #expect(reply["failureReasons"][0]["failureReason"].string == "Field‘ email’ incorrect format")
        #expect(bench.account.contactCount == 0)
    }

    @Test(arguments: [413, 400])
    func tooManyOrTooMuchIsRefused(status: Int) async throws {
        let bench = ActiveCampaignBench { $0.importOversizeStatus = status }
        #expect(try await bench.post("import/bulk_import", contacts(250)).status == 200)
        #expect(try await bench.post("import/bulk_import", contacts(251)).status == 400)
        let filler = String(repeating: "x", count: 400_000)
        let large = try await bench.post("import/bulk_import", contacts(1, #","first_name":"\#(filler)""#))
        #expect(large.status == status)
    }

    @Test func theImporterHasALimitOfItsOwnAndAnswers400() async throws {
        let bench = ActiveCampaignBench { $0.limitsImports = true }
        for _ in 0..<100 { #expect(try await bench.post("import/bulk_import", contacts(2)).status == 200) }
        let refused = try await bench.post("import/bulk_import", contacts(2))
        #expect(refused.status == 400)
        #expect(refused["message"].string == "Rate limit exceeded.")
        #expect(
            refused["failureReasons"].strings == [
                "Up to 100 imports may be requested per minute.Please batch contacts into larger requests, "
                    + "or retry this request in a minute."
            ])
        for _ in 0..<20 { #expect(try await bench.post("import/bulk_import", contacts(1)).status == 200) }
        #expect(try await bench.post("import/bulk_import", contacts(1)).status == 400)
        #expect(bench.account.calls.importsLimited == 2)
        bench.clock.advance(by: 61)
        #expect(try await bench.post("import/bulk_import", contacts(2)).status == 200)
    }

    @Test func excludedAddressesFailByEmailWhileOthersSucceedById() async throws {
        let bench = ActiveCampaignBench {
            $0.importLatency = 0...0
            $0.excludedEmails = ["p1@x.example"]
        }
        let queued = try await bench.post("import/bulk_import", contacts(3))
        let info = try await bench.get("import/info?batchId=\(queued["batchId"].string ?? "")")
        #expect(info["success"].strings == ["1", "2"])
        #expect(info["failure"].strings == ["p1@x.example"])
    }

    @Test func infoWantsABatch() async throws {
        let bench = ActiveCampaignBench()
        let missing = try await bench.get("import/info")
        #expect(missing.status == 400)
        #expect(missing["message"].string == "'batchId' is a required field.")
        #expect(try await bench.get("import/info?batchId=unknown")["status"].bool == false)
    }

    @Test func theOverviewCountsInText() async throws {
        let bench = ActiveCampaignBench { $0.importLatency = 60...60 }
        _ = try await bench.post("import/bulk_import", contacts(3))
        let before = try await bench.get("import/bulk_import")
        #expect(before["outstanding"][0]["batches"].string == "1")
        #expect(before["outstanding"][0]["contacts"].string == "3")
        bench.clock.advance(by: 61)
        let after = try await bench.get("import/bulk_import")
        #expect(after["outstanding"].array.isEmpty)
        #expect(after["recentlyCompleted"][0]["contacts"].string == "3")
    }

    @Test func theSameSeedGivesTheSameLatency() async throws {
        func seconds(_ seed: UInt64) async throws -> Double {
            let bench = ActiveCampaignBench {
                $0.seed = seed
                $0.importLatency = 100...1_000
            }
            _ = try await bench.post("import/bulk_import", contacts(1))
            return bench.account.secondsUntilImportsSettle
        }
        let first = try await seconds(3)
        #expect(abs(try await seconds(3) - first) < 5)
        #expect(abs(try await seconds(4) - first) > 5)
    }

    @Test func theCallbackIsCalledOnceTheBatchIsDone() async throws {
        let bench = ActiveCampaignBench { $0.importLatency = 10...10 }
        let queued = try await bench.post(
            "import/bulk_import",
            #"""
            {"contacts":[{"email":"a@x.example"}],
            "callback":{"url":"https://me.example/cb","requestType":"POST","detailed_results":"true"}}
            """#)
        bench.clock.advance(by: 11)
        #expect(bench.account.importsOpen == 0)
        await bench.account.webhooksSettled()
        let hit = try #require(bench.received.hits.first)
        #expect(hit.url.absoluteString == "https://me.example/cb")
        #expect(hit.form["batchId"] == queued["batchId"].string)
        #expect(hit.form["successes"] == "1")
    }
}
