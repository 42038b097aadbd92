import Foundation
import Simulators
import Testing

/// Section 9 of the reference: every shape an error has, over real HTTP.
@Suite(.timeLimit(.minutes(3)))
struct ErrorShapeTests {
    @Test func contactsAndAccountsTellTitleDetailCodeAndPointer() async throws {
        let it = try await ConformanceAccount()
        for (path, body) in [
            ("contacts", #"{"contact":{"firstName":"x"}}"#), ("contacts", #"{"contact":{"email":"no address"}}"#),
            ("accounts", #"{"account":{}}"#),
        ] {
            let reply = try await it.post(path, body)
            let error = reply["errors"][0]
            #expect(reply.status == 422 && error["title"].string?.isEmpty == false, "\(path) \(reply.text)")
            #expect(error["detail"].string == "" && error["code"].string != nil)
            #expect(error["source"]["pointer"].string?.hasPrefix("/data/attributes/") == true)
        }
    }

    @Test func newerResourcesRepeatTheStatus() async throws {
        let it = try await ConformanceAccount()
        let missing = try await it.post("contactTags", #"{"contactTag":{"tag":1}}"#)
        #expect(missing.status == 422 && missing["errors"][0]["status"].int == 422)
        let nobody = try await it.post("contactTags", #"{"contactTag":{"contact":9,"tag":1}}"#)
        #expect(nobody.status == 404 && nobody["errors"][0]["detail"].string == "Contact not found")
        let limited = it.addToken(forbidding: ["lists"])
        let forbidden = try await it.get("lists", token: limited)
        #expect(forbidden.status == 403 && forbidden["errors"][0]["title"].string == "Forbidden")
        #expect(try await it.get("users/me", token: limited).status == 200)
    }

    @Test func customObjectsPointWithTypeAndValue() async throws {
        let it = try await ConformanceAccount()
        let schema = #"{"schema":{"slug":"ships","labels":{"singular":"Ship","plural":"Ships"},"fields":[]}}"#
        #expect(try await it.post("customObjects/schemas", schema).status == 201)
        let again = try await it.post("customObjects/schemas", schema)
        #expect(again.status == 422 && again["errors"][0]["source"]["type"].string == "pointer")
        #expect(again["errors"][0]["source"]["value"].string == "/data/attributes/schema/slug")
        #expect(again["errors"][0]["detail"].string == "Schema slug must be unique")
    }

    @Test func customFieldMetaHasANumberForACode() async throws {
        let it = try await ConformanceAccount()
        let reply = try await it.post("accountCustomFieldMeta", #"{"accountCustomFieldMetum":{"fieldLabel":"x"}}"#)
        #expect(reply.status == 422 && reply["errors"][0]["code"].int == 422)
        #expect(reply["errors"][0]["title"].string == "The field type field is required.")
    }

    @Test func dealCustomValuesTellDetailAlone() async throws {
        let it = try await ConformanceAccount()
        _ = try await it.post(
            "dealCustomFieldMeta", #"{"dealCustomFieldMetum":{"fieldLabel":"Close","fieldType":"date"}}"#)
        _ = try await it.contact("a@x.example")
        _ = try await it.post("dealGroups", #"{"dealGroup":{"title":"G","currency":"usd"}}"#)
        let reply = try await it.post(
            "deals",
            """
            {"deal":{"title":"D","contact":"1","value":1,"currency":"usd","group":"1","owner":"1",
            "fields":[{"customFieldId":1,"fieldValue":"abc"}]}}
            """)
        #expect(reply.status == 422, "\(reply.text)")
        #expect(reply["errors"][0].keys == ["detail"])
        #expect(
            reply["errors"][0]["detail"].string
                == "The custom field value `abc` could not be saved to the custom field of type `date`.")
    }

    @Test func fieldOptionsTellErrorsAsText() async throws {
        let it = try await ConformanceAccount()
        let reply = try await it.post("fieldOption/bulk", #"{"nothing":[]}"#)
        #expect(reply.status == 422 && reply["errors"].string != nil)
    }

    @Test(arguments: [
        ("contacts/9", "No Result found for Subscriber with id 9"),
        ("tags/9", "No Result found for Tag with id 9"),
        ("contactTags/9", "No Result found for SubscriberTag with id 9"),
        ("accountContacts/9", "No Result found for CustomerAccountSubscriber with id 9"), ("nothing", "Not Found"),
        ("contacts/sync", "Not Found"),
    ])
    func missingThingsAreNamedByInternalNames(path: String, message: String) async throws {
        let it = try await ConformanceAccount()
        let reply = try await it.get(path)
        #expect(reply.status == 404 && reply["message"].string == message, "\(reply.text)")
    }

    @Test func deletingAContactThatIsNotThereHasOtherWords() async throws {
        let it = try await ConformanceAccount()
        let reply = try await it.delete("contacts/9")
        #expect(reply.status == 404 && reply["message"].string == "No result found for contact with id 9")
    }

    @Test func importRefusalsNameTheirRows() async throws {
        let it = try await ConformanceAccount()
        let reply = try await it.post(
            "import/bulk_import", #"{"contacts":[{"email":"a@x.example"},{"email":"nonsense"}]}"#)
        #expect(reply.status == 400 && reply["success"].int == 0)
        #expect(reply["failureReasons"][0]["contact"].int == 1)
        #expect(reply["failureReasons"][0]["failureReason"].string != nil)
        it.clock.advance(by: 600)
        #expect(it.account.contactCount == 0)
        let missing = try await it.get("import/info")
        #expect(missing.status == 400 && missing["message"].string == "'batchId' is a required field.")
    }

    @Test func nonsenseIsABareBadRequestAndADeleteABareObject() async throws {
        let it = try await ConformanceAccount()
        let id = try await it.contact("a@x.example")
        let bad = try await it.get("contacts?filters[updated_after]=soon")
        #expect(bad.status == 400 && bad.text == "{}")
        let deleted = try await it.delete("contacts/\(id)")
        #expect(deleted.status == 200 && deleted.text == "{}")
    }

    @Test func oldDeletesAnswerJSONThatCallsItselfHTML() async throws {
        let it = try await ConformanceAccount()
        let reply = try await it.delete("campaigns/7")
        #expect(reply.status == 200 && reply["succeeded"].int == 0 && reply["message"].string != nil)
        #expect(reply.header("Content-Type") == "text/html; charset=UTF-8")
    }

    @Test func anUnpaidAccountIs402() async throws {
        let it = try await ConformanceAccount { $0.hasPaymentProblem = true }
        #expect(try await it.get("users/me").status == 402)
    }

    @Test func automationsCannotBeMade() async throws {
        let it = try await ConformanceAccount()
        #expect(try await it.post("automations", "{}").status == 405)
    }

    @Test func theHostNameMustBeTheKeysOwnAccount() async throws {
        let it = try await ConformanceAccount()
        func status(host: String) async throws -> Int {
            let request = SimulatedRequest(
                method: "GET", path: "/api/3/users/me", headers: ["api-token": it.account.token, "host": host])
            return try #require(await it.simulator.handle(request)).status
        }
        for host in ["conform.api-us1.com", "CONFORM.activehosted.com:443", "127.0.0.1:8080", "localhost"] {
            #expect(try await status(host: host) == 200, "\(host)")
        }
        for host in ["other.api-us1.com", "other.activehosted.com"] {
            #expect(try await status(host: host) == 403, "\(host)")
        }
    }
}
