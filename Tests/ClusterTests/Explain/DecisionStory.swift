import Cluster
import Drivers
import Foundation
import JobQueue
import Simulators
import Store
import SyncRules
import Testing

/// What the tests of stories share: a cluster with one tenant, played until something was decided.
struct DecisionStory: Sendable {
    let cluster: TestCluster
    let tenant: TestTenant

    /// Brings a tenant up; every story says only what matters to it.
    static func begin(_ change: (inout TestTenant.Options) -> Void = { _ in }) async throws -> DecisionStory {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        change(&options)
        return DecisionStory(cluster: cluster, tenant: try await TestTenant("acme", in: cluster, options))
    }

    /// The file of a record, by any of its names.
    func file(_ name: RecordName) async throws -> RecordFile {
        try await cluster.store.recordFile(tenant: try await tenant.number(in: cluster), name)
    }

    /// Asks for one direction and runs it once; imports stay open.
    func runOnce(_ direction: SyncRules.Direction) async throws {
        try await tenant.request(direction, in: cluster)
        try await cluster.runDue()
    }

    /// Asks for one direction and runs it to its end.
    func run(_ direction: SyncRules.Direction) async throws {
        try await tenant.request(direction, in: cluster)
        try await cluster.settle()
    }

    func edit(_ contact: Int, _ edit: ActiveCampaignEdit) throws {
        cluster.advance(60)
        try tenant.account.actAsPerson { try $0.edit(contact, edit) }
    }

    func contact(_ email: String) throws -> Int { try #require(tenant.account.contact(email: email)).id }

    func email(_ text: String) throws -> RecordName { .email(try #require(EmailAddress(text)).hash) }

    /// A contact of both sides, in step and quiet.
    func pair(_ email: String, _ more: [String: Simulators.FieldValue] = [:]) async throws -> (
        record: String, contact: Int
    ) {
        let record = try tenant.createContact(email, more)
        try await cluster.rounds(2)
        return (record, try contact(email))
    }

    /// Begins an import that stays open, of ann and fifteen others.
    func openImport() async throws -> String {
        tenant.account.change { $0.importLatency = 600...600 }
        let record = try tenant.createContact("ann@a.example")
        for number in 1...15 { try tenant.createContact("p\(number)@a.example") }
        // A tenant runs one job at a time: one for each direction.
        for _ in 1...2 { try await cluster.runDue() }
        return record
    }

    /// Lets every store of a link fail while a body runs: what was written on the other side is then not known here.
    /// - Parameter links: how many there must be for that.
    func losingCommits(after links: Int = 0, _ body: () async throws -> Void) async throws {
        try await cluster.run(
            """
            CREATE FUNCTION ferry.lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF (SELECT count(*) FROM ferry.links) >= \(links) THEN RAISE EXCEPTION 'lost'; END IF;
                RETURN NEW;
            END $$
            """)
        try await cluster.run(
            "CREATE TRIGGER lose BEFORE INSERT OR UPDATE ON ferry.links FOR EACH ROW EXECUTE FUNCTION ferry.lose()")
        try await body()
        try await cluster.run("DROP TRIGGER lose ON ferry.links")
    }

    func setCalls(_ calls: Int, of provider: Provider) async throws {
        var row = BudgetDocument(provider: provider.rawValue, dailyCalls: calls)
        row.orgCeilingShare = 0.9
        try await cluster.store.setBudget(tenant: tenant.id, row, by: Errand(actor: "test"))
    }
}
