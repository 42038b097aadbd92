import Foundation
import Simulators
import Testing

/// Every line of the reference that says "unverified", in its order, and the switch of the simulator that decides it.
@Suite(.timeLimit(.minutes(1)))
struct UnverifiedSwitchTests {
    static let facts = [
        UnverifiedFact("1.2", "a replaced key dies at once", "rotationKillsOldKey"),
        UnverifiedFact("1.2", "a disabled user's key dies", "disabledUserLosesKey"),
        UnverifiedFact("1.3", "body of the 403 to a bad key", "badKeyBody"),
        UnverifiedFact("2.1", "limits agreed with the vendor", "rateLimit"),
        UnverifiedFact("2.2", "body of a 429", "limitedBody"),
        UnverifiedFact("2.3", "how the limit counts", "rateLimitAlgorithm"),
        UnverifiedFact("2.5", "an import spends the calls a second too", "importsSpendRateLimit"),
        UnverifiedFact("3.1", "what sets anonymized", "erasure"),
        UnverifiedFact("3.4", "letter case of the email filter", "emailFilterIgnoresCase"),
        UnverifiedFact(
            "3.4", "updated_timestamp as filter and order", "takesUpdatedTimestampFilter", "ordersByUpdateTime"),
        UnverifiedFact("3.4", "zone and edge of updated_after", "afterIsInclusive", "naiveFilterTimesAreUTC"),
        UnverifiedFact(
            "3.6", "words of a refused address", "invalidEmailCode", "invalidEmailTitle", "missingEmailCode",
            "missingEmailTitle"),
        UnverifiedFact("3.6", "the contact limit's answer", "contactLimit", "contactLimitStatus"),
        UnverifiedFact("3.7", "null in a body", "nullClears"),
        UnverifiedFact("3.7", "tags in contact/sync", "syncTakesTags"),
        UnverifiedFact("3.8", "a taken address on PUT", "putRefusesDuplicateEmail"),
        UnverifiedFact("4", "a field's type cannot change", "fieldTypeMayChange"),
        UnverifiedFact("4", "shape of a currency value", "currencyShape"),
        UnverifiedFact("4", "values that are no option", "refusesUnknownOptions"),
        UnverifiedFact("5", "status of a duplicate tag", "duplicateTagStatus"),
        UnverifiedFact("5", "deleting a tag removes it from everybody", "tagDeleteRemovesAssociations"),
        UnverifiedFact("5", "a deleted tag's name", "deletedTagNameStaysTaken"),
        UnverifiedFact("5", "longest tag", "tagLetters"),
        UnverifiedFact("6", "empty text in an import", "importEmptyClears"),
        UnverifiedFact("6", "first index in failureReasons", "importIndexBase"),
        UnverifiedFact("6", "status of an import too large", "importOversizeStatus"),
        UnverifiedFact("6", "retries of a callback", "importCallbackTries", "importCallbackRetrySeconds"),
        UnverifiedFact("6", "latency and order of batches", "importLatency", "importsKeepOrder"),
        UnverifiedFact("7.2", "the close date is a deal field from the start", "hasCloseDateField"),
        UnverifiedFact("7.3", "status of an updating record upsert", "recordUpdateStatus"),
        UnverifiedFact("7.3", "a record upsert keeps what it does not name", "recordUpdateIsPartial"),
        UnverifiedFact(
            "7.4", "which object carries opportunities",
            noSwitch: "a choice of the client: the simulator has deals and custom objects, both complete"),
        UnverifiedFact("8.1", "an API create without a list fires update", "createFiresUpdate"),
        UnverifiedFact("8.2", "timeout of deliveries", "webhookTimeoutSeconds"),
        UnverifiedFact("8.2", "order of deliveries", "webhookReorderRate"),
        UnverifiedFact("8.2", "deliveries at once", "webhooksAtOnce"),
        UnverifiedFact(
            "8.2", "addresses that deliveries come from",
            noSwitch: "deliveries come from the machine the simulator runs on"),
        UnverifiedFact("10", "largest pages elsewhere", "pageRowsElsewhere"),
        UnverifiedFact("10", "reads lag behind writes", "readLagSeconds"),
        UnverifiedFact("11.16", "empty values in a webhook's fields", "webhooksOmitEmptyFields"),
        UnverifiedFact("12", "a page size over the largest", "refusesLargePages"),
        UnverifiedFact("12", "contact/sync with nothing new moves udate", "idleSyncMovesUpdateTime"),
    ]

    private static let options = Set(
        Mirror(reflecting: ActiveCampaignOptions(name: "")).children.compactMap(\.label))

    @Test(arguments: facts)
    func everyUnverifiedLineHasASwitchOrAReason(fact: UnverifiedFact) {
        #expect(fact.switches.isEmpty == (fact.reason?.isEmpty == false))
        for name in fact.switches { #expect(Self.options.contains(name), "no switch \(name)") }
    }

    @Test func everySwitchIsReadByTheSimulatorAndTurnedByATest() throws {
        let names: Set = ["UnverifiedSwitchTests.swift", "ActiveCampaignOptions.swift"]
        let sources = try ProjectSources.text(below: "Sources/Simulators/ActiveCampaign", except: names)
        let tests = try ProjectSources.text(below: "Tests/SimulatorsTests", except: names)
        for name in Self.facts.flatMap(\.switches) {
            #expect(sources.contains("options.\(name)") || sources.contains("options?.\(name)"), "\(name)")
            #expect(tests.contains("$0.\(name) =") || tests.contains("options.\(name) ="), "\(name) is never turned")
        }
    }
}
