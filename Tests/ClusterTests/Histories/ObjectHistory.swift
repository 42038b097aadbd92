import Cluster
import Drivers
import Foundation
import JobQueue
import Simulators
import Store
import Synchronization
import TestSupport

import enum SyncRules.AccountNameRules
import enum SyncRules.Direction

/// A random history of accounts, people in them and opportunities: people on both sides, providers that fail, workers
/// that die; then peace.
final class ObjectHistory {
    let cluster: TestCluster
    let tenant: TestTenant
    let isDeal: Bool
    private var random: SeededGenerator
    /// Companies that people made or renamed in ActiveCampaign: one whose creation was not answered can't be known again
    /// once somebody has renamed it.
    private var ownCompanies: Set<Int> = []
    /// Contacts that somebody moved in ActiveCampaign: they stay where they were put (R72).
    private var moved: Set<Int> = []
    private(set) var log: [String] = []

    init(seed: UInt64) async throws {
        random = SeededGenerator(seed: seed)
        isDeal = random.chance(50)
        var options = TestTenant.Options()
        options.hasPackage = random.chance(50)
        options.settings = [
            "sync_accounts": "true", "sync_opportunities": "true",
            "opportunity_target": isDeal ? "'deal'" : "'custom_object'",
        ]
        options.mappings = [("account", "AccountNumber", "text", "custom:ACCOUNTNUMBER", "text")]
        cluster = try await TestCluster.start()
        tenant = try await TestTenant("acme", in: cluster, options)
        tenant.account.addAccountField(label: "AccountNumber")
        note("package \(options.hasPackage), deals \(isDeal)")
    }

    private func note(_ text: String) { log.append(text) }

    // MARK: - War

    func run(steps: Int) async throws {
        for _ in 0..<steps { try await step() }
    }

    private func step() async throws {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<10: try addAccount()
        case 10..<22: try addContact()
        case 22..<32: try editAccount()
        case 32..<42: try moveContact()
        case 42..<52: try editCompany()
        case 52..<57: try joinElsewhere()
        case 57..<60: try deleteCompany()
        case 60..<66: try addOpportunity()
        case 66..<72: try editOpportunity()
        case 72..<75: try mergeAccounts()
        case 75..<82: addFault()
        case 82..<86: try await die()
        default: try await work()
        }
    }

    private func word() -> String { ["a", "b", "c", "d"].randomElement(using: &random) ?? "a" }
    private var accounts: [Simulators.SalesforceRecord] { tenant.org.records("Account") }

    private func addAccount() throws {
        let name = word()
        try tenant.org.actAsUser { actions in
            _ = try actions.create("Account", ["Name": .text(name), "AccountNumber": .text(word())])
        }
        note("SF new account \(name)")
    }

    private func addContact() throws {
        let account = random.chance(80) ? accounts.randomElement(using: &random)?.id : nil
        let email = "p\(tenant.org.count("Contact"))@x.example"
        try tenant.createContact(email, ["AccountId": account.map(FieldValue.text) ?? .null])
        note("SF new contact \(email) in \(account ?? "none")")
    }

    private func editAccount() throws {
        guard let account = accounts.randomElement(using: &random) else { return }
        let field = random.chance(50) ? "Name" : "AccountNumber"
        let value: FieldValue = field != "Name" && random.chance(30) ? .null : .text(word())
        try tenant.update("Account", account.id, [field: value])
        note("SF edit \(account.id) \(field) \(value)")
    }

    private func moveContact() throws {
        guard let contact = tenant.org.records("Contact").randomElement(using: &random) else { return }
        let account = random.chance(80) ? accounts.randomElement(using: &random)?.id : nil
        try tenant.update("Contact", contact.id, ["AccountId": account.map(FieldValue.text) ?? .null])
        note("SF moves \(contact.id) to \(account ?? "none")")
    }

    private func editCompany() throws {
        guard let company = tenant.account.companies().randomElement(using: &random) else { return }
        let name = "n\(Int.random(in: 0..<1_000, using: &random))"
        let isName = random.chance(50)
        try tenant.account.actAsPerson { person in
            if isName, !tenant.account.companies().contains(where: { $0.name == name }) {
                try person.editCompany(company.id, name: name)
                ownCompanies.insert(company.id)
            } else {
                try person.editCompany(company.id, fields: ["ACCOUNTNUMBER": random.chance(30) ? "" : word()])
            }
        }
        note("AC edit company \(company.id)")
    }

    private func joinElsewhere() throws {
        guard let contact = tenant.account.contacts().randomElement(using: &random) else { return }
        let name = "own\(ownCompanies.count)"
        try tenant.account.actAsPerson { person in
            let company = try person.addCompany(name)
            ownCompanies.insert(company)
            moved.insert(contact.id)
            try person.join(contact.id, company: company)
        }
        note("AC puts \(contact.id) into \(name)")
    }

    private func deleteCompany() throws {
        guard let company = tenant.account.companies().randomElement(using: &random) else { return }
        try tenant.account.actAsPerson { try $0.deleteCompany(company.id) }
        note("AC deletes company \(company.id)")
    }

    private func addOpportunity() throws {
        guard let contact = tenant.org.records("Contact").randomElement(using: &random) else { return }
        let name = "o\(tenant.org.count("Opportunity"))"
        try tenant.org.actAsUser { actions in
            let id = try actions.create(
                "Opportunity", ["Name": .text(name), "StageName": "Prospecting", "CloseDate": .date(20_818)])
            guard random.chance(80) else { return }
            _ = try actions.create(
                "OpportunityContactRole", ["OpportunityId": .text(id), "ContactId": .text(contact.id)])
        }
        note("SF new opportunity \(name)")
    }

    private func editOpportunity() throws {
        guard let record = tenant.org.records("Opportunity").randomElement(using: &random) else { return }
        let amount = Double(Int.random(in: 1..<1_000, using: &random))
        let name = random.chance(30) ? (record["Name"].text ?? "") + "x" : record["Name"].text ?? ""
        try tenant.update("Opportunity", record.id, ["Amount": .number(amount), "Name": .text(name)])
        note("SF edit \(record.id) amount \(amount)")
    }

    private func mergeAccounts() throws {
        guard let winner = accounts.randomElement(using: &random), let loser = accounts.randomElement(using: &random),
            winner.id != loser.id
        else { return }
        try tenant.org.actAsUser { try $0.merge(winner.id, [loser.id]) }
        note("SF merges account \(loser.id) into \(winner.id)")
    }

    private func addFault() {
        let effect: FaultEffect =
            [.loseAnswer, .reset, .cutBody, .answer(status: 503, body: .empty)].randomElement(using: &random) ?? .reset
        let path = random.chance(70) ? "/api/3" : "/services"
        let skipping = Int.random(in: 0...6, using: &random)
        cluster.salesforce.faults.add(effect, on: FaultMatch(pathPrefix: path), .times(1, skipping: skipping))
        note("fault \(effect) on \(path) after \(skipping)")
    }

    // MARK: - Workers

    private func lease(_ worker: WorkerID) async throws -> [LeasedJob] {
        cluster.advance(Double([5, 60, 700].randomElement(using: &random) ?? 5))
        let direction: Direction? = [.outbound, .inbound, nil].randomElement(using: &random) ?? nil
        let number = try await tenant.number(in: cluster)
        try await cluster.store.requestRun(tenant: number, direction: direction, now: cluster.wallClock.now)
        _ = try await cluster.scheduler.runOnce()
        return try await cluster.queue.lease(worker: worker, limit: 4).jobs
    }

    private func work() async throws {
        for job in try await lease(cluster.worker) {
            let settlement = await cluster.runner.run(job, worker: cluster.worker)
            _ = try await cluster.queue.settle(worker: cluster.worker, [settlement])
            note("ran \(job.key.kind): \(settlement.outcome)")
        }
    }

    private var callsAnswered: Int { tenant.account.calls.total + tenant.org.apiUsage.used }

    /// A worker takes a job and dies somewhere in it.
    private func die() async throws {
        let worker = WorkerID("dying")
        for job in try await lease(worker) {
            let runner = cluster.runner
            let hasEnded = Mutex(false)
            let calls = Int.random(in: 0...10, using: &random)
            let goal = callsAnswered + calls
            let task = Task {
                _ = await runner.run(job, worker: worker)
                hasEnded.withLock { $0 = true }
            }
            while callsAnswered < goal, !hasEnded.withLock({ $0 }) { await Task.yield() }
            task.cancel()
            await task.value
            note("killed \(job.key.kind) after \(calls) calls")
        }
        cluster.advance(60)
        _ = try await cluster.queue.sweep()
    }

    // MARK: - Peace

    /// Everything both sides hold of these objects.
    struct Picture: Equatable {
        let companies: [ActiveCampaignCompany]
        let records: [Simulators.SalesforceRecord]
        let objects: [ActiveCampaignObjectRecord]
        let deals: [ActiveCampaignDeal]
    }

    func picture() -> Picture {
        Picture(
            companies: tenant.account.companies(), records: accounts,
            objects: tenant.account.objectRecords("salesforce-opportunity"), deals: tenant.account.deals())
    }

    /// Rounds until three in a row change nothing.
    /// - Returns: false when that never comes.
    func settle(rounds: Int = 20) async throws -> Bool {
        cluster.salesforce.faults.removeAll()
        var (before, quiet) = (picture(), 0)
        for _ in 1...rounds {
            cluster.advance(3_700)
            try await cluster.round()
            let after = picture()
            quiet = after == before ? quiet + 1 : 0
            if quiet == 3 { return true }
            before = after
        }
        return false
    }

    /// What is not as the rules say, a line each.
    func complaints() async throws -> [String] {
        try await accountComplaints() + opportunityComplaints()
    }

    private func accountComplaints() async throws -> [String] {
        let companies = Dictionary(uniqueKeysWithValues: tenant.account.companies().map { (Int64($0.id), $0) })
        let records = Dictionary(uniqueKeysWithValues: accounts.map { ($0.id, $0) })
        let number = try await tenant.number(in: cluster)
        let links = try await cluster.store.accountLinks(tenant: number, accountIDs: companies.keys.sorted())
        var complaints: [String] = []
        for link in links where link.state == .active {
            guard let company = companies[link.contactID], let record = records[link.recordID] else {
                complaints.append("active link \(link.contactID) ↔ \(link.recordID) has a side missing")
                continue
            }
            let name = AccountNameRules.salesforceName(of: company.name, recordID: record.id)
            if name != record["Name"].text { complaints.append("\(record.id): \(record["Name"]) is \(company.name)") }
            let own = company.fields["ACCOUNTNUMBER"] ?? ""
            if own != record["AccountNumber"].text ?? "" {
                complaints.append("\(record.id): \(record["AccountNumber"]) is \(own)")
            }
        }
        let linked = Dictionary(links.map { ($0.recordID, $0.contactID) }, uniquingKeysWith: { first, _ in first })
        let made = Set(links.map(\.contactID))
        for company in companies.values where !made.contains(Int64(company.id)) && !ownCompanies.contains(company.id) {
            complaints.append("company \(company.id) \(company.name) is nobody's")
        }
        // Reported once, and looked at again when the record moves (R72).
        let elsewhere = Set(
            try await cluster.pool.query("SELECT sf_id FROM ferry.account_members WHERE state = 3").decode {
                try $0.get("sf_id", as: String.self)
            })
        for contact in tenant.org.records("Contact") where !elsewhere.contains(contact.id) {
            guard let account = contact["AccountId"].text, let email = contact["Email"].text,
                let person = tenant.account.contact(email: email), !moved.contains(person.id)
            else { continue }
            let home = companies.values.first { $0.contacts.contains(person.id) }
            let isElsewhere = home.map { !made.contains(Int64($0.id)) } ?? false
            // An account deleted in ActiveCampaign is made again only when it changes (R89).
            guard let wanted = linked[account], companies[wanted] != nil, !isElsewhere else { continue }
            if home.map({ Int64($0.id) }) != wanted {
                complaints.append("\(email) belongs to \(account) and is in \(home?.name ?? "none")")
            }
        }
        return complaints
    }

    private func opportunityComplaints() async throws -> [String] {
        let roles = Dictionary(
            tenant.org.records("OpportunityContactRole").compactMap { role in
                role["OpportunityId"].text.map { ($0, role["ContactId"].text ?? "") }
            }, uniquingKeysWith: { first, _ in first })
        var wanted: [String: String] = [:]
        for record in tenant.org.records("Opportunity") where roles[record.id] != nil {
            wanted[record["Name"].text ?? ""] = record["Amount"].number.map { String(Int($0)) } ?? ""
        }
        let held: [(String, String)] =
            isDeal
            ? tenant.account.deals().map { ($0.title, $0.cents == 0 ? "" : String($0.cents / 100)) }
            : tenant.account.objectRecords("salesforce-opportunity").map {
                ($0.fields["name"] ?? "", $0.fields["amount"] ?? "")
            }
        let names = held.map(\.0)
        var complaints = Set(names).count == names.count ? [] : ["an opportunity is there twice: \(names)"]
        for (name, amount) in wanted where !held.contains(where: { $0 == (name, amount) }) {
            complaints.append("opportunity \(name) with \(amount) is not among \(held)")
        }
        return complaints
    }
}
