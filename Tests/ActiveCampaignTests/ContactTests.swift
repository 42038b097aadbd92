import Foundation
import TestSupport
import Testing

@testable import ActiveCampaign

/// A page with values and tags, numbers and texts mixed as ActiveCampaign does.
private let page = #"""
    {"contacts":[
      {"id":"7","email":"Ann@x.y","firstName":"Ann","lastName":null,"phone":49,"udate":"2026-05-28T09:05:48-05:00",
       "cdate":"2026-05-28T03:05:54-05:00","anonymized":"0","fieldValues":["14","15"],"contactTags":["31"]},
      {"id":8,"email":"","firstName":"","lastName":"","phone":"","udate":"0000-00-00 00:00:00","anonymized":"1",
       "bounced_hard":"1","fieldValues":[],"contactTags":[],"contactLists":["9"]}],
     "contactLists":[{"contact":"7","list":"3","status":"2","id":"5"},{"contact":"8","list":"3","status":"1","id":"8"}],
     "fieldValues":[{"contact":"7","field":"2","value":"Albany","id":"14"},{"contact":7,"field":3,"value":null,"id":15}],
     "contactTags":[{"contact":"7","tag":"20","id":"31"}],
     "tags":[{"id":"20","tag":"VIP","tagType":"contact"}],
     "meta":{"total":"2"}}
    """#

private func rows(_ ids: some Sequence<Int>) -> String {
    ids.map { #"{"id":"\#($0)","email":"\#($0)@x.y"}"# }.joined(separator: ",")
}

private func list(_ ids: some Sequence<Int>, total: Int? = nil) -> String {
    let meta = total.map { #","meta":{"total":\#($0)}"# } ?? ""
    return #"{"contacts":[\#(rows(ids))],"fieldValues":[],"contactTags":[],"tags":[]\#(meta)}"#
}

@Suite(.timeLimit(.minutes(2))) struct ContactTests {
    // MARK: - Pages

    @Test func aPageIsJoinedFromItsSideloads() async throws {
        let bench = try ClientBench { _, _ in
            .answer(200, page, headers: ["Date": "Thu, 28 May 2026 09:05:50 GMT"])
        }
        let since = Date(timeIntervalSince1970: 1_779_955_554.5)
        let result = try await bench.client.contacts(updatedSince: since, after: 6)
        let ann = try #require(result.contacts.first)
        #expect(ann.id == 7 && ann.email == "Ann@x.y" && ann.lastName == "" && ann.phone == "49")
        #expect(ann.fieldValues == [2: "Albany", 3: ""])
        #expect(ann.tags == [ContactTag(associationID: 31, tagID: 20, name: "VIP")])
        #expect(ann.lists == [ListMembership(listID: 3, status: .unsubscribed)] && !ann.isHardBounced)
        // Of lists that are not all there nothing is said at all (T28).
        #expect(result.contacts[1].lists.isEmpty && result.contacts[1].isHardBounced)
        #expect(ann.createdAt == Date(timeIntervalSince1970: 1_779_955_554))
        // A udate five hours ahead of the server is clamped to the server's own clock (reference 3.2).
        #expect(ann.updatedAt == result.serverDate && result.serverDate == Date(timeIntervalSince1970: 1_779_959_150))
        #expect(result.contacts[1].isAnonymized && result.contacts[1].updatedAt == nil)
        #expect(result.isLast && result.total == 2)
        let request = try #require(bench.server.requests.first)
        #expect(request.name == "GET contacts")
        #expect(
            request.query == [
                "limit=100", "orders[id]=ASC", "id_greater=6", "filters[updated_after]=2026-05-28T08:05:54Z",
                "include=fieldValues,contactTags,contactTags.tag,contactLists,accountContacts",
            ])
    }

    @Test(
        arguments: [
            (Array(1...100), 250, false), (Array(1...100), 100, false), (Array(1...40), 40, true), ([], 0, true),
            (Array(1...40), 90, false), (Array(1...40), nil, true),
        ] as [([Int], Int?, Bool)]) func aWalkEndsOnlyWhenNothingIsLeft(ids: [Int], total: Int?, isLast: Bool)
        async throws
    {
        let bench = try ClientBench { _, _ in .ok(list(ids, total: total)) }
        let result = try await bench.client.contacts(updatedSince: nil, after: 0)
        #expect(result.contacts.count == ids.count)
        #expect(result.isLast == isLast)
        #expect(bench.server.requests.allSatisfy { !$0.target.contains("updated_after") })
    }

    @Test(arguments: [[5, 6], [9, 8], [7, 7]]) func aPageThatIsNotTheOneAskedForIsRefused(ids: [Int]) async throws {
        let bench = try ClientBench { _, _ in .ok(list(ids)) }
        let error = await failure { () throws(ActiveCampaignError) in
            try await bench.client.contacts(updatedSince: nil, after: 6)
        }
        #expect(error?.verdict == .ourBug(code: "keyset_ignored"))
    }

    @Test func anEmptyAnswerIsNotAnEmptyPage() async throws {
        let bench = try ClientBench { _, _ in .ok("{}") }
        let error = await failure { () throws(ActiveCampaignError) in
            try await bench.client.contacts(updatedSince: nil, after: 0)
        }
        #expect(error?.code == "unreadable_answer")
    }

    @Test func aContactWhoseValuesAreMissingFromThePageIsReadByItself() async throws {
        let bench = try ClientBench { request, _ in
            switch request.name {
            case "GET contacts":
                .ok(
                    #"{"contacts":[{"id":"1","fieldValues":["14"],"contactTags":[]},{"id":"2","fieldValues":[],"contactTags":[]}],"fieldValues":[],"contactTags":[]}"#
                )
            case "GET contacts/1":
                .ok(
                    #"{"contact":{"id":"1","email":"a@b.c"},"fieldValues":[{"contact":"1","field":"2","value":"x","id":"14"}]}"#
                )
            case "GET contacts/1/contactTags": .ok(#"{"contactTags":[{"contact":"1","tag":"20","id":"31"}]}"#)
            case "GET tags": .ok(#"{"tags":[{"id":"20","tag":"VIP","tagType":"contact"}],"meta":{"total":"1"}}"#)
            default: .answer(404, "")
            }
        }
        let contacts = try await bench.client.contacts(updatedSince: nil, after: 0).contacts
        #expect(contacts.map(\.id) == [1, 2])
        #expect(contacts[0].fieldValues == [2: "x"])
        #expect(contacts[0].tags.map(\.name) == ["VIP"])
    }

    @Test func aPageWithoutAnySideloadIsNotReadAsEmptied() async throws {
        let all = (1...50).map { #"{"id":"\#($0)"}"# }.joined(separator: ",")
        let bench = try ClientBench { _, _ in .ok(#"{"contacts":[\#(all)]}"#) }
        let error = await failure { () throws(ActiveCampaignError) in
            try await bench.client.contacts(updatedSince: nil, after: 0)
        }
        #expect(error?.verdict == .ourBug(code: "sideload_missing"))
    }

    // MARK: - By number and address

    @Test func anyNumberOfContactsIsReadAHundredACall() async throws {
        let bench = try ClientBench { request, _ in
            let ids = request.query.filter { $0.hasPrefix("ids[]=") }.compactMap { Int($0.dropFirst(6)) }.sorted()
            return .ok(list(ids.filter { $0 != 77 }))
        }
        let contacts = try await bench.client.contacts(ids: Array(1...250) + [5, 5])
        #expect(contacts.map(\.id) == (1...250).filter { $0 != 77 }.map(Int64.init))
        #expect(bench.kinds == [.contactsByID, .contactsByID, .contactsByID])
        #expect(bench.server.requests.allSatisfy { $0.query.contains("limit=100") })
        #expect(try await bench.client.contacts(ids: []) == [])
    }

    @Test func anIgnoredFilterDoesNotProveAbsence() async throws {
        let bench = try ClientBench { _, _ in .ok(list(1...20)) }
        let error = await failure { () throws(ActiveCampaignError) in try await bench.client.contacts(ids: [500]) }
        #expect(error?.verdict == .ourBug(code: "ids_ignored"))
    }

    @Test func anAddressFindsItsContactAndNoOther() async throws {
        let bench = try ClientBench { _, _ in .ok(list(1...3)) }
        #expect(try await bench.client.contact(email: "2@X.y")?.id == 2)
        #expect(try await bench.client.contact(email: "9@x.y") == nil)
    }

    @Test func aMissingContactIsNil() async throws {
        let bench = try ClientBench { _, _ in .answer(404, #"{"message":"No Result found for Subscriber with id 1"}"#) }
        #expect(try await bench.client.contact(id: 1) == nil)
        #expect(try await bench.client.tags(ofContact: 1) == nil)
        #expect(try await bench.client.deleteContact(1) == false)
    }

    // MARK: - Writing

    @Test(arguments: [200, 201]) func anUpsertSendsOnlyWhatIsGiven(status: Int) async throws {
        let bench = try ClientBench { _, _ in .answer(status, #"{"fieldValues":[],"contact":{"id":10}}"#) }
        let values = ContactValues(email: "a@b.c", firstName: "", fieldValues: [6: "2008-01-20", 1: "ü \"x\"/y"])
        #expect(try await bench.client.upsert(values) == .written(contactID: 10, isNew: status == 201))
        let request = try #require(bench.server.requests.first)
        #expect(request.name == "POST contact/sync")
        #expect(request.headers["content-type"] == "application/json")
        #expect(
            request.body
                == #"{"contact":{"email":"a@b.c","fieldValues":[{"field":"1","value":"ü \"x\"/y"},{"field":"6","value":"2008-01-20"}],"firstName":""}}"#
        )
    }

    @Test func anUpsertWithoutAnAddressIsRefusedWithoutACall() async throws {
        let bench = try ClientBench { _, _ in .hangUp }
        #expect(try await bench.client.upsert(ContactValues()) == .refused(code: "field_missing", fields: ["email"]))
        #expect(bench.server.requests.isEmpty)
    }

    @Test(arguments: [
        (404, #"{"message":"No Result found for Subscriber with id 1"}"#, ContactWriteOutcome.gone),
        (
            422,
            #"{"errors":[{"title":"Email address already exists in the system","code":"duplicate","source":{"pointer":"/data/attributes/email"}}]}"#,
            .duplicateEmail
        ),
        (
            422, #"{"errors":[{"title":"Email address is not valid","source":{"pointer":"/data/attributes/email"}}]}"#,
            .refused(code: "email_invalid", fields: ["email"])
        ),
        (200, #"{"contact":{"id":"5"}}"#, .written(contactID: 5)),
    ]) func anUpdateTellsItsEnds(status: Int, body: String, expected: ContactWriteOutcome) async throws {
        let bench = try ClientBench { _, _ in .answer(status, body) }
        #expect(try await bench.client.update(5, with: ContactValues(email: "new@x.y")) == expected)
        #expect(bench.server.names == ["PUT contacts/5"])
        #expect(bench.server.requests.first?.body == #"{"contact":{"email":"new@x.y"}}"#)
    }

    @Test func anUpdateThatFailsForOtherReasonsThrows() async throws {
        let bench = try ClientBench { _, _ in .answer(402, "{}") }
        let error = await failure { () throws(ActiveCampaignError) in
            try await bench.client.update(5, with: ContactValues())
        }
        #expect(error?.verdict == .needsHuman(.payment))
    }

    // MARK: - Lists

    @Test func listsOfAContactAreReadAndSet() async throws {
        let bench = try ClientBench { request, _ in
            request.method == "POST"
                ? .ok(#"{"contactList":{"contact":"1","list":"3","status":1,"id":"1"}}"#)
                : .ok(#"{"contactLists":[{"list":"3","status":"2"},{"list":"4","status":9}]}"#)
        }
        #expect(
            try await bench.client.lists(ofContact: 1) == [
                ListMembership(listID: 3, status: .unsubscribed), ListMembership(listID: 4, status: nil),
            ])
        #expect(try await bench.client.setSubscribed(false, contact: 1, list: 3))
        #expect(bench.server.requests.last?.body == #"{"contactList":{"contact":1,"list":3,"status":2}}"#)
    }
}
