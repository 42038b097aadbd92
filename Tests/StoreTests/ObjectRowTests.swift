import Drivers
import Foundation
import Store
import SyncRules
import Testing

/// Accounts, opportunities and person accounts as rows.
@Suite(.timeLimit(.minutes(2))) struct ObjectRowTests {
    private static func streams(_ pool: PostgresPool) async throws -> [String] {
        try await pool.query(
            """
            SELECT direction || '.' || object || CASE WHEN state = 'switched off' THEN ' off' ELSE '' END AS name
            FROM ferry.sync_status ORDER BY 1
            """
        ).decode { try $0.get("name") }
    }

    @Test func streamsFollowTheSwitches() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        _ = try await StoreTestDatabase.onboard("acme", store, pool)
        let people = ["inbound.contact", "inbound.lead", "outbound.contact"]
        #expect(try await Self.streams(pool) == people)
        try await pool.query("UPDATE ferry.sync_settings SET sync_accounts = true, sync_opportunities = true")
        let all = ["inbound.account", "inbound.contact", "inbound.lead", "inbound.opportunity", "outbound.account"]
        #expect(try await Self.streams(pool) == all + ["outbound.contact"])
        try await pool.query(
            "UPDATE ferry.sync_settings SET sync_accounts = false, outbound_enabled = false")
        #expect(
            try await Self.streams(pool) == [
                "inbound.account off", "inbound.contact", "inbound.lead", "inbound.opportunity",
                "outbound.account off", "outbound.contact off",
            ])
        // A pause and its end bring back what the settings want, and no more.
        try await pool.query("UPDATE ferry.tenants SET state = 'paused'")
        try await pool.query("UPDATE ferry.tenants SET state = 'active'")
        let enabled: Int64 = try await pool.query(
            "SELECT count(*) AS n FROM ferry.streams WHERE enabled"
        ).only().get("n")
        #expect(enabled == 3)
        await pool.close()
    }

    private static func commit(_ tenant: Int32) -> RunCommit { RunCommit(tenant: tenant, fence: 1, run: 1) }

    private static func account(_ number: Int, _ id: Int64) -> Link {
        Link(contactID: id, object: .account, recordID: accountID(number), emailHash: [])
    }

    private static func accountID(_ number: Int) -> String { "001" + recordID(number).dropFirst(3) }

    @Test func aPersonIsDueWhenContactAndAccountAreLinkedAndAgainWhenEitherChanges() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        let tenant = try await StoreTestDatabase.onboard("acme", store, pool)
        func put(_ change: (inout RunCommit) -> Void) async throws {
            var commit = Self.commit(tenant)
            change(&commit)
            #expect(try await store.commit(commit, now: Date()) == .committed)
        }
        func due() async throws -> [DueMember] { try await store.dueMembers(tenant: tenant, limit: 10) }
        let member = AccountMembership(recordID: recordID(1), accountRecordID: Self.accountID(1))

        try await put { $0.memberships = [member] }
        #expect(try await store.wantedAccounts(tenant: tenant, limit: 10).isEmpty, "nobody synced leaves no trace")
        try await put {
            $0.links = [link(7, 1)]
            $0.memberships = [member]
        }
        #expect(try await store.wantedAccounts(tenant: tenant, limit: 10) == [Self.accountID(1)])
        #expect(try await due().isEmpty)
        try await put { $0.accountLinks = [Self.account(1, 70)] }
        #expect(try await store.wantedAccounts(tenant: tenant, limit: 10).isEmpty)
        let first = try #require(try await due().first)
        #expect(first.contactID == 7 && first.accountID == 70 && first.heldAccountID == nil)
        let place = MembershipRules.Place(associationID: 5, accountID: 70)
        try await put { $0.settledMembers = [SettledMember(of: first, place: place)] }
        #expect(try await due().isEmpty)
        try await put { $0.memberships = [member] }
        #expect(try await due().isEmpty, "seen again, nothing new")

        // Made anew after it was deleted: nobody is in it.
        try await put { $0.accountLinks = [Self.account(1, 71)] }
        let again = try #require(try await due().first)
        #expect(again.accountID == 71 && again.heldAccountID == 70)
        // What the record says meanwhile stays due.
        try await put { $0.memberships = [AccountMembership(recordID: recordID(1), accountRecordID: nil)] }
        try await put { $0.settledMembers = [SettledMember(of: again, place: place)] }
        #expect(try await due().map(\.accountRecordID) == [nil])
        await pool.close()
    }

    @Test func anOpportunityIsDueOnceItsContactIsLinked() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        let tenant = try await StoreTestDatabase.onboard("acme", store, pool)
        let id = "006" + recordID(1).dropFirst(3)
        var commit = Self.commit(tenant)
        commit.opportunities = [OpportunityLink(recordID: id, contactRecordID: recordID(1))]
        _ = try await store.commit(commit, now: Date())
        #expect(try await store.dueOpportunities(tenant: tenant, limit: 10).isEmpty)
        commit.links = [link(7, 1)]
        _ = try await store.commit(commit, now: Date())
        #expect(try await store.dueOpportunities(tenant: tenant, limit: 10) == [id])
        let pushed = OpportunityLink(
            recordID: id, state: .pushed, target: .deal, contactRecordID: recordID(1), contactID: 7, targetID: "3",
            fingerprint: Fingerprint(Projection(values: ["Name": .text("x")])))
        commit.opportunities = [pushed]
        _ = try await store.commit(commit, now: Date())
        #expect(try await store.dueOpportunities(tenant: tenant, limit: 10).isEmpty)
        #expect(try await store.opportunityLinks(tenant: tenant, recordIDs: [id]) == [pushed])
        let file = try await store.recordFile(tenant: tenant, .record(id))
        #expect(file.opportunities.map(\.link) == [pushed] && !file.isEmpty)
        await pool.close()
    }

    @Test func oneActiveCampaignAccountHasOneLink() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        let tenant = try await StoreTestDatabase.onboard("acme", store, pool)
        var commit = Self.commit(tenant)
        commit.accountLinks = [Self.account(1, 70), Self.account(2, 71)]
        _ = try await store.commit(commit, now: Date())
        // A merge: the loser's account goes on with the winner.
        commit.accountLinks = [Self.account(3, 70)]
        _ = try await store.commit(commit, now: Date())
        let links = try await store.accountLinks(tenant: tenant, accountIDs: [70, 71])
        #expect(Set(links.map(\.recordID)) == [Self.accountID(2), Self.accountID(3)])
        let file = try await store.recordFile(tenant: tenant, .record(Self.accountID(3)))
        #expect(file.accounts.map(\.link.contactID) == [70])
        await pool.close()
    }

    @Test func personsAccountsAndFactsAreKept() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        let tenant = try await StoreTestDatabase.onboard("acme", store, pool)
        #expect(try await store.orgFacts(tenant: tenant) == nil)
        let facts = OrgFacts(hasPersonAccounts: true, hasCurrencies: false, learnedAt: Date(timeIntervalSince1970: 9))
        try await store.keepOrgFacts(facts, tenant: tenant)
        #expect(try await store.orgFacts(tenant: tenant) == facts)
        var commit = Self.commit(tenant)
        commit.personAccounts = [
            PersonAccount(contactRecordID: recordID(1), accountRecordID: Self.accountID(1))
        ]
        _ = try await store.commit(commit, now: Date())
        _ = try await store.commit(commit, now: Date())
        #expect(
            try await store.personAccounts(tenant: tenant, recordIDs: [recordID(1), recordID(2)])
                == [recordID(1): Self.accountID(1)])
        await pool.close()
    }
}
