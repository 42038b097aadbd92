import Foundation
import Testing

@testable import Simulators

/// Every line of sections 1–11 and 14 of the reference that says "unverified", in its order, with the option of the
/// simulator that decides it or the reason why there is none. A dot stands before facts of `SalesforceUnconfirmed`.
@Suite(.timeLimit(.minutes(1)))
struct SalesforceUnverifiedTests {
    static let logins = [
        UnverifiedFact(
            "1", "hosts of sandboxes and Developer Editions",
            noSwitch: "clients take the host from instance_url, which is the simulator's own"),
        UnverifiedFact("1.1", "My Domain as an audience", ".takesInstanceAudience"),
        UnverifiedFact("1.1", "how far ahead exp may be", ".assertionSeconds"),
        UnverifiedFact("1.1", "a second login hands back the same token", ".reusesSessions"),
        UnverifiedFact("1.4", "text of an invalid assertion", ".texts"),
        UnverifiedFact("1.4", "texts of other refused users", ".tokenRefusal", ".texts"),
        UnverifiedFact("1.4", "inactive_org, rate_limit_exceeded", ".tokenRefusal"),
        UnverifiedFact("1.5", "how long sessions live", "sessionLifetime"),
        UnverifiedFact("1.5", "use extends a session", ".sessionsExtendWithUse"),
        UnverifiedFact("1.5", "users barred from apps that are not installed", "isApproved"),
        UnverifiedFact("2", "Sforce-Call-Options in logs", noSwitch: "an org of the simulator has no event log"),
        UnverifiedFact("2", "default of Sforce-Mru", noSwitch: "recentItems is always empty"),
    ]

    static let calls = [
        UnverifiedFact("3.1", "integration licences add nothing", "apiLimit"),
        UnverifiedFact("3.4", "token calls do not count", ".countsTokenCalls"),
        UnverifiedFact("3.4", "failed calls count", ".countsFailedCalls"),
        UnverifiedFact("3.4", "304 counts", ".countsUnchanged"),
        UnverifiedFact("3.5", "the header may be behind", ".usageLagSeconds"),
        UnverifiedFact("4", "code of too many records", ".tooManyRecordsCode"),
        UnverifiedFact("4", "empty text is null", ".emptyTextIsNull"),
        UnverifiedFact("4", "text of an unmatched foreign key", ".texts"),
        UnverifiedFact("4", "code of a record named twice", ".repeatedIDCode"),
        UnverifiedFact("5.1", "text of PROCESSING_HALTED", ".texts"),
        UnverifiedFact(
            "5.1", "governor limits are shared over a composite",
            noSwitch: "no Apex runs here; a fault of callClass composite answers what a limit would"),
        UnverifiedFact("6.1", "POST to /query", noSwitch: "not documented, so it is 405"),
        UnverifiedFact(
            "6.1", "OPERATION_TOO_LARGE",
            noSwitch: "depends on sizes nobody told; a fault of callClass query answers it at will"),
        UnverifiedFact("6.5", "nulls sort first", ".sortsNullsFirst"),
        UnverifiedFact("6.5", "LIMIT of FIELDS(ALL)", ".fieldsFunctionRows"),
    ]

    static let records = [
        UnverifiedFact("7", "a delete moves SystemModstamp", ".deleteMovesStamp"),
        UnverifiedFact("7", "getUpdated cuts seconds off", ".changesAreCutToMinutes"),
        UnverifiedFact("7", "when the unique index frees up", ".binHoldsUniqueValues"),
        UnverifiedFact("7", "an account's delete cascades", ".accountDeleteCascades"),
        UnverifiedFact(
            "7", "undelete restores the same id", noSwitch: "under another id it would be another record: a create"),
        UnverifiedFact("9", "bytes of a describe", noSwitch: "they follow from the fields an org has"),
        UnverifiedFact("9", "keys of a field in describe", noSwitch: "all of the page's keys are there, tested below"),
        UnverifiedFact("10", "texts marked with a star", ".texts"),
        UnverifiedFact("10", "an unknown field fails its row or the request", "unknownFieldFailsRequest"),
        UnverifiedFact(
            "10", "keys of DUPLICATES_DETECTED", noSwitch: "the page's sample is answered whole, see the rules' tests"),
        UnverifiedFact("11", "rows that may come with a job", ".bulkInlineCharacters"),
        UnverifiedFact("11", "status of an upload", ".bulkUploadStatus"),
        UnverifiedFact("11", "one upload a job", ".bulkTakesOneUpload"),
        UnverifiedFact(
            "11", "names of the result columns", noSwitch: "a client that cannot rely on them cannot tell its rows"),
        UnverifiedFact("11", "OFFSET in a bulk query", ".bulkRefusesOffset"),
        UnverifiedFact("11", "what writes null", ".bulkNullText", ".bulkEmptyClears"),
        UnverifiedFact(
            "14", "prefixes 00G, 00K, 701, 00T",
            noSwitch: "ids are opaque to clients; 00K and 701 are the page's, 00G and 00T name no object here"),
        UnverifiedFact(
            "14", "lengths of Title, Website, Status and of Account",
            noSwitch: "describe is the authority, and a custom field has any length"),
        UnverifiedFact("14", "ContactId of an opportunity is fixed", ".opportunityContactIsFixed"),
    ]

    static var facts: [UnverifiedFact] { logins + calls + records }

    private static let options = names(SalesforceOrgOptions(name: ""))
        .union(names(SalesforceUnconfirmed()).map { "." + $0 })

    private static func names(_ value: Any) -> Set<String> {
        Set(Mirror(reflecting: value).children.compactMap(\.label))
    }

    @Test(arguments: facts)
    func everyUnverifiedLineHasAnOptionOrAReason(fact: UnverifiedFact) {
        #expect(fact.switches.isEmpty == (fact.reason?.isEmpty == false))
        for name in fact.switches { #expect(Self.options.contains(name), "no option \(name)") }
    }

    @Test func everyUnconfirmedFactStandsInTheTableIsReadAndTurnedByATest() throws {
        let listed = Set(Self.facts.flatMap(\.switches))
        let files: Set = ["SalesforceUnverifiedTests.swift", "SalesforceUnconfirmed.swift"]
        let sources = try ProjectSources.text(below: "Sources/Simulators/Salesforce", except: files)
        let tests = try ProjectSources.text(below: "Tests/SimulatorsTests", except: files)
        for name in Self.names(SalesforceUnconfirmed()) {
            #expect(listed.contains("." + name), "\(name) belongs to no line of the page")
            #expect(sources.contains("unconfirmed.\(name)"), "\(name) is never read")
            #expect(tests.contains("$0.\(name) ="), "\(name) is never turned")
        }
    }

    @Test func theControlInterfaceSetsUnconfirmedFactsByName() async throws {
        let caller = try ControlCaller()
        _ = try await caller.done(
            "POST", "orgs",
            [
                "name": "O",
                "options": [
                    "currencies": ["EUR"], "recordTypes": ["A"],
                    "unconfirmed": ["sortsNullsFirst": false, "assertionSeconds": 300, "texts": ["NOT_FOUND": "x"]],
                ],
            ])
        let org = try #require(caller.salesforce.orgs.first)
        let facts = org.identity.unconfirmed
        #expect(!facts.sortsNullsFirst && facts.assertionSeconds == 300 && facts.texts == ["NOT_FOUND": "x"])
        #expect(facts.emptyTextIsNull && org.count("RecordType") == 4)
        for (bad, name) in [
            (["colour": 1], "colour"), (["bulkUploadStatus": "x"], "bulkUploadStatus"),
        ] as [(WireJSON, String)] {
            let answer = try await caller.call("POST", "orgs", ["name": "P", "options": ["unconfirmed": bad]])
            #expect(answer.status == 400 && answer.body["message"]?.stringValue?.contains(name) == true)
        }
    }

    @Test func aFieldInDescribeHasEveryKeyOfThePage() async throws {
        let it = try SalesforceCaller()
        let body = try await it.call("GET", "sobjects/Contact/describe").body
        let keys = Set(body?["fields"]?[0]?.objectValue?.members.map(\.name) ?? [])
        let page = """
            name,label,type,soapType,length,byteLength,precision,scale,digits,nillable,createable,updateable,\
            defaultedOnCreate,defaultValue,calculated,autoNumber,unique,caseSensitive,externalId,idLookup,nameField,custom,\
            filterable,sortable,groupable,permissionable,restrictedPicklist,dependentPicklist,controllerName,picklistValues,\
            referenceTo,relationshipName,compoundFieldName,encrypted,inlineHelpText,deprecatedAndHidden
            """
        #expect(Set(page.split(separator: ",").map(String.init)).isSubset(of: keys))
    }
}
