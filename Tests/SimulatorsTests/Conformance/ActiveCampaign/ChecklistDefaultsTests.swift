import Foundation
import Simulators
import Testing

/// Section 12 of the reference, row by row, over real HTTP: what an account is like before any switch is touched.
@Suite(.timeLimit(.minutes(3)))
struct ChecklistDefaultsTests {
    @Test func accountsHaveANonUTCZoneAndFlipWithDaylightSaving() async throws {
        let it = try await ConformanceAccount()
        // 2027-03-14 08:00 GMT is when Chicago's clocks jump.
        it.clock.advance(by: 1_805_011_100 - it.clock.now.timeIntervalSince1970)
        let before = try await it.contact("winter@x.example")
        it.clock.advance(by: 200)
        let after = try await it.contact("summer@x.example")
        #expect(try await it.udate(before).hasPrefix("2027-03-14T01:5"))
        #expect(try await it.udate(before).hasSuffix("-06:00"))
        #expect(try await it.udate(after).hasPrefix("2027-03-14T03:0"))
        #expect(try await it.udate(after).hasSuffix("-05:00"))
    }

    @Test func idsAreStrings() async throws {
        let it = try await ConformanceAccount()
        let id = try await it.contact("a@x.example")
        let tag = try await it.post("tags", #"{"tag":{"tag":"t","tagType":"contact"}}"#)["tag"]["id"]
        let row = try await it.post("contactTags", #"{"contactTag":{"contact":\#(id),"tag":1}}"#)["contactTag"]
        #expect(id == "1" && tag.string == "1")
        #expect(row["contact"].string == "1" && row["tag"].string == "1" && row["id"].string == "1")
        let list = try await it.get("contacts")
        #expect(list["meta"]["total"].string == "1" && list["contacts"][0]["deleted"].string == "0")
    }

    @Test(arguments: ["contacts", "tags", "fields", "lists", "contacts/1/contactTags"])
    func theDefaultLimitIsTwenty(list: String) async throws {
        let it = try await ConformanceAccount()
        try it.account.seed(count: 25)
        for number in 1...25 {
            it.account.addField(title: "Field \(number)")
            it.account.addList(name: "List \(number)")
            try it.account.actAsPerson { try $0.addTag(1, "tag \(number)") }
        }
        let rows = try await it.get(list)[list.split(separator: "/").last.map(String.init) ?? list].array
        #expect(rows.count == 20)
        let more = try await it.get("\(list)?limit=100")
        #expect(more[list.split(separator: "/").last.map(String.init) ?? list].array.count == 25)
    }

    @Test func limitsAreClampedToAHundredOrRefused() async throws {
        let it = try await ConformanceAccount()
        try it.account.seed(count: 130)
        #expect(try await it.get("contacts?limit=500")["contacts"].array.count == 100)
        it.account.change { $0.refusesLargePages = true }
        let refused = try await it.get("contacts?limit=500")
        #expect(refused.status == 400 && refused.text == "{}")
        it.account.change {
            $0.refusesLargePages = false
            $0.pageRowsElsewhere = 1_000
        }
        for number in 1...130 { it.account.addList(name: "List \(number)") }
        #expect(try await it.get("lists?limit=1000")["lists"].array.count == 130)
        #expect(try await it.get("contacts?limit=1000")["contacts"].array.count == 100)
    }

    @Test(arguments: [
        "contact PUT", "tag", "untag", "note", "deal", "field value",
    ])
    func writesToAContactBumpItsUdate(write: String) async throws {
        let it = try await ConformanceAccount()
        let id = try await it.contact("a@x.example")
        it.account.addField(title: "F")
        _ = try await it.post("tags", #"{"tag":{"tag":"t","tagType":"contact"}}"#)
        _ = try await it.post("dealGroups", #"{"dealGroup":{"title":"G","currency":"usd"}}"#)
        if write == "untag" { _ = try await it.post("contactTags", #"{"contactTag":{"contact":1,"tag":1}}"#) }
        let before = try await it.udate(id)
        it.clock.advance(by: 60)
        let reply =
            switch write {
            case "contact PUT": try await it.put("contacts/1", #"{"contact":{"firstName":"A"}}"#)
            case "tag": try await it.post("contactTags", #"{"contactTag":{"contact":1,"tag":1}}"#)
            case "untag": try await it.delete("contactTags/1")
            case "note": try await it.post("notes", #"{"note":{"note":"n","relid":1,"reltype":"Subscriber"}}"#)
            case "deal":
                try await it.post(
                    "deals",
                    #"{"deal":{"title":"D","contact":"1","value":1,"currency":"usd","group":"1","owner":"1"}}"#)
            default: try await it.post("fieldValues", #"{"fieldValue":{"contact":1,"field":1,"value":"v"}}"#)
            }
        #expect((200..<300).contains(reply.status), "\(reply.text)")
        #expect(try await it.udate(id) > before)
    }

    @Test func anImportBumpsTheUdateAndFiresNoWebhook() async throws {
        let it = try await ConformanceAccount()
        let id = try await it.contact("a@x.example")
        try await it.hook("all", events: ["update", "contact_tag_added", "subscribe"])
        let before = try await it.udate(id)
        it.clock.advance(by: 60)
        try await it.importContacts(#"{"email":"a@x.example","first_name":"A","tags":["t"]},{"email":"b@x.example"}"#)
        #expect(try await it.udate(id) > before)
        #expect(it.account.contact(1)?.tags == ["t"] && it.account.contactCount == 2)
        await it.account.webhooksSettled()
        #expect(it.received.isEmpty)
    }

    @Test(arguments: [true, false])
    func anIdleSyncBumpsTheUdateUnlessSwitched(moves: Bool) async throws {
        let it = try await ConformanceAccount { $0.idleSyncMovesUpdateTime = moves }
        let id = try await it.contact("a@x.example")
        let before = try await it.udate(id)
        it.clock.advance(by: 60)
        let reply = try await it.post("contact/sync", #"{"contact":{"email":"a@x.example"}}"#)
        #expect(reply.status == 200 && reply["contact"]["id"].string == id)
        #expect(try await (it.udate(id) > before) == moves)
    }

    @Test func emailsAreUniqueWhateverTheirCase() async throws {
        let it = try await ConformanceAccount()
        let id = try await it.contact("Ada@X.example")
        let again = try await it.post("contacts", #"{"contact":{"email":"ada@x.EXAMPLE"}}"#)
        #expect(again.status == 422 && again["errors"][0]["code"].string == "duplicate")
        let synced = try await it.post("contact/sync", #"{"contact":{"email":"ADA@x.example","firstName":"A"}}"#)
        #expect(synced["contact"]["id"].string == id)
        try await it.importContacts(#"{"email":"aDa@x.example"}"#)
        #expect(it.account.contactCount == 1 && it.account.contact(1)?.email == "Ada@X.example")
    }

    @Test func accountNamesAreUnique() async throws {
        let it = try await ConformanceAccount()
        #expect(try await it.post("accounts", #"{"account":{"name":"Acme"}}"#).status == 201)
        let again = try await it.post("accounts", #"{"account":{"name":"Acme"}}"#)
        #expect(again.status == 422 && again["errors"][0]["code"].string == "duplicate")
        #expect(
            again["errors"][0]["title"].string
                == #"An account named "Acme" already exists. Please choose a new name."#)
    }

    @Test func tagsAreUniqueByTypeAndNameWhateverTheCase() async throws {
        let it = try await ConformanceAccount()
        #expect(try await it.post("tags", #"{"tag":{"tag":"Blue","tagType":"contact"}}"#).status == 201)
        let again = try await it.post("tags", #"{"tag":{"tag":"bLUE","tagType":"contact"}}"#)
        #expect(again["error"].string == "Duplicate entry 'contact-bLUE' for key 'typetag'")
        #expect(try await it.post("tags", #"{"tag":{"tag":"Blue","tagType":"template"}}"#).status == 201)
    }

    @Test func aContactHasOneAccountAtMost() async throws {
        let it = try await ConformanceAccount()
        _ = try await it.contact("a@x.example")
        for name in ["A", "B"] { _ = try await it.post("accounts", #"{"account":{"name":"\#(name)"}}"#) }
        let first = try await it.post("accountContacts", #"{"accountContact":{"account":1,"contact":1}}"#)
        #expect(first.status == 201)
        let second = try await it.post("accountContacts", #"{"accountContact":{"account":2,"contact":1}}"#)
        #expect(second.status == 422 && second["errors"][0]["code"].string == "field_invalid")
        #expect(second["errors"][0]["source"]["pointer"].string == "/data/attributes/account,contact")
    }
}
