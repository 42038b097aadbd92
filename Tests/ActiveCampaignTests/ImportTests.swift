import Drivers
import Foundation
import TestSupport
import Testing

@testable import ActiveCampaign

/// The rows of an import's body.
private struct SentImport: Decodable {
    struct Row: Decodable { let email: String }
    let contacts: [Row]
}

private func emails(_ request: ScriptedServer.Request) -> [String] {
    (try? JSONDecoder().decode(SentImport.self, from: Data(request.body.utf8)))?.contacts.map(\.email) ?? []
}

private let limitReached =
    #"{"success":0,"message":"Rate limit exceeded.","failureReasons":["Up to 100 imports may be requested per minute."]}"#

@Suite(.timeLimit(.minutes(2))) struct ImportTests {
    private func rows(_ count: Int) -> [ImportRow] { (0..<count).map { ImportRow(email: "\($0)@x.y") } }

    @Test func aRowIsSentInTheImportersOwnNames() async throws {
        let bench = try ClientBench { _, _ in .ok(#"{"Success":1,"queued_contacts":1,"batchId":"b-1","message":"ok"}"#)
        }
        let row = ImportRow(
            email: "a@b.c", firstName: "Jane", lastName: "", phone: nil, fieldValues: [2: "||x||y||", 1: "v"],
            tags: ["t"])
        let outcome = await bench.client.importContacts([row], excludeAutomations: true)
        #expect(outcome == ImportOutcome(queued: [QueuedImport(batchID: "b-1", rows: [0])]))
        #expect(bench.server.names == ["POST import/bulk_import"])
        #expect(
            bench.server.requests.first?.body
                == #"{"contacts":[{"email":"a@b.c","exclude_automations":true,"fields":[{"id":1,"value":"v"},{"id":2,"value":"||x||y||"}],"first_name":"Jane","last_name":"","tags":["t"]}],"exclude_automations":true}"#
        )
    }

    @Test func manyRowsAreCutIntoImportsThatNameTheirRows() async throws {
        let bench = try ClientBench { _, before in .ok(#"{"Success":1,"batchId":"b\#(before)"}"#) }
        let outcome = await bench.client.importContacts(rows(600))
        #expect(outcome.queued.map(\.rows.count) == [250, 250, 100])
        #expect(outcome.queued.map(\.batchID) == ["b0", "b1", "b2"])
        for (queued, request) in zip(outcome.queued, bench.server.requests) {
            #expect(emails(request) == queued.rows.map { "\($0)@x.y" })
            #expect(request.body.utf8.count < 399_999)
        }
    }

    @Test(arguments: [0, 1]) func badRowsAreLeftOutAndTheRestIsImported(base: Int) async throws {
        let bad: Set = ["3@x.y", "7@x.y"]
        let bench = try ClientBench { request, before in
            let reasons = emails(request).enumerated().filter { bad.contains($0.element) }.map {
                #"{"contact":\#($0.offset + base),"failureReason":"Field‘ email’ incorrect format"}"#
            }
            guard !reasons.isEmpty else { return .ok(#"{"Success":1,"batchId":"b\#(before)"}"#) }
            return .answer(
                400,
                #"{"success":0,"message":"JSON payload did not pass validation.","failureReasons":[\#(reasons.joined(separator: ","))]}"#
            )
        }
        let outcome = await bench.client.importContacts(rows(20))
        #expect(
            outcome.refused.sorted { $0.row < $1.row }
                == [3, 7].map {
                    RefusedImportRow(row: $0, code: "email_invalid", fields: ["email"])
                })
        #expect(outcome.queued.flatMap(\.rows).sorted() == (0..<20).filter { $0 != 3 && $0 != 7 })
        #expect(outcome.unsent.isEmpty && outcome.error == nil)
    }

    @Test func theImportersLimitStopsTheRestAndKeepsWhatIsQueued() async throws {
        let bench = try ClientBench { _, before in
            before == 0 ? .ok(#"{"Success":1,"batchId":"b0"}"#) : .answer(400, limitReached)
        }
        let outcome = await bench.client.importContacts(rows(600))
        #expect(outcome.queued.map(\.batchID) == ["b0"])
        #expect(outcome.unsent == Array(250..<600))
        #expect(outcome.error?.verdict == .retry(after: .seconds(60), kind: .importLimit, fate: .notSent))
        #expect(bench.calls.count == 2)
    }

    @Test func aLostAnswerIsAskedForAgain() async throws {
        let bench = try ClientBench { _, before in before == 0 ? .hangUp : .ok(#"{"Success":1,"batchId":"b"}"#) }
        let outcome = await bench.client.importContacts(rows(2))
        #expect(outcome.queued == [QueuedImport(batchID: "b", rows: [0, 1])])
    }

    @Test func anImportTooLargeForTheServerIsHalved() async throws {
        let bench = try ClientBench { request, before in
            emails(request).count > 2 ? .answer(413, "<html>") : .ok(#"{"Success":1,"batchId":"b\#(before)"}"#)
        }
        let outcome = await bench.client.importContacts(rows(4))
        #expect(outcome.queued.map(\.rows) == [[0, 1], [2, 3]])
    }

    @Test(arguments: [
        (#"{"status":"waiting"}"#, ImportState.open), (#"{"status":"claimed"}"#, .open),
        (#"{"status":"active"}"#, .open), (#"{"status":false}"#, .open), (#"{"status":"failed"}"#, .failed),
        (#"{"status":"interrupted"}"#, .failed),
        (
            #"{"status":"completed","success":["123",124],"failure":["bad@x"]}"#,
            .completed(contactIDs: [123, 124], failedEmails: ["bad@x"])
        ),
        (
            #"{"status":"completed","success":{"0":"123","2":"125"},"failure":null}"#,
            .completed(contactIDs: [123, 125], failedEmails: [])
        ),
    ]) func theStatesOfAnImportAreTold(body: String, expected: ImportState) async throws {
        let bench = try ClientBench { _, _ in .ok(body) }
        #expect(try await bench.client.importState("b 1") == expected)
        #expect(bench.server.requests.first?.query == ["batchId=b 1"])
    }

    @Test(arguments: [400, 404]) func anImportNobodyKnowsIsUnknown(status: Int) async throws {
        let bench = try ClientBench { _, _ in .answer(status, #"{"success":0,"message":"Batch not found"}"#) }
        #expect(try await bench.client.importState("b") == .unknown)
    }

    @Test func aCompletedImportThatDoesNotSayWhatItTookIsNotBelieved() async throws {
        let bench = try ClientBench { _, _ in .ok(#"{"status":"completed"}"#) }
        let error = await failure { () throws(ActiveCampaignError) in try await bench.client.importState("b") }
        #expect(error?.code == "unreadable_answer")
    }
}
