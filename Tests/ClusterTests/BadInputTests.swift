import Drivers
import Foundation
import Simulators
import Testing

/// Bad input is a named, visible error on the row or record concerned; everything else goes on.
@Suite(.timeLimit(.minutes(5)))
struct BadInputTests {
    @Test func aRecordWithoutAnAddressIsReportedAndSyncedOnceItHasOne() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        let id = try tenant.org.actAsUser { try $0.create("Contact", ["LastName": "Nameless"]) }
        try tenant.createContact("fine@a.example")
        try await cluster.round()
        #expect(tenant.account.contactCount == 1)
        let code: String = try await cluster.value(
            "SELECT code AS value FROM ferry.record_failures WHERE record_id = '\(id)'")
        #expect(code == "no_email")

        try tenant.update("Contact", id, ["Email": "late@a.example"])
        cluster.advance(3_600)
        try await cluster.round()
        #expect(tenant.account.contact(email: "late@a.example") != nil)
        let left: Int64 = try await cluster.value("SELECT count(*) AS value FROM ferry.record_failures")
        #expect(left == 0)
        await cluster.stop()
    }

    @Test func aMappingToAFieldThatDoesNotExistIsNamedAndTheRestGoesOn() async throws {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.mappings = [
            ("contact", "Missing__c", "text", "custom:ALSO_MISSING", "text"),
            ("contact", "Nowhere__c", "text", "custom:PRESENT", "text"),
        ]
        let tenant = try await TestTenant("acme", in: cluster, options)
        tenant.account.addField(title: "Present")
        try tenant.createContact("fine@a.example", last: "Fine")
        try tenant.signUp("up@a.example")
        try await cluster.round()
        #expect(tenant.account.contact(email: "fine@a.example")?.lastName == "Fine")
        #expect(tenant.record("Contact", "up@a.example") != nil)
        let error: String = try await cluster.value(
            "SELECT last_error AS value FROM ferry.sync_status WHERE direction = 'inbound' AND object = 'contact'")
        #expect(error.contains("ALSO_MISSING") && error.contains("Nowhere__c"))
        await cluster.stop()
    }

    @Test func addressesTooLongForOneQueryHoldUpNobody() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        let domain = String(repeating: "long.", count: 28) + "example"
        for number in 1...800 { try tenant.signUp("p\(number)@\(domain)") }
        let known = try tenant.createContact("known@a.example")
        try tenant.signUp("known@a.example")
        try tenant.signUp("zed@a.example")
        try await cluster.round()
        let made = tenant.org.records("Contact").compactMap { $0["Email"].text }
        #expect(Set(made) == ["known@a.example", "zed@a.example"] && made.count == 2, "each address was looked up")
        #expect(tenant.record("Contact", "known@a.example")?.id == known)
        let codes: [String] = try await cluster.pool.query(
            "SELECT DISTINCT code FROM ferry.record_failures WHERE direction = 1"
        ).decode { try $0.get("code") }
        #expect(codes == ["STRING_TOO_LONG"], "what Salesforce has no room for is said of each")
        await cluster.stop()
    }

    @Test func aPageCutInHalfIsReadAgain() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        for number in 1...30 { try tenant.createContact("p\(number)@a.example") }
        tenant.org.addFault(.cutBody, callClass: "composite")
        try await cluster.round()
        cluster.advance(3_600)
        try await cluster.round()
        #expect(tenant.account.contactCount == 30)
        await cluster.stop()
    }

    @Test func oneRefusedValueDropsItsFieldOnly() async throws {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.mappings = [("contact", "Short__c", "text", "custom:SHORT", "text")]
        let tenant = try await TestTenant("acme", in: cluster, options)
        tenant.account.addField(title: "Short")
        tenant.org.addCustomField("Contact", "Short__c", .text(length: 3))
        let contact = try tenant.account.actAsPerson {
            try $0.addContact(email: "long@a.example", lastName: "Long", fields: ["SHORT": "far too long"])
        }
        try tenant.account.runAutomation(.createContactInSalesforce, contact: contact)
        try await cluster.round()
        let record = try #require(tenant.record("Contact", "long@a.example"))
        #expect(record["LastName"] == "Long" && record["Short__c"].isNull)
        await cluster.stop()
    }

    @Test func wrongCredentialsStopOneTenantOnly() async throws {
        let cluster = try await TestCluster.start()
        let broken = try await TestTenant("broken", in: cluster)
        let fine = try await TestTenant("fine", in: cluster)
        _ = broken.account.rotateToken()
        try broken.createContact("a@a.example")
        try fine.createContact("b@a.example")
        try await cluster.round()
        #expect(fine.account.contactCount == 1)
        let state: String = try await cluster.value(
            "SELECT state AS value FROM ferry.sync_status WHERE tenant = 'broken' AND direction = 'outbound'")
        #expect(state == "needs attention")
        await cluster.stop()
    }
}
