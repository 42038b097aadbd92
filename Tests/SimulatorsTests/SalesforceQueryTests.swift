import Foundation
import Testing

@testable import Simulators

@Suite(.timeLimit(.minutes(3)))
struct SalesforceQueryTests {
    private static func people() throws -> SalesforceCaller {
        let caller = try SalesforceCaller()
        try caller.org.actAsUser { user in
            let acme = try user.create("Account", ["Name": "Acme"])
            _ = try user.create(
                "Contact", ["LastName": "Adams", "FirstName": "Ann", "Email": "Ann@X.org", "AccountId": .text(acme)])
            _ = try user.create("Contact", ["LastName": "Baker", "Email": "bob@x.org", "DoNotCall": true])
            _ = try user.create("Contact", ["LastName": "O'Neil", "Birthdate": .date(10_000)])
        }
        return caller
    }

    @Test(arguments: [
        ("LastName = 'adams'", ["Adams"]),
        ("LastName != 'Adams'", ["Baker", "O'Neil"]),
        ("LastName LIKE '%ak%'", ["Baker"]),
        ("LastName LIKE '_dams'", ["Adams"]),
        ("LastName = 'O\\'Neil'", ["O'Neil"]),
        ("Email = 'ann@x.org'", ["Adams"]),
        ("Email IN ('ann@x.org', 'BOB@x.org')", ["Adams", "Baker"]),
        ("Email NOT IN ('ann@x.org')", ["Baker", "O'Neil"]),
        ("Email = null", ["O'Neil"]),
        ("Email != null AND DoNotCall = TRUE", ["Baker"]),
        ("(LastName = 'Adams' OR LastName = 'Baker') AND DoNotCall = false", ["Adams"]),
        ("NOT LastName = 'Adams'", ["Baker", "O'Neil"]),
        ("Account.Name = 'Acme'", ["Adams"]),
        ("Account.Name = null", ["Baker", "O'Neil"]),
        ("Birthdate < 2000-01-01", ["O'Neil"]),
        ("CreatedDate = TODAY AND LastName > 'B'", ["Baker", "O'Neil"]),
        ("AccountId IN (SELECT Id FROM Account WHERE Name = 'Acme')", ["Adams"]),
    ])
    func aConditionFindsItsRows(condition: String, names: [String]) async throws {
        let caller = try Self.people()
        let found = try await caller.values(
            "LastName", "SELECT LastName FROM Contact WHERE \(condition) ORDER BY LastName")
        #expect(found == names.map(WireJSON.string))
    }

    @Test func parentsNestAndMissingParentsAreNull() async throws {
        let caller = try Self.people()
        let page = try await caller.query(
            "SELECT Id, Name, Account.Name, Owner.Email FROM Contact ORDER BY LastName LIMIT 2")
        let first = page["records"]?[0]
        #expect(first?["Account"]?["Name"] == "Acme")
        #expect(first?["Account"]?["attributes"]?["type"] == "Account")
        #expect(first?["Name"] == "Ann Adams")
        #expect(first?["Owner"]?["Email"]?.stringValue?.contains("@") == true)
        #expect(page["records"]?[1]?["Account"] == .null)
        #expect(page["totalSize"] == 2)
    }

    @Test(arguments: [
        ("SELECT Foo FROM Contact", "INVALID_FIELD", "No such column 'Foo' on entity 'Contact'"),
        ("SELECT Id FROM Nope", "INVALID_TYPE", "sObject type 'Nope' is not supported"),
        ("SELECT Id FROM", "MALFORMED_QUERY", "unexpected token: <EOF>"),
        (
            "SELECT Id FROM Contact WHERE LastName = 'a' AND Title = 'b' OR Title = 'c'", "MALFORMED_QUERY",
            "unexpected token"
        ),
        ("SELECT * FROM Contact", "MALFORMED_QUERY", "unexpected token"),
        ("SELECT Id FROM Contact WHERE LastName = 'a", "MALFORMED_QUERY", "not closed"),
        (
            "SELECT Id FROM Contact WHERE SystemModstamp > '2026-01-01T00:00:00Z'", "INVALID_FIELD",
            "must be of type dateTime"
        ),
        ("SELECT Id FROM Contact WHERE SystemModstamp > 2026-01-01", "INVALID_FIELD", "must be of type dateTime"),
        ("SELECT Id FROM Contact WHERE LastName = 5", "INVALID_FIELD", "must be of type string"),
        ("SELECT Id FROM Contact OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "offset"),
        ("SELECT Id, Id FROM Contact", "MALFORMED_QUERY", "duplicate field"),
        ("SELECT Nope.Name FROM Contact", "INVALID_FIELD", "Didn't understand relationship 'Nope'"),
        ("SELECT FIELDS(ALL) FROM Contact", "MALFORMED_QUERY", "LIMIT"),
    ])
    func aBadQueryHasItsError(query: String, code: String, text: String) async throws {
        let caller = try SalesforceCaller()
        let answer = try await caller.call("GET", "query", query: [("q", query)])
        #expect(answer.status == 400)
        #expect(answer.errorCode == code)
        #expect(answer.message?.contains(text) == true, "\(answer.message ?? "")")
    }

    @Test func anInvalidFieldPointsAtItsPlace() async throws {
        let caller = try SalesforceCaller()
        let answer = try await caller.call("GET", "query", query: [("q", "SELECT Id, Foo FROM Contact")])
        #expect(
            answer.message?.hasPrefix("\nSELECT Id, Foo FROM Contact\n           ^\nERROR at Row:1:Column:12\n") == true
        )
    }

    @Test func countAnswersWithoutRecords() async throws {
        let caller = try Self.people()
        let page = try await caller.query("SELECT COUNT() FROM Contact WHERE Email != null")
        #expect(page == ["totalSize": 2, "done": true, "records": []])
    }

    @Test func pagesFollowTheirLocatorUntilItExpires() async throws {
        let caller = try SalesforceCaller()
        caller.org.seed("Contact", count: 450) { ["LastName": .text("L\($0)")] }
        let options = ["sforce-query-options": "batchSize=200"]
        let first = try await caller.query("SELECT LastName FROM Contact ORDER BY Id", headers: options)
        #expect(first["done"] == false)
        #expect(first["totalSize"] == 450)
        #expect(first["records"]?.arrayValue?.count == 200)
        let next = try #require(first["nextRecordsUrl"]?.stringValue)
        #expect(next.hasSuffix("-200"))
        let second = try await caller.call("GET", next)
        #expect(second.body?["records"]?[0]?["LastName"] == "L200")
        let last = try await caller.call("GET", try #require(second.body?["nextRecordsUrl"]?.stringValue))
        #expect(last.body?["done"] == true)
        #expect(last.body?["records"]?.arrayValue?.count == 50)
        #expect(last.body?["nextRecordsUrl"] == nil)
        #expect(caller.org.calls["query"] == 3)

        caller.clock.advance(by: 2 * 86_400 + 1)
        var later = caller
        later.token = caller.org.accessToken()
        let gone = try await later.call("GET", next)
        #expect(gone.status == 400 && gone.errorCode == "INVALID_QUERY_LOCATOR")
    }

    @Test func pageSizesKeepToTheirBoundsAndShrinkForWideRows() async throws {
        let caller = try SalesforceCaller()
        caller.org.addCustomField("Contact", "Notes__c", .longText(length: 32_000))
        caller.org.seed("Contact", count: 2_100) { ["LastName": .text("L\($0)")] }
        func rows(_ fields: String, _ size: String?) async throws -> Int? {
            let headers = size.map { ["sforce-query-options": "batchSize=\($0)"] } ?? [:]
            return try await caller.query("SELECT \(fields) FROM Contact", headers: headers)["records"]?.arrayValue?
                .count
        }
        #expect(try await rows("Id", nil) == 2_000)
        #expect(try await rows("Id", "5000") == 2_000)
        #expect(try await rows("Id", "10") == 200)
        #expect(try await rows("Id, Description, Notes__c", nil) == 200)
    }

    /// Walks a stream of equal and different stamps the way a poller does, and must see each row exactly once.
    @Test func aKeysetWalkSeesEveryRowOnce() async throws {
        let caller = try SalesforceCaller()
        var expected: [String] = []
        for second in 0..<3 {
            expected += caller.org.seed("Contact", count: 700) { ["LastName": .text("\(second)-\($0)")] }
            caller.clock.advance(by: 10)
        }
        // Some rows move on to a new second: they leave their old place.
        let moved = [expected[5], expected[800]]
        try caller.org.actAsUser { user in
            for id in moved { try user.update("Contact", id, ["Title": "moved"]) }
        }
        expected = expected.filter { !moved.contains($0) } + moved
        caller.clock.advance(by: 10)

        var seen: [String] = []
        var after: (stamp: String, id: String)?
        let end = Timestamp.json(Int(caller.clock.now.timeIntervalSince1970)).replacing(".000+0000", with: "Z")
        while true {
            var condition = "SystemModstamp < \(end)"
            if let after {
                condition +=
                    " AND ((SystemModstamp = \(after.stamp) AND Id > '\(after.id)') OR SystemModstamp > \(after.stamp))"
            }
            let page = try await caller.query(
                "SELECT Id, SystemModstamp FROM Contact WHERE \(condition) ORDER BY SystemModstamp, Id LIMIT 300")
            let rows = page["records"]?.arrayValue ?? []
            seen += rows.compactMap { $0["Id"]?.stringValue }
            guard let last = rows.last, let stamp = last["SystemModstamp"]?.stringValue,
                let id = last["Id"]?.stringValue
            else { break }
            after = (stamp.replacing(".000+0000", with: "Z"), id)
        }
        #expect(seen == expected)
    }

    @Test func aLateCommitIsStampedBeforeItIsSeen() async throws {
        let caller = try SalesforceCaller { $0.commitDelay = 5 }
        caller.org.setCommitDelay(0)
        let id = try caller.org.actAsUser { try $0.create("Contact", ["LastName": "Old"]) }
        caller.clock.advance(by: 60)
        caller.org.setCommitDelay(5)
        let stampBefore = caller.org.record(id)?["SystemModstamp"]
        let late = try caller.org.actAsUser { user in
            try user.update("Contact", id, ["LastName": "New"])
            return try user.create("Contact", ["LastName": "Late"])
        }
        let soql = "SELECT LastName, SystemModstamp FROM Contact ORDER BY SystemModstamp, Id"
        #expect(try await caller.values("LastName", soql) == ["Old"])
        let lateStamp = try #require(caller.org.record(late)?["SystemModstamp"])
        #expect(lateStamp != stampBefore)
        caller.clock.advance(by: 5.5)
        #expect(try await caller.values("LastName", soql) == ["New", "Late"])
        #expect(caller.org.record(late)?["SystemModstamp"] == lateStamp)
    }

    @Test func queryAllSeesTheDeletedAndTheMerged() async throws {
        let caller = try SalesforceCaller()
        let (winner, loser, gone) = try caller.org.actAsUser { user in
            let winner = try user.create("Contact", ["LastName": "Winner"])
            let loser = try user.create("Contact", ["LastName": "Loser"])
            let gone = try user.create("Contact", ["LastName": "Gone"])
            try user.merge(winner, [loser])
            try user.delete(gone)
            return (winner, loser, gone)
        }
        #expect(try await caller.values("Id", "SELECT Id FROM Contact") == [.string(winner)])
        let soql = "SELECT Id, MasterRecordId FROM Contact WHERE IsDeleted = TRUE ORDER BY Id"
        #expect(try await caller.values("Id", soql, all: true) == [.string(loser), .string(gone)])
        #expect(try await caller.values("MasterRecordId", soql, all: true) == [.string(winner), .null])
        try caller.org.actAsUser { try $0.undelete(gone) }
        #expect(try await caller.values("Id", "SELECT Id FROM Contact") == [.string(winner), .string(gone)])
    }

    @Test func aFieldWithoutReadAccessIsAsIfItWereNotThere() async throws {
        let caller = try SalesforceCaller()
        caller.org.setFieldAccess("Contact", "Title", isReadable: false)
        let answer = try await caller.call("GET", "query", query: [("q", "SELECT Title FROM Contact")])
        #expect(answer.errorCode == "INVALID_FIELD")
        let describe = try await caller.call("GET", "sobjects/Contact/describe")
        #expect(describe.body?["fields"]?.arrayValue?.contains { $0["name"] == "Title" } == false)
    }
}
