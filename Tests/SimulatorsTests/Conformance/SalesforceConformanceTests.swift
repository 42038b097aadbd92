import Foundation
import Synchronization
import Testing

@testable import Simulators

private typealias World = SalesforceConformanceWorld

/// Rows 1 to 8 of the checklist in reference section 16, each over HTTP.
@Suite(.timeLimit(.minutes(3)))
struct SalesforceConformanceTests {
    @Test("16.1 rolling 24 h counter by the minute, in a header on every answer, over the limit for paid editions")
    func row1() async throws {
        try await World.run({
            $0.apiLimit = 5
            $0.apiOverage = 2
        }) { world in
            let before = world.org.accessToken()
            for used in 1...4 {
                let answer = try await world.call("GET", used % 2 == 0 ? "sobjects/Nope" : "limits", token: before)
                #expect(answer.headers["sforce-limit-info"] == "api-usage=\(used)/5")
            }
            let expired = try await world.call("GET", "limits", token: "\(before.prefix(15))!dead")
            #expect(expired.status == 401 && expired.headers["sforce-limit-info"] == "api-usage=4/5")

            world.clock.advance(by: 12 * 3600)
            for used in 5...7 {
                let answer = try await world.call("GET", "limits")
                #expect(answer.status == 200 && answer.headers["sforce-limit-info"] == "api-usage=\(used)/5")
            }
            let refused = try await world.call("GET", "limits")
            #expect(refused.status == 403 && refused.headers["sforce-limit-info"] == "api-usage=7/5")

            // 24 hours after the first calls those are forgotten, and only those.
            world.clock.advance(by: 12 * 3600 + 60)
            #expect(try await world.call("GET", "limits").headers["sforce-limit-info"] == "api-usage=4/5")
        }
    }

    @Test("16.2 a composite counts one, a collection one, a batch each of its calls")
    func row2() async throws {
        try await World.run { world in
            let part: WireJSON = ["method": "GET", "url": "/services/data/v66.0/query?q=SELECT+Id+FROM+Contact"]
            let parts = (0..<5).map { index -> WireJSON in
                var object = part.objectValue ?? WireObject()
                object["referenceId"] = .string("r\(index)")
                return .object(object)
            }
            let composite = try await world.call("POST", "composite", ["compositeRequest": .array(parts)])
            #expect(
                composite.status == 200 && composite.headers["sforce-limit-info"]?.hasPrefix("api-usage=1/") == true)
            _ = try await world.upsert((0..<200).map { ["AC_Contact_Id__c": .int($0), "LastName": "x"] })
            #expect(world.org.apiUsage.used == 2)
            let calls = (0..<3).map { _ -> WireJSON in ["method": "GET", "url": "v66.0/limits"] }
            let batch = try await world.call("POST", "composite/batch", ["batchRequests": .array(calls)])
            #expect(batch.headers["sforce-limit-info"]?.hasPrefix("api-usage=5/") == true)
            #expect(world.org.calls.byClass == ["composite": 1, "collections": 1, "batch": 3])
        }
    }

    @Test("16.3 results by index, without id where a row failed, under the key statusCode")
    func row3() async throws {
        try await World.run { world in
            let id = try world.org.actAsUser { try $0.create("Contact", ["LastName": "A", "AC_Write_Id__c": "w"]) }
            let answer = try await world.call(
                "PATCH", "composite/sobjects",
                [
                    "records": [
                        World.contact(["id": "003000000000000", "Title": "T"]),
                        World.contact(["id": .string(id), "Title": "T"]),
                        World.contact(["id": .string(id.replacing("003", with: "001")), "Title": "T"]),
                    ]
                ])
            let rows = answer.body?.arrayValue ?? []
            #expect(answer.status == 200 && rows.map { $0["success"] } == [false, true, false])
            #expect(rows.map { $0["id"]?.stringValue } == [nil, id, nil])
            #expect(
                rows[2]["errors"]?[0]?["statusCode"] == "MALFORMED_ID" && rows[2]["errors"]?[0]?["errorCode"] == nil)
            #expect(rows[2]["errors"]?[0]?["fields"] == ["Id"])
        }
    }

    @Test("16.4 stamps of whole seconds, one for the transaction, seen only after the commit")
    func row4() async throws {
        try await World.run({ $0.commitDelay = 5 }) { world in
            _ = try await world.upsert((0..<50).map { ["AC_Contact_Id__c": .int($0), "LastName": "x"] })
            let soql = "SELECT Id, SystemModstamp FROM Contact"
            #expect(try await world.query(soql).body?["totalSize"] == 0)
            let written = world.clock.now
            world.clock.advance(by: 6)
            let records = try await world.query(soql).records
            let stamps = Set(records.compactMap { $0["SystemModstamp"]?.stringValue })
            #expect(records.count == 50 && stamps.count == 1)
            let stamp = try #require(stamps.first)
            #expect(stamp.hasSuffix(".000+0000"))
            let seconds = Timestamp.parseDateTime(stamp).map(Double.init)
            #expect(try #require(seconds) <= written.timeIntervalSince1970)
        }
    }

    @Test("16.5 partial save in two passes, and in three at most")
    func row5() async throws {
        try await World.run { world in
            let runs = Mutex<[String]>([])
            world.org.addAutomation(
                OrgAutomation(object: "Contact", name: "Picky") { call in
                    struct Refusal: Error {}
                    let name = call.after["LastName"]?.text ?? ""
                    runs.withLock { $0.append("\(call.pass)\(name)") }
                    if name == "Bad\(call.pass)" { throw Refusal() }
                    return []
                })
            func create(_ names: [String]) async throws -> [WireJSON] {
                let records = names.map { World.contact(["LastName": .string($0)]) }
                return try await world.call("POST", "composite/sobjects", ["records": .array(records)]).body?.arrayValue
                    ?? []
            }
            let two = try await create(["Good", "Bad1", "Fine"])
            #expect(two.map { $0["success"] } == [true, false, true])
            #expect(runs.withLock { $0 } == ["1Good", "1Bad1", "1Fine", "2Good", "2Fine"])
            let three = try await create(["Good", "Bad1", "Bad2", "Bad3"])
            #expect(three.allSatisfy { $0["success"] == false })
            #expect(
                three.allSatisfy {
                    $0["errors"]?[0]?["message"]?.stringValue?.hasPrefix("Too many batch retries") == true
                })
            #expect(world.org.count("Contact") == 2)
        }
    }

    @Test("16.6 lock, then the prior row, then flow, validation, duplicate rule, save")
    func row6() async throws {
        try await World.run { world in
            world.org.addDuplicateRule(.sameEmail("Contact"))
            world.org.addValidationRule(
                ValidationRule(object: "Contact", message: "flow ran") {
                    $0["Title"] == "probe" && $0["AC_Sync_Status__c"] == "Waiting for next sync"
                })
            let id = try world.org.actAsUser { user in
                _ = try user.create("Contact", ["LastName": "Twin", "Email": "a@x.example"])
                return try user.create("Contact", ["LastName": "A", "AC_Contact_Id__c": "1"])
            }
            // The rules see what the flow set, and stand before the duplicate rule.
            let probe = try await world.call(
                "PATCH", "sobjects/Contact/\(id)", ["Title": "probe", "Email": "a@x.example"])
            #expect(probe.body?.arrayValue?.map { $0["message"] } == ["flow ran"])
            let twin = try await world.call("PATCH", "sobjects/Contact/\(id)", ["Email": "a@x.example"])
            #expect(twin.errorCode == "DUPLICATES_DETECTED")

            // Writers that arrive together each see what the one before them left.
            let sequence = world.org.record(id)?["AC_Change_Seq__c"].number ?? 0
            try await withThrowingTaskGroup(of: Int.self) { group in
                for index in 0..<8 {
                    group.addTask {
                        try await world.call("PATCH", "sobjects/Contact/\(id)", ["Title": .string("t\(index)")]).status
                    }
                }
                for try await status in group { #expect(status == 204) }
            }
            #expect(world.org.record(id)?["AC_Change_Seq__c"].number == sequence + 8)
            let late = try await world.upsert([
                ["AC_Contact_Id__c": "1", "AC_Write_Id__c": "w", "AC_Acked_Seq__c": .double(sequence + 7)]
            ])
            #expect(late[0].rowError == "FIELD_CUSTOM_VALIDATION_EXCEPTION")
        }
    }

    @Test("16.7 a token that ends in the middle, a revoked refresh token, rotation")
    func row7() async throws {
        try await World.run({
            $0.sessionLifetime = 900
            $0.rotatesRefreshTokens = true
        }) { world in
            world.org.seed("Contact", count: 2_500) { ["LastName": .text("L\($0)")] }
            let form = [
                "grant_type": "refresh_token", "client_id": world.org.clientID,
                "refresh_token": world.org.refreshToken,
            ]
            let first = await world.token(form)
            let token = try #require(first.body?["access_token"]?.stringValue)
            let page = try await world.call("GET", "query?q=SELECT+Id+FROM+Contact", token: token)
            let next = try #require(page.body?["nextRecordsUrl"]?.stringValue)
            world.clock.advance(by: 901)
            let refused = try await world.call("GET", next, token: token)
            #expect(refused.status == 401 && refused.errorCode == "INVALID_SESSION_ID")
            // The old refresh token died of being used; the new one goes on where the old session stopped.
            let dead = await world.token(form)
            #expect(dead.status == 400 && dead.body?["error"] == "invalid_grant")
            let rotated = try #require(first.body?["refresh_token"]?.stringValue)
            let second = await world.token(form.merging(["refresh_token": rotated]) { $1 })
            let renewed = try #require(second.body?["access_token"]?.stringValue)
            #expect(try await world.call("GET", next, token: renewed).records.count == 500)
            world.org.revokeTokens(includingRefreshTokens: true)
            let last = try #require(second.body?["refresh_token"]?.stringValue)
            let revoked = await world.token(form.merging(["refresh_token": last]) { $1 })
            #expect(revoked.body?["error_description"] == "expired access/refresh token")
            #expect(try await world.call("GET", "limits", token: renewed).status == 401)
        }
    }

    @Test("16.8 soft delete and queryAll, merge with MasterRecordId, a converted lead is read-only")
    func row8() async throws {
        try await World.run { world in
            let (gone, winner, loser, lead, contact) = try world.org.actAsUser { user in
                let ids = try (0..<3).map { try user.create("Contact", ["LastName": .text("L\($0)")]) }
                let lead = try user.create("Lead", ["LastName": "A", "Company": "C"])
                try user.merge(ids[1], [ids[2]])
                return (ids[0], ids[1], ids[2], lead, try user.convertLead(lead).contactID)
            }
            #expect(try await world.call("DELETE", "sobjects/Contact/\(gone)").status == 204)
            let soql = "SELECT Id, IsDeleted, MasterRecordId FROM Contact WHERE IsDeleted = TRUE ORDER BY Id"
            #expect(try await world.query(soql).records.isEmpty)
            let deleted = try await world.query(soql, all: true).records
            #expect(deleted.map { $0["Id"] } == [.string(gone), .string(loser)])
            #expect(deleted.map { $0["MasterRecordId"] } == [.null, .string(winner)])
            let write = try await world.call("PATCH", "sobjects/Contact/\(gone)", ["Title": "T"])
            #expect(write.status == 404 && write.errorCode == "ENTITY_IS_DELETED")

            let converted = try await world.query("SELECT IsConverted, ConvertedContactId FROM Lead").records
            #expect(
                converted.first?["IsConverted"] == true && converted.first?["ConvertedContactId"] == .string(contact))
            let closed = try await world.call("PATCH", "sobjects/Lead/\(lead)", ["Title": "T"])
            #expect(closed.status == 400 && closed.errorCode == "CANNOT_UPDATE_CONVERTED_LEAD")
        }
    }
}
