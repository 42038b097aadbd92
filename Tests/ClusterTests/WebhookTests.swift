import Cluster
import Drivers
import Foundation
import Simulators
import Store
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Webhooks are registered by themselves, and make a batch leave as soon as it is full.
@Suite(.timeLimit(.minutes(5)))
struct WebhookTests {
    /// The hooks of an account as ActiveCampaign itself lists them.
    private func hooks(_ tenant: TestTenant, in cluster: TestCluster) async throws -> [[String: Any]] {
        var request = URLRequest(url: try #require(URL(string: cluster.baseURL + "/api/3/webhooks")))
        request.setValue(tenant.account.token, forHTTPHeaderField: "Api-Token")
        let (data, _) = try await URLSession.shared.data(for: request)
        let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        return try #require(json["webhooks"] as? [[String: Any]])
    }

    @Test func aHundredHintsStartABatchAtOnce() async throws {
        let cluster = try await TestCluster.start(hasIngest: true)
        let tenant = try await TestTenant("acme", in: cluster)
        try await cluster.round()
        let hooks = try await hooks(tenant, in: cluster)
        let hook = try #require(hooks.first)
        #expect(hooks.count == 1)
        #expect(Set(hook["sources"] as? [String] ?? []) == ["public", "admin", "api", "system"])
        let events = Set(hook["events"] as? [String] ?? [])
        #expect(events == ["subscribe", "unsubscribe", "update", "contact_tag_added", "contact_tag_removed"])

        for number in 1...99 { try tenant.signUp("p\(number)@a.example") }
        await tenant.account.webhooksSettled()
        #expect(try await cluster.scheduler.runOnce() == 0)
        try tenant.signUp("p100@a.example")
        await tenant.account.webhooksSettled()
        // No clock has moved: the hundredth distinct contact makes the batch leave (R9, R10).
        #expect(try await cluster.settle() == 1)
        #expect(tenant.org.count("Contact") == 100)
        let pending: Int64 = try await cluster.value("SELECT count(*) AS value FROM ferry.pending_changes")
        #expect(pending == 0)
        await cluster.stop()
    }

    @Test func aRegistrationWhoseAnswerIsLostIsFoundAgain() async throws {
        let cluster = try await TestCluster.start(hasIngest: true)
        let tenant = try await TestTenant("acme", in: cluster)
        cluster.salesforce.faults.add(.loseAnswer, on: FaultMatch(method: "POST", pathPrefix: "/api/3/webhooks"))
        for _ in 1...3 {
            try await cluster.round()
            cluster.advance(700)
        }
        #expect(try await hooks(tenant, in: cluster).count == 1)
        let rows = try await cluster.store.webhooks(tenant: try await tenant.number(in: cluster))
        #expect(rows.count == 1 && rows[0].webhookID != nil)
        await cluster.stop()
    }

    @Test func aHookDeletedInActiveCampaignIsMadeAgainWithAnotherToken() async throws {
        let cluster = try await TestCluster.start(hasIngest: true)
        let tenant = try await TestTenant("acme", in: cluster)
        try await cluster.round()
        let number = try await tenant.number(in: cluster)
        let first = try #require(try await cluster.store.webhooks(tenant: number).first)
        let id = try #require(first.webhookID)
        var request = URLRequest(url: try #require(URL(string: cluster.baseURL + "/api/3/webhooks/\(id)")))
        request.httpMethod = "DELETE"
        request.setValue(tenant.account.token, forHTTPHeaderField: "Api-Token")
        _ = try await URLSession.shared.data(for: request)

        // Looked at again with every version of the rows.
        try await cluster.pool.query("UPDATE ferry.sync_settings SET inbound_interval_hours = 2")
        try await cluster.round()
        let rows = try await cluster.store.webhooks(tenant: number)
        #expect(rows.count == 1 && rows[0].tokenHash != first.tokenHash)
        #expect(try await cluster.store.tenant(forTokenHash: first.tokenHash) == nil)
        #expect(try await hooks(tenant, in: cluster).count == 1)
        await cluster.stop()
    }

    @Test func aRegistrationThatIsRefusedStopsNothing() async throws {
        let cluster = try await TestCluster.start(hasIngest: true)
        let tenant = try await TestTenant("acme", in: cluster)
        tenant.account.change { $0.forbiddenResources = ["webhooks"] }
        try tenant.signUp("p@a.example")
        try await cluster.round()
        #expect(tenant.org.count("Contact") == 1)
        await cluster.stop()
    }
}
