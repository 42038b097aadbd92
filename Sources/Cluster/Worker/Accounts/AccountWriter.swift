import ActiveCampaign
import Drivers
import Foundation
import Store
import SyncRules

/// Writes Salesforce accounts to ActiveCampaign, one by one: there is no import of accounts (R71, R72).
///
/// What it has put into `commit` when it throws is true and can be stored.
struct AccountWriter {
    let session: TenantSession
    let run: RunContext
    let echoes: OutstandingEchoes
    /// Accounts linked in this run and not committed yet, with their records.
    private var fresh: [Int64: String] = [:]
    /// Records in a row that met a failure of the server's.
    private var streak = 0

    init(session: TenantSession, run: RunContext, echoes: OutstandingEchoes) {
        self.session = session
        self.run = run
        self.echoes = echoes
    }

    /// One account to be written.
    struct Write {
        let record: SalesforceRecord
        /// Fields ActiveCampaign refuses are taken out of it.
        private(set) var fields: FieldWrite
        /// The link as it is once the write is accepted; nil when the account enters.
        private(set) var settled: Link?
        /// What the account was known to hold before.
        var known: Fingerprint?

        /// The write without fields that were refused: of these the account holds what it held (D6).
        func without(_ dropped: [String]) -> Write {
            var reduced = self
            reduced.fields = fields.without(dropped)
            reduced.settled?.contactFingerprint?.restore(known, fields: dropped)
            return reduced
        }
    }

    private var rules: AccountRules { session.accountRules }

    /// Writes an account and records what came of it.
    mutating func write(_ write: Write, into commit: inout RunCommit, _ tally: inout RunTally) async throws {
        let intention = Self.intention(write)
        // The ledger comes first: a lost answer is known by it (T10).
        try await session.store.intend(tenant: session.number, [intention], now: run.now)
        do {
            var write = write
            var (outcome, name) = try await send(write)
            if case .refused(let code, let names) = outcome, let reduced = reduce(write, code, names, &commit) {
                write = reduced
                (outcome, name) = try await send(reduced)
            }
            streak = 0
            settle(write, outcome, name: name, intention, into: &commit, &tally)
        } catch let trouble as StreamTrouble where trouble.mayBeOneRecord {
            streak += 1
            guard streak < ClusterLimits.failuresInARow else { throw trouble }
            let next = run.now.addingTimeInterval(ClusterLimits.recordRetry.delay(attempt: 0).seconds)
            tally.failed += 1
            tally.leave(until: next)
            commit.fail(
                .inbound, .account, recordID: write.record.id, code: trouble.code, fields: [], fingerprint: nil,
                now: run.now, retryAt: next, kind: .transient)
            commit.decisions.append(decision(.rejected, write, reason: trouble.code))
        }
    }

    // MARK: - Writing

    private func send(_ write: Write) async throws -> (AccountOutcome, name: String?) {
        guard let link = write.settled else { return try await create(write) }
        if write.fields.isEmpty { return (.written(accountID: link.contactID), nil) }
        return try await update(write, link)
    }

    /// The write without the fields that were refused; nil when they can't be left out (D6).
    private func reduce(_ write: Write, _ code: String, _ names: [String], _ commit: inout RunCommit) -> Write? {
        let fields = rules.projector.droppable(names, of: write.fields)
        guard !fields.isEmpty else { return nil }
        commit.record([
            Decision(.rejected, .inbound, .account, recordID: write.record.id, reason: code, fields: fields)
        ])
        return write.without(fields)
    }

    /// The name of the record in ActiveCampaign's words, and with our mark on it (R72).
    private func names(_ write: Write) -> (plain: String?, marked: String?) {
        guard let plain = rules.projector.activeCampaignValues(of: write.fields)["name"] else { return (nil, nil) }
        let taken = AccountNameRules.place(
            name: plain, recordID: write.record.id, holder: (accountID: 0, isLinked: true))
        if case .create(let marked) = taken { return (plain, marked) }
        return (plain, nil)
    }

    /// Tries the plain name first, which is free with nearly every account.
    private func create(_ write: Write) async throws -> (AccountOutcome, name: String?) {
        var values = rules.projector.activeCampaignValues(of: write.fields)
        let (plain, marked) = names(write)
        if let made = try await lostAccount(of: write) {
            let renamed = try await session.activeCampaign.updateAccount(made, with: values)
            guard case .duplicateName = renamed, let marked else { return (renamed, plain) }
            values["name"] = marked
            return (try await session.activeCampaign.updateAccount(made, with: values), marked)
        }
        for name in [plain, marked].compactMap(\.self) {
            values["name"] = name
            let outcome = try await session.activeCampaign.createAccount(values)
            guard case .duplicateName = outcome else { return (outcome, name) }
            guard let holder = try await session.activeCampaign.account(named: name) else { continue }
            let links = try await session.store.accountLinks(tenant: session.number, accountIDs: [holder])
            let owner = fresh[holder] ?? links.first?.recordID
            let placement = AccountNameRules.place(
                name: name, recordID: write.record.id,
                holder: (accountID: holder, isLinked: owner.map { $0 != write.record.id } ?? false))
            // Nobody's: somebody made it by hand, or an answer of ours was lost.
            guard case .reuse = placement else { continue }
            return (try await session.activeCampaign.updateAccount(holder, with: values), name)
        }
        return (.duplicateName, nil)
    }

    /// An account that an earlier attempt made under the name the record had then, and whose answer was lost (T17): the
    /// ledger knows the name by its hash. A walk over all accounts, and only after such an attempt.
    private func lostAccount(of write: Write) async throws -> Int64? {
        let attempts = (echoes.contacts[write.record.id] ?? []).filter { $0.records("Name") }
        guard !attempts.isEmpty else { return nil }
        var offset = 0
        for _ in 0..<ClusterLimits.accountPages {
            let page = try await session.activeCampaign.accounts(offset: offset)
            let alike = page.accounts.filter { account in
                let known = SyncRules.ActiveCampaignAccount(id: account.id, fields: ["name": account.name])
                let name = rules.projector.project(known, of: write.record.id)["Name"]
                return attempts.contains { $0.agrees(with: name, in: "Name") }
            }.map(\.id)
            let links = try await session.store.accountLinks(tenant: session.number, accountIDs: alike)
            let taken = Set(links.map(\.contactID)).union(fresh.keys)
            if let free = alike.first(where: { !taken.contains($0) }) { return free }
            if page.isLast { return nil }
            offset += page.accounts.count
        }
        return nil
    }

    private func update(_ write: Write, _ link: Link) async throws -> (AccountOutcome, name: String?) {
        var values = rules.projector.activeCampaignValues(of: write.fields)
        let (plain, marked) = names(write)
        let outcome = try await session.activeCampaign.updateAccount(link.contactID, with: values)
        guard case .duplicateName = outcome, let marked else { return (outcome, plain) }
        values["name"] = marked
        return (try await session.activeCampaign.updateAccount(link.contactID, with: values), marked)
    }

    // MARK: - Settlements

    private mutating func settle(
        _ write: Write, _ outcome: AccountOutcome, name: String?, _ intention: EchoIntention,
        into commit: inout RunCommit, _ tally: inout RunTally
    ) {
        commit.consumedEchoes.append(intention.key)
        switch outcome {
        case .written(let accountID):
            accept(write, accountID, name: name, into: &commit, &tally)
        case .gone:
            guard var link = write.settled else {
                return refuse(write, code: "account_gone", fields: [], into: &commit, &tally)
            }
            link.state = .contactMissing
            commit.accountLinks.append(link)
            commit.resolveFailure(.inbound, recordID: write.record.id)
            commit.decisions.append(decision(.tombstoned, write, reason: "R89"))
        case .duplicateName:
            refuse(write, code: "duplicate_name", fields: ["Name"], into: &commit, &tally)
        case .refused(let code, let fields):
            refuse(write, code: code, fields: fields, into: &commit, &tally)
        }
    }

    private mutating func accept(
        _ write: Write, _ accountID: Int64, name: String?, into commit: inout RunCommit, _ tally: inout RunTally
    ) {
        var fields = rules.projector.activeCampaignValues(of: write.fields)
        if let name { fields["name"] = name }
        let account = ActiveCampaignAccount(id: accountID, fields: fields)
        var link = write.settled ?? rules.link(of: write.record, account: account, after: write.fields)
        link.contactID = accountID
        link.note(rules.projector.project(account, of: write.record.id))
        fresh[accountID] = write.record.id
        commit.accountLinks.append(link)
        commit.consumedEchoes += echoes.settled(by: [link], side: .activeCampaign)
        commit.resolveFailure(.inbound, recordID: write.record.id)
        if write.settled == nil { tally.created += 1 } else { tally.updated += 1 }
        var accepted = decision(.accepted, write, reason: write.settled == nil ? "R72" : "R71.update")
        accepted.fields = write.fields.fields
        accepted.ground = write.settled == nil ? .inhabited : .followed
        commit.record([accepted])
    }

    private func refuse(
        _ write: Write, code: String, fields: [String], into commit: inout RunCommit, _ tally: inout RunTally
    ) {
        tally.failed += 1
        commit.fail(
            .inbound, .account, recordID: write.record.id, code: code, fields: fields, fingerprint: nil, now: run.now)
        commit.decisions.append(decision(.rejected, write, reason: code))
    }

    private static func intention(_ write: Write) -> EchoIntention {
        EchoIntention(
            side: .activeCampaign, object: .account, recordID: write.record.id,
            fingerprint: Fingerprint(write.fields.projection))
    }

    /// Without the ActiveCampaign account's id, which would be taken for a contact's.
    private func decision(_ code: DecisionCode, _ write: Write, reason: String) -> Decision {
        Decision(code, .inbound, .account, recordID: write.record.id, reason: reason)
    }
}
