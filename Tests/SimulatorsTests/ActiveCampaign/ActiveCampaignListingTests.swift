import Foundation
import Simulators
import Testing

@Suite(.timeLimit(.minutes(2)))
struct ActiveCampaignListingTests {
    @Test(arguments: ["contacts", "tags", "fields", "lists", "webhooks", "accounts", "contactTags"])
    func everyListHasTwentyRowsUnlessToldOtherwise(resource: String) async throws {
        let bench = ActiveCampaignBench()
        for number in 1...25 {
            bench.account.addField(title: "Field \(number)")
            bench.account.addList(name: "List \(number)")
            try bench.account.actAsPerson { person in
                _ = try person.addContact(email: "p\(number)@x.example", tags: ["tag \(number)"])
            }
            let hook = #"{"webhook":{"name":"H","url":"https://h.example/\#(number)","events":[],"sources":[]}}"#
            _ = try await bench.post("webhooks", hook)
            _ = try await bench.post("accounts", #"{"account":{"name":"A \#(number)"}}"#)
        }
        let reply = try await bench.get(resource)
        #expect(reply[resource].array.count == 20)
        #expect(reply["meta"]["total"].string == "25")
        #expect(try await bench.get("\(resource)?limit=100")[resource].array.count == 25)
        #expect(try await bench.get("\(resource)?limit=10&offset=20")[resource].array.count == 5)
    }

    @Test func pagesAreCutToAHundredOrRefusedBySwitch() async throws {
        let bench = ActiveCampaignBench()
        try bench.account.seed(count: 150)
        let reply = try await bench.get("contacts?limit=500")
        #expect(reply["contacts"].array.count == 100)
        #expect(reply["meta"]["page_input"]["limit"].int == 100)
        bench.account.change { $0.refusesLargePages = true }
        let refused = try await bench.get("contacts?limit=500")
        #expect(refused.status == 400)
        #expect(refused.text == "{}")
    }

    @Test func keysetPagingVisitsEverybodyOnceThoughPeopleComeAndGo() async throws {
        let bench = ActiveCampaignBench()
        try bench.account.seed(count: 450)
        var seen: [Int] = []
        var last = 0
        while true {
            let reply = try await bench.get("contacts?limit=100&orders%5Bid%5D=ASC&id_greater=\(last)")
            let ids = reply["contacts"].array.compactMap { $0["id"].string.flatMap { Int($0) } }
            guard let newest = ids.last else { break }
            seen += ids
            last = newest
            // Deletes behind the walk would shift offsets; they do not shift ids.
            try bench.account.actAsPerson { try $0.delete(ids[0]) }
        }
        #expect(seen == Array(1...450))
    }

    @Test func totalsOfKeysetPagesCountWhatIsLeft() async throws {
        let bench = ActiveCampaignBench()
        try bench.account.seed(count: 1_000)
        try bench.account.actAsPerson { person in
            for id in [100, 300, 900] { try person.delete(id) }
        }
        #expect(try await bench.get("contacts?limit=1")["meta"]["total"].string == "997")
        #expect(try await bench.get("contacts?limit=1&id_greater=200")["meta"]["total"].string == "798")
        #expect(try await bench.get("contacts?limit=1&id_greater=700")["meta"]["total"].string == "299")
        #expect(try await bench.get("contacts?limit=1&id_greater=700&id_less=710")["meta"]["total"].string == "9")
    }

    @Test func descendingWalksStartAtTheNewest() async throws {
        let bench = ActiveCampaignBench()
        try bench.account.seed(count: 600)
        let reply = try await bench.get("contacts?limit=3&offset=1&orders%5Bid%5D=DESC")
        #expect(reply["contacts"].array.map { $0["id"].string } == ["599", "598", "597"])
    }

    @Test func filtersByIdsEmailAndTagCombine() async throws {
        let bench = ActiveCampaignBench()
        try bench.account.seed(count: 10, prefix: "p", domain: "x.example")
        try bench.account.actAsPerson { person in
            for id in [3, 5, 9] { try person.addTag(id, "vip") }
        }
        let byIds = try await bench.get("contacts?ids%5B%5D=5&ids%5B%5D=4&ids%5B%5D=77")
        #expect(byIds["contacts"].array.map { $0["id"].string } == ["4", "5"])
        let byTag = try await bench.get("contacts?tagid=1&id_greater=3")
        #expect(byTag["contacts"].array.map { $0["id"].string } == ["5", "9"])
        #expect(byTag["meta"]["total"].string == "2")
        let byEmail = try await bench.get("contacts?email=P7%40X.example")
        #expect(byEmail["contacts"].array.map { $0["id"].string } == ["7"])
        let both = try await bench.get("contacts?tagid=1&ids%5B%5D=5&ids%5B%5D=4")
        #expect(both["contacts"].array.map { $0["id"].string } == ["5"])
    }

    @Test func peopleAreFoundByTheAutomationTheyWentThrough() async throws {
        let bench = ActiveCampaignBench()
        try bench.account.seed(count: 3)
        try bench.account.runAutomation(.createLeadInSalesforce, contact: 2)
        let reply = try await bench.get("contacts?seriesid=1")
        #expect(reply["contacts"].array.map { $0["id"].string } == ["2"])
        #expect(try await bench.get("contacts?formid=1")["meta"]["total"].string == "0")
    }

    @Test func theEmailFilterMindsLetterCaseWhenSwitched() async throws {
        let bench = ActiveCampaignBench { $0.emailFilterIgnoresCase = false }
        try bench.account.seed(count: 1, prefix: "p", domain: "x.example")
        #expect(try await bench.get("contacts?email=P1%40x.example")["meta"]["total"].string == "0")
        #expect(try await bench.get("contacts?email=p1%40x.example")["meta"]["total"].string == "1")
    }

    @Test func unknownFiltersAreIgnored() async throws {
        let bench = ActiveCampaignBench()
        try bench.account.seed(count: 3)
        let reply = try await bench.get("contacts?filters%5Bnonsense%5D=1&filters%5Bupdated_timestamp%5D=2099-01-01")
        #expect(reply["meta"]["total"].string == "3")
    }

    @Test func updatedAfterTakesOffsetsAndNaiveLocalTimes() async throws {
        let bench = ActiveCampaignBench()
        try bench.account.seed(count: 300, age: 0)
        bench.clock.advance(by: 3_600)
        try bench.account.actAsPerson { try $0.edit(250, ActiveCampaignEdit(firstName: "New")) }
        let updated = try #require(bench.account.contact(250)).updated
        let utc = Self.stamp(updated, zone: "UTC", format: "yyyy-MM-dd'T'HH:mm:ss'Z'")
        let local = Self.stamp(updated, zone: "America/Chicago", format: "yyyy-MM-dd'T'HH:mm:ssXXX")
        let naive = Self.stamp(updated, zone: "America/Chicago", format: "yyyy-MM-dd HH:mm:ss")
        for form in [utc, local, naive] {
            let value = try #require(form.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
            let reply = try await bench.get("contacts?filters%5Bupdated_after%5D=\(value)&limit=100")
            #expect(reply["contacts"].array.map { $0["id"].string } == ["250"], "\(form)")
            #expect(reply["meta"]["total"].string == "1")
        }
    }

    @Test func afterIncludesItsInstantUnlessSwitched() async throws {
        let bench = ActiveCampaignBench()
        try bench.account.seed(count: 1, age: 0)
        let updated = try #require(bench.account.contact(1)).updated
        let form = Self.stamp(updated, zone: "UTC", format: "yyyy-MM-dd'T'HH:mm:ss'Z'")
        let target = "contacts?filters%5Bupdated_after%5D=\(form)"
        #expect(try await bench.get(target)["meta"]["total"].string == "1")
        #expect(try await bench.get("contacts?filters%5Bupdated_before%5D=\(form)")["meta"]["total"].string == "0")
        bench.account.change { $0.afterIsInclusive = false }
        #expect(try await bench.get(target)["meta"]["total"].string == "0")
    }

    @Test func aTimeThatIsNoneIsABareBadRequest() async throws {
        let bench = ActiveCampaignBench()
        let reply = try await bench.get("contacts?filters%5Bupdated_after%5D=yesterday")
        #expect(reply.status == 400)
        #expect(reply.text == "{}")
    }

    @Test func readLagHidesNewChangesFromFiltersAndNotFromIds() async throws {
        let bench = ActiveCampaignBench { $0.readLagSeconds = 30 }
        try bench.account.seed(count: 1, prefix: "p", domain: "x.example", age: 0)
        let target = "contacts?filters%5Bupdated_after%5D=2020-01-01"
        #expect(try await bench.get(target)["meta"]["total"].string == "0")
        #expect(try await bench.get("contacts?email_like=x.example")["meta"]["total"].string == "0")
        #expect(try await bench.get("contacts/1").status == 200)
        #expect(try await bench.get("contacts?email=p1%40x.example")["meta"]["total"].string == "1")
        bench.clock.advance(by: 31)
        #expect(try await bench.get(target)["meta"]["total"].string == "1")
    }

    @Test func sideloadsJoinOnTheContactAndShareTags() async throws {
        let bench = ActiveCampaignBench()
        bench.account.addField(title: "City")
        try bench.account.actAsPerson { person in
            _ = try person.addContact(email: "a@x.example", fields: ["CITY": "Rome"], tags: ["t", "u"])
            _ = try person.addContact(email: "b@x.example", tags: ["t"])
        }
        let reply = try await bench.get(
            "contacts?limit=100&include=fieldValues,contactTags,contactTags.tag,contactLists,accountContacts")
        let first = reply["contacts"][0]
        #expect(first["fieldValues"].strings == reply["fieldValues"].array.compactMap { $0["id"].string })
        #expect(reply["fieldValues"][0]["contact"].string == "1")
        #expect(reply["fieldValues"][0]["field"].string == "1")
        #expect(first["contactTags"].strings == ["1", "2"])
        #expect(reply["contactTags"].array.count == 3)
        #expect(reply["tags"].array.compactMap { $0["tag"].string } == ["t", "u"])
        #expect(reply["contacts"][1]["fieldValues"].array.isEmpty)
        let bare = try await bench.get("contacts")
        #expect(bare["fieldValues"].isNull && bare["contacts"][0]["fieldValues"].isNull)
    }

    @Test func membershipFiltersUseListAndStatus() async throws {
        let bench = ActiveCampaignBench()
        let list = bench.account.addList(name: "News")
        try bench.account.seed(count: 3)
        try bench.account.actAsPerson { person in
            try person.subscribe(1, list: list)
            try person.subscribe(2, list: list)
            try person.unsubscribe(2)
        }
        #expect(try await bench.get("contacts?listid=\(list)")["meta"]["total"].string == "2")
        #expect(try await bench.get("contacts?listid=\(list)&status=2")["contacts"][0]["id"].string == "2")
        #expect(try await bench.get("contacts?listid=\(list)&status=-1")["meta"]["total"].string == "2")
    }

    @Test func ordersByNameSortThePages() async throws {
        let bench = ActiveCampaignBench()
        try bench.account.actAsPerson { person in
            for name in ["Zoe", "Abe", "Mia"] { _ = try person.addContact(email: "\(name)@x.example", firstName: name) }
        }
        let reply = try await bench.get("contacts?orders%5Bfirst_name%5D=ASC")
        #expect(reply["contacts"].array.compactMap { $0["firstName"].string } == ["Abe", "Mia", "Zoe"])
        let ignored = try await bench.get("contacts?orders%5Budate%5D=DESC")
        #expect(ignored["contacts"].array.compactMap { $0["id"].string } == ["1", "2", "3"])
    }

    static func stamp(_ epoch: Int, zone: String, format: String) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: zone)
        formatter.dateFormat = format
        return formatter.string(from: Date(timeIntervalSince1970: TimeInterval(epoch)))
    }
}
