import Foundation
import Simulators
import Testing

/// Traps that other products fell into, against the simulators.
@Suite(.timeLimit(.minutes(5)))
struct TrapTests {
    @Test func T5_T33_anObjectThatCannotBeReadInOrderStopsAloneAndLosesNothing() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        tenant.org.setFieldAccess("Lead", "SystemModstamp", isReadable: false)
        try tenant.createContact("con@a.example")
        try tenant.createLead("lead@a.example")
        try await cluster.round()
        #expect(tenant.account.contact(email: "con@a.example") != nil)
        #expect(tenant.account.contact(email: "lead@a.example") == nil)
        let error: String = try await cluster.value(
            "SELECT last_error AS value FROM ferry.sync_status WHERE direction = 'inbound' AND object = 'lead'")
        #expect(error.contains("SystemModstamp"), "\(error)")
        let calm: Bool = try await cluster.value(
            "SELECT last_error IS NULL AS value FROM ferry.sync_status WHERE direction = 'inbound' AND object = 'contact'"
        )
        #expect(calm)

        tenant.org.setFieldAccess("Lead", "SystemModstamp")
        cluster.advance(3_600)
        try await cluster.round()
        #expect(tenant.account.contact(email: "lead@a.example") != nil)
        await cluster.stop()
    }

    @Test func T16_oneBadRowOfACallHoldsUpNobody() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        tenant.org.addValidationRule(
            ValidationRule(object: "Contact", message: "No Smiths.") { $0["LastName"] == "Smith" })
        for number in 1...40 { try tenant.signUp("p\(number)@a.example", last: number == 7 ? "Smith" : "P\(number)") }
        let before = tenant.org.apiUsage.used
        try await cluster.round()
        #expect(tenant.org.count("Contact") == 39)
        let failures: Int64 = try await cluster.value("SELECT count(*) AS value FROM ferry.record_failures")
        #expect(failures == 1)
        #expect(tenant.org.apiUsage.used - before <= 6)
        await cluster.stop()
    }

    @Test func T30_aDuplicateRuleIsMetByAMatchOrReported() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        tenant.org.addDuplicateRule(.sameEmail("Contact", blocks: true))
        tenant.org.addDuplicateRule(
            DuplicateRule(name: "Same_Name", object: "Contact", fields: [("LastName", "LastName")], blocks: true))
        let record = try tenant.org.actAsUser {
            try $0.create("Contact", ["LastName": "Lee", "Email": "lee@a.example"])
        }
        try tenant.signUp("lee@a.example", last: "Lee")
        try tenant.signUp("other@a.example", last: "Lee")
        try await cluster.round()
        #expect(tenant.org.count("Contact") == 1)
        let linked: Int64 = try await cluster.value(
            "SELECT count(*) AS value FROM ferry.links WHERE sf_id = '\(record)'")
        #expect(linked == 1, "the address is equal: linked")
        let code: String = try await cluster.value("SELECT code AS value FROM ferry.record_failures")
        #expect(code == "DUPLICATES_DETECTED", "only the name is: reported")
        await cluster.stop()
    }

    @Test func T31_lockedRowsAreWrittenInTheEnd() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        tenant.org.setLockErrorRate(0.4)
        for number in 1...50 { try tenant.signUp("p\(number)@a.example", last: "P\(number)") }
        for _ in 1...12 where tenant.org.count("Contact") < 50 {
            cluster.advance(700)
            try await cluster.round()
        }
        #expect(tenant.org.count("Contact") == 50)
        let failures: Int64 = try await cluster.value("SELECT count(*) AS value FROM ferry.record_failures")
        #expect(failures == 0)
        await cluster.stop()
    }
}
