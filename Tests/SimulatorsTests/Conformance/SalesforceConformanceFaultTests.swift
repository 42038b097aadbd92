import Foundation
import Testing

@testable import Simulators

private typealias World = SalesforceConformanceWorld

/// Rows 9 to 15 of the checklist in reference section 16, each over HTTP.
@Suite(.timeLimit(.minutes(3)))
struct SalesforceConformanceFaultTests {
    @Test("16.9 an ambiguous external id is 300 or DUPLICATE_EXTERNAL_ID, one named twice in a call is refused twice")
    func row9() async throws {
        try await World.run { world in
            world.org.addCustomField("Contact", "Legacy__c", .externalID(length: 20, unique: false))
            world.org.seed("Contact", count: 2) { ["LastName": .text("L\($0)"), "Legacy__c": "x"] }
            let row = try await world.call("PATCH", "sobjects/Contact/Legacy__c/x", ["Title": "T"])
            #expect(row.status == 300 && row.body?.arrayValue?.count == 2)
            let rows = try await world.call(
                "PATCH", "composite/sobjects/Contact/Legacy__c",
                ["records": [World.contact(["Legacy__c": "x", "Title": "T"])]])
            #expect(rows.status == 200 && rows.body?[0]?.rowError == "DUPLICATE_EXTERNAL_ID")
            #expect(world.org.records("Contact").allSatisfy { $0["Title"].isNull })
            let twins = try await world.upsert([
                ["AC_Contact_Id__c": "1", "LastName": "A"], ["AC_Contact_Id__c": "2", "LastName": "B"],
                ["AC_Contact_Id__c": "1", "LastName": "C"],
            ])
            #expect(twins.map(\.rowError) == ["DUPLICATE_VALUE", nil, "DUPLICATE_VALUE"])
            #expect(twins[0]["errors"]?[0]?["message"] == "Duplicate external id specified: 1")
        }
    }

    @Test("16.10 REQUEST_LIMIT_EXCEEDED has two texts: the day's calls, and too many at once")
    func row10() async throws {
        try await World.run({ $0.apiLimit = 1 }) { world in
            world.org.setLongRunningCalls(25)
            let busy = try await world.call("GET", "limits")
            #expect(busy.status == 403 && busy.errorCode == "REQUEST_LIMIT_EXCEEDED")
            #expect(busy.message == "ConcurrentRequests (Concurrent API Requests) Limit exceeded.")
            world.org.setLongRunningCalls(24)
            #expect(try await world.call("GET", "limits").status == 200)
            let spent = try await world.call("GET", "limits")
            #expect(spent.status == 403 && spent.errorCode == "REQUEST_LIMIT_EXCEEDED")
            #expect(spent.message == "TotalRequests Limit exceeded." && spent.headers["retry-after"] == nil)
        }
    }

    @Test("16.11 query pages smaller than asked, locators that end")
    func row11() async throws {
        try await World.run({ $0.queryPageRows = 300 }) { world in
            world.org.seed("Contact", count: 700) { ["LastName": .text("L\($0)")] }
            let options = ["Sforce-Query-Options": "batchSize=2000"]
            let first = try await world.query("SELECT Id FROM Contact", headers: options)
            #expect(first.records.count == 300 && first.body?["totalSize"] == 700)
            let next = try #require(first.body?["nextRecordsUrl"]?.stringValue)
            #expect(try await world.call("GET", next).records.count == 300)
            let other = world.simulator.makeOrg(SalesforceOrgOptions(name: "globex"))
            let foreign = try await world.call("GET", next, token: other.accessToken())
            #expect(foreign.status == 400 && foreign.errorCode == "INVALID_QUERY_LOCATOR")
            world.clock.advance(by: 2 * 86_400 + 1)
            let gone = try await world.call("GET", next)
            #expect(gone.status == 400 && gone.errorCode == "INVALID_QUERY_LOCATOR")
        }
    }

    @Test("16.12 describe shows what the user may see, and 304 when nothing changed")
    func row12() async throws {
        try await World.run { world in
            world.org.setFieldAccess("Contact", "Title", isReadable: false, isWritable: false)
            world.org.setFieldAccess("Contact", "Fax", isWritable: false)
            let first = try await world.call("GET", "sobjects/Contact/describe")
            let fields = first.body?["fields"]?.arrayValue ?? []
            #expect(!fields.isEmpty && !fields.contains { $0["name"] == "Title" })
            #expect(fields.first { $0["name"] == "Fax" }?["updateable"] == false)
            let blind = try await world.query("SELECT Title FROM Contact")
            #expect(blind.status == 400 && blind.errorCode == "INVALID_FIELD")
            let since = ["If-Modified-Since": try #require(first.headers["last-modified"])]
            let same = try await world.call("GET", "sobjects/Contact/describe", headers: since)
            #expect(same.status == 304 && same.text.isEmpty)
            world.clock.advance(by: 2)
            world.org.addCustomField("Contact", "New__c", .text(length: 10))
            let changed = try await world.call("GET", "sobjects/Contact/describe", headers: since)
            #expect(changed.status == 200)
            #expect(changed.body?["fields"]?.arrayValue?.contains { $0["name"] == "New__c" } == true)
        }
    }

    @Test("16.13 an answer lost after the commit")
    func row13() async throws {
        try await World.run { world in
            world.org.addFault(.loseAnswer, method: "POST", .times(1))
            let lost = try await world.call("POST", "sobjects/Contact", ["LastName": "A"])
            #expect(lost.status == 0 && world.org.count("Contact") == 1)
            // A create that is repeated makes a second record, an upsert by external id does not.
            #expect(try await world.call("POST", "sobjects/Contact", ["LastName": "A"]).status == 201)
            #expect(world.org.count("Contact") == 2)
            world.org.addFault(.loseAnswer, method: "PATCH", .times(1))
            let path = "sobjects/Contact/AC_Contact_Id__c/1"
            #expect(try await world.call("PATCH", path, ["LastName": "B"]).status == 0)
            let again = try await world.call("PATCH", path, ["LastName": "B"])
            #expect(again.status == 200 && again.body?["created"] == false && world.org.count("Contact") == 3)
        }
    }

    @Test("16.14 HTML with 503, and 420 and 502 with nothing")
    func row14() async throws {
        try await World.run { world in
            world.org.addFault(.salesforceMaintenance, .times(1))
            let html = try await world.call("GET", "limits")
            #expect(html.status == 503 && html.headers["content-type"]?.hasPrefix("text/html") == true)
            #expect(html.body == nil && html.text.hasPrefix("<html>"))
            world.org.addFault(.salesforceNoRoute, .times(1))
            let noRoute = try await world.call("GET", "limits")
            #expect(noRoute.status == 420 && noRoute.text.isEmpty)
            world.org.addFault(.answer(status: 502, body: .empty), .times(1))
            let badGateway = try await world.call("GET", "limits")
            #expect(badGateway.status == 502 && badGateway.text.isEmpty)
            #expect(try await world.call("GET", "limits").status == 200)
            #expect(world.org.apiUsage.used == 1)
        }
    }

    @Test("16.15 UNABLE_TO_LOCK_ROW at random, on the parent that is shared")
    func row15() async throws {
        try await World.run({ $0.lockErrorRate = 0.3 }) { world in
            let account = try world.org.actAsUser { try $0.create("Account", ["Name": "Acme"]) }
            let records = (0..<100).map { index -> WireJSON in
                ["AC_Contact_Id__c": .int(index), "LastName": "x", "AccountId": .string(account)]
            }
            let rows = try await world.upsert(records)
            let locked = rows.indices.filter { rows[$0].rowError == "UNABLE_TO_LOCK_ROW" }
            #expect((5..<95).contains(locked.count), "seed 1: \(locked.count) of 100 locked")
            #expect(rows.count { $0["success"] == true } == 100 - locked.count)
            #expect(world.org.count("Contact") == 100 - locked.count)
            let text = locked.first.flatMap { rows[$0]["errors"]?[0]?["message"]?.stringValue }
            #expect(text == "unable to obtain exclusive access to this record or 1 records: \(account)")
            world.org.setLockErrorRate(0)
            let again = try await world.upsert(locked.map { records[$0] })
            #expect(again.allSatisfy { $0["created"] == true } && world.org.count("Contact") == 100)
        }
    }
}
