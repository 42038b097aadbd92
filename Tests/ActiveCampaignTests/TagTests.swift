import Foundation
import TestSupport
import Testing

@testable import ActiveCampaign

private func tagList(_ tags: [(Int, String)], total: Int? = nil) -> String {
    let rows = tags.map { #"{"id":"\#($0.0)","tag":"\#($0.1)","tagType":"contact"}"# }.joined(separator: ",")
    return #"{"tags":[\#(rows)],"meta":{"total":"\#(total ?? tags.count)"}}"#
}

private let duplicate =
    #"{"message":"Could not process request","error":"Duplicate entry 'contact-VIP' for key 'typetag'"}"#

@Suite(.timeLimit(.minutes(2))) struct TagTests {
    @Test func aTagIsFoundByItsWholeNameWithoutCase() async throws {
        let bench = try ClientBench { _, _ in .ok(tagList([(1, "vip-old"), (2, "ViP")])) }
        #expect(try await bench.client.tagCreatingIfMissing("vip") == Tag(id: 2, name: "ViP"))
        #expect(bench.server.requests.first?.query == ["search=vip", "limit=100", "offset=0"])
    }

    @Test func aMissingTagIsMade() async throws {
        let bench = try ClientBench { request, _ in
            request.method == "POST" ? .answer(201, #"{"tag":{"tag":"vip","id":"9"}}"#) : .ok(tagList([]))
        }
        #expect(try await bench.client.tagCreatingIfMissing("vip") == Tag(id: 9, name: "vip"))
        #expect(bench.server.requests.last?.body == #"{"tag":{"description":"","tag":"vip","tagType":"contact"}}"#)
    }

    @Test(arguments: [422, 500]) func aTagThatSomebodyElseMadeMeanwhileIsFound(status: Int) async throws {
        let bench = try ClientBench { request, before in
            if request.method == "POST" { return .answer(status, duplicate) }
            return .ok(tagList(before == 0 ? [] : [(9, "VIP")]))
        }
        #expect(try await bench.client.tagCreatingIfMissing("vip").id == 9)
    }

    @Test func aTagTheSearchDoesNotShowYetIsFoundInTheWholeList() async throws {
        let bench = try ClientBench { request, _ in
            if request.method == "POST" { return .answer(422, duplicate) }
            return .ok(request.target.contains("search=") ? tagList([]) : tagList([(9, "VIP")]))
        }
        #expect(try await bench.client.tagCreatingIfMissing("vip").id == 9)
    }

    @Test func aTagNobodyShowsIsLookedForLater() async throws {
        let bench = try ClientBench { request, _ in
            request.method == "POST" ? .answer(422, duplicate) : .ok(tagList([]))
        }
        let error = await failure { () throws(ActiveCampaignError) in
            try await bench.client.tagCreatingIfMissing("vip")
        }
        #expect(error?.code == "tag_not_visible" && error?.isRetryable == true)
    }

    @Test func longListsAreReadToTheirEnd() async throws {
        let bench = try ClientBench { _, before in
            let all = (0..<230).map { ($0 + 1, "t\($0)") }
            return .ok(tagList(Array(all.dropFirst(before * 100).prefix(100)), total: 230))
        }
        #expect(try await bench.client.tags().map(\.id) == Array(1...230))
        #expect(bench.server.requests.map { $0.query.contains("offset=0") } == [true, false, false])
    }

    @Test(arguments: [(200, "31"), (201, "44")]) func aTagIsPutOnAContact(status: Int, id: String) async throws {
        let bench = try ClientBench { _, _ in
            .answer(status, #"{"contactTag":{"contact":"1","tag":"20","id":"\#(id)"}}"#)
        }
        #expect(try await bench.client.addTag(20, toContact: 1) == .done(associationID: Int64(id)))
        #expect(bench.server.requests.first?.body == #"{"contactTag":{"contact":"1","tag":"20"}}"#)
    }

    @Test func aMissingContactAndAMissingTagAreToldApart() async throws {
        let contact = try ClientBench { _, _ in
            .answer(404, #"{"errors":[{"status":404,"title":"Not Found","detail":"Contact not found"}]}"#)
        }
        #expect(try await contact.client.addTag(20, toContact: 1) == .contactGone)
        let tag = try ClientBench { _, _ in
            .answer(404, #"{"errors":[{"status":404,"title":"Not Found","detail":"Tag not found"}]}"#)
        }
        #expect(try await tag.client.addTag(20, toContact: 1) == .tagGone)
    }

    @Test func aKnownAssociationIsTakenOffInOneCall() async throws {
        let bench = try ClientBench { _, _ in .ok("{}") }
        #expect(try await bench.client.removeTag(20, fromContact: 1, associationID: 31) == .done(associationID: nil))
        #expect(bench.server.names == ["DELETE contactTags/31"])
    }

    @Test func anUnknownOrOutdatedAssociationIsLookedUp() async throws {
        let bench = try ClientBench { request, _ in
            switch request.name {
            case "DELETE contactTags/31": .answer(404, #"{"message":"No Result found for SubscriberTag with id 31"}"#)
            case "GET contacts/1/contactTags":
                .ok(
                    #"{"contactTags":[{"contact":"1","tag":"19","id":"40"},{"contact":"1","tag":"20","id":"41"}],"tags":[{"id":"19","tag":"a"},{"id":"20","tag":"b"}]}"#
                )
            default: .ok("{}")
            }
        }
        #expect(try await bench.client.removeTag(20, fromContact: 1, associationID: 31) == .done(associationID: nil))
        #expect(bench.server.names.last == "DELETE contactTags/41")
        #expect(!bench.server.names.contains("DELETE contactTags/40"))
    }

    @Test func takingATagOffAMissingContactSaysSo() async throws {
        let bench = try ClientBench { _, _ in .answer(404, #"{"message":"No Result found for Subscriber with id 1"}"#) }
        #expect(try await bench.client.removeTag(20, fromContact: 1) == .contactGone)
    }
}
