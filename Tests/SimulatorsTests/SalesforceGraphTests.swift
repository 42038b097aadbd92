import Foundation
import Testing

@testable import Simulators

/// Reference section 5.3, and the tree call beside it.
@Suite(.timeLimit(.minutes(2)))
struct SalesforceGraphTests {
    private static func node(
        _ method: String, _ path: String, _ reference: String, _ body: WireJSON? = nil
    ) -> WireJSON {
        var object = WireObject([
            ("method", .string(method)), ("url", .string("/services/data/v66.0/" + path)),
            ("referenceId", .string(reference)),
        ])
        object["body"] = body
        return .object(object)
    }

    private static func send(
        _ caller: SalesforceCaller, _ graphs: [(id: String, nodes: [WireJSON])]
    ) async throws -> SalesforceCaller.Answer {
        let all = graphs.map { graph -> WireJSON in
            ["graphId": .string(graph.id), "compositeRequest": .array(graph.nodes)]
        }
        return try await caller.call("POST", "composite/graph", ["graphs": .array(all)])
    }

    @Test func graphsFailAloneAndWhole() async throws {
        let caller = try SalesforceCaller()
        let answer = try await Self.send(
            caller,
            [
                (
                    "1",
                    [
                        // Behind what it refers to, though it comes first.
                        Self.node("POST", "sobjects/Contact", "con", ["LastName": "A", "AccountId": "@{acc.id}"]),
                        Self.node("POST", "sobjects/Account", "acc", ["Name": "Acme"]),
                    ]
                ),
                (
                    "2",
                    [
                        Self.node("POST", "sobjects/Account", "acc", ["Name": "Gone"]),
                        Self.node("POST", "sobjects/Contact", "con", ["FirstName": "No last name"]),
                    ]
                ),
            ])
        #expect(answer.status == 200)
        let graphs = try #require(answer.body?["graphs"]?.arrayValue)
        #expect(graphs.map { $0["isSuccessful"] } == [true, false])
        let parts = graphs.map { $0["graphResponse"]?["compositeResponse"]?.arrayValue ?? [] }
        #expect(parts[0].map { $0["referenceId"] } == ["con", "acc"])
        #expect(parts[0].map { $0["httpStatusCode"] } == [201, 201])
        #expect(parts[1].map { $0["body"]?[0]?["errorCode"] } == ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING"])
        #expect(caller.org.count("Account") == 1 && caller.org.count("Contact") == 1)
        #expect(caller.org.apiUsage.used == 1)
        #expect(caller.org.calls.byClass == ["graph": 1])
    }

    @Test func afterFourteenFailedGraphsTheRestIsHalted() async throws {
        let caller = try SalesforceCaller()
        let bad = (0..<14).map { ("b\($0)", [Self.node("POST", "sobjects/Contact", "c", ["FirstName": "x"])]) }
        let good = [("good", [Self.node("POST", "sobjects/Contact", "c", ["LastName": "x"])])]
        let answer = try await Self.send(caller, bad + good)
        #expect(answer.body?["graphs"]?[14]?["isSuccessful"] == false)
        #expect(caller.org.count("Contact") == 0)
    }

    @Test func whatNoGraphMayHoldRefusesTheCall() async throws {
        let caller = try SalesforceCaller()
        let contact = Self.node("POST", "sobjects/Contact", "c", ["LastName": "x"])
        let chain = (0..<16).map { index in
            Self.node(
                "POST", "sobjects/Account", "a\(index)",
                ["Name": "x", "ParentId": index == 0 ? .null : .string("@{a\(index - 1).id}")])
        }
        let refused: [[(id: String, nodes: [WireJSON])]] = [
            [("1", [Self.node("GET", "query?q=SELECT+Id+FROM+Contact", "q")])],
            [("1", [Self.node("POST", "composite/sobjects", "q", ["records": []])])],
            [("1", [contact]), ("1", [contact])],
            [("a.b", [contact])],
            [("1", chain)],
            [
                (
                    "1",
                    [
                        Self.node("POST", "sobjects/Account", "a", ["Name": "@{b.id}"]),
                        Self.node("POST", "sobjects/Account", "b", ["Name": "@{a.id}"]),
                    ]
                )
            ],
            (0...75).map { ("g\($0)", [contact]) },
            [("1", (0...500).map { Self.node("POST", "sobjects/Contact", "c\($0)", ["LastName": "x"]) })],
        ]
        for graphs in refused {
            #expect(try await Self.send(caller, graphs).status == 400, "\(graphs.count) graphs, \(graphs[0].id)")
        }
        #expect(caller.org.count("Contact") == 0 && caller.org.count("Account") == 0)
    }

    @Test func aTreeIsCreatedParentsFirst() async throws {
        let caller = try SalesforceCaller()
        let answer = try await caller.call(
            "POST", "composite/tree/Account",
            [
                "records": [
                    [
                        "attributes": ["type": "Account", "referenceId": "a"], "Name": "Acme",
                        "Contacts": [
                            "records": [
                                ["attributes": ["type": "Contact", "referenceId": "c1"], "LastName": "One"],
                                ["attributes": ["type": "Contact", "referenceId": "c2"], "LastName": "Two"],
                            ]
                        ],
                    ]
                ]
            ])
        #expect(answer.status == 201 && answer.body?["hasErrors"] == false)
        #expect(answer.body?["results"]?.arrayValue?.map { $0["referenceId"] } == ["a", "c1", "c2"])
        let account = try #require(answer.body?["results"]?[0]?["id"]?.stringValue)
        #expect(caller.org.records("Contact").map { $0["AccountId"] } == [.text(account), .text(account)])
        #expect(caller.org.apiUsage.used == 1)
    }

    @Test func aFlawInATreeTakesAllOfItBack() async throws {
        let caller = try SalesforceCaller()
        let answer = try await caller.call(
            "POST", "composite/tree/Contact",
            [
                "records": [
                    ["attributes": ["type": "Contact", "referenceId": "c1"], "LastName": "One"],
                    ["attributes": ["type": "Contact", "referenceId": "c2"], "LastName": "Two", "Email": "no"],
                ]
            ])
        #expect(answer.status == 400 && answer.body?["hasErrors"] == true)
        #expect(answer.body?["results"]?[0]?["referenceId"] == "c2")
        #expect(answer.body?["results"]?[0]?["errors"]?[0]?["statusCode"] == "INVALID_EMAIL_ADDRESS")
        #expect(caller.org.count("Contact") == 0)
    }
}
