import Cluster
import Drivers
import Foundation
import JobQueue
import Simulators
import Store
import Synchronization
import TestSupport

import enum SyncRules.DecisionCode
import enum SyncRules.Direction

/// A random history of one tenant through the real cluster: people on both sides, providers that fail, workers that die
/// and clocks that jump; then peace.
final class ClusterHistory {
    let cluster: TestCluster
    let tenant: TestTenant
    let hasPackage: Bool
    private var random: SeededGenerator
    private var people = 0
    private var emails: [String] = []
    /// Records that users created, by address.
    private(set) var userRecords: [String: Int] = [:]
    /// Addresses of people whose record was merged or converted: another record's word on e-mail counts for them.
    private(set) var moved: Set<String> = []
    /// The list whose mail people get.
    private let news: Int
    /// Jobs of dead workers, which may come to life again.
    private var abandoned: [LeasedJob] = []
    private(set) var log: [String] = []

    init(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        var options = TestTenant.Options()
        options.hasPackage = random.chance(50)
        options.hasExternalID = options.hasPackage || random.chance(50)
        options.customFields = ["Note"]
        self.random = random
        hasPackage = options.hasPackage
        cluster = try await TestCluster.start()
        tenant = try await TestTenant("acme", in: cluster, options)
        news = tenant.account.addList(name: "News")
        note("package \(options.hasPackage), external id \(options.hasExternalID)")
    }

    private func note(_ text: String) { log.append(text) }

    // MARK: - War

    func run(steps: Int) async throws {
        for _ in 0..<steps { try await step() }
    }

    private func step() async throws {
        switch Int.random(in: 0..<122, using: &random) {
        case 0..<10: try addContact()
        case 10..<20: try addRecord()
        case 20..<35: try editContact()
        case 35..<50: try editRecord()
        case 50..<54: try requestCreation()
        case 54..<62: addFault()
        case 62..<68: advance()
        case 68..<74: try await abandon()
        case 74..<77: try await resurrect()
        case 77..<80: try crowd()
        case 80..<85: try convertLead()
        case 85..<90: try merge()
        case 90..<95: try delete()
        case 115..<122: try optInOrOut()
        default: try await work()
        }
    }

    private func somebody() -> String {
        if people == 0 || (people < 6 && random.chance(50)) { people += 1 }
        return "p\(Int.random(in: 1...people, using: &random))@x.example"
    }

    private func word() -> String { ["a", "b", "c", "d"].randomElement(using: &random) ?? "a" }

    private func addContact() throws {
        let email = somebody()
        guard tenant.account.contact(email: email) == nil else { return }
        let automation: ActiveCampaignAutomation? =
            random.chance(30) ? nil : random.chance(70) ? .createContactInSalesforce : .createLeadInSalesforce
        try tenant.signUp(email, last: word(), automation: automation)
        note("AC new \(email) \(automation?.tag ?? "")")
    }

    private func addRecord() throws {
        let email = somebody()
        if random.chance(70) {
            try tenant.createContact(email, last: word())
        } else {
            try tenant.createLead(email, last: word())
        }
        userRecords[email, default: 0] += 1
        note("SF new \(email)")
    }

    /// Thirty people at once, so that imports and chunks are used.
    private func crowd() throws {
        let first = Int.random(in: 100..<100_000, using: &random) * 100
        let isOutbound = random.chance(50)
        for number in first..<first + 30 {
            let email = "crowd\(number)@x.example"
            if isOutbound {
                try tenant.signUp(email, last: word())
            } else {
                try tenant.createContact(email, last: word())
                userRecords[email, default: 0] += 1
            }
        }
        note("crowd of 30 on side \(isOutbound ? "AC" : "SF")")
    }

    private func editContact() throws {
        guard let contact = tenant.account.contacts().randomElement(using: &random) else { return }
        let value = word()
        let edit =
            switch Int.random(in: 0..<4, using: &random) {
            case 0: ActiveCampaignEdit(firstName: value)
            case 1: ActiveCampaignEdit(lastName: value)
            case 2: ActiveCampaignEdit(phone: random.chance(30) ? "" : value)
            default: ActiveCampaignEdit(fields: ["NOTE": random.chance(30) ? "" : value])
            }
        try tenant.account.actAsPerson { try $0.edit(contact.id, edit) }
        note("AC edit \(contact.email) \(value)")
    }

    private func editRecord() throws {
        let records = tenant.org.records("Contact") + openLeads
        guard let record = records.randomElement(using: &random) else { return }
        let field = ["FirstName", "LastName", "Phone", "Note__c"].randomElement(using: &random) ?? "Phone"
        let isCleared = field != "LastName" && random.chance(30)
        let value: FieldValue = isCleared ? .null : .text(word())
        try tenant.update(record.object, record.id, [field: value])
        note("SF edit \(record.id) \(record["Email"].text ?? "") \(field) \(value.text ?? "null")")
    }

    /// Somebody subscribes or unsubscribes, or Salesforce's users learn that somebody wants no mail.
    private func optInOrOut() throws {
        guard random.chance(70) else {
            guard let record = (tenant.org.records("Contact") + openLeads).randomElement(using: &random) else { return }
            try tenant.update(record.object, record.id, ["HasOptedOutOfEmail": true])
            return note("SF opts \(record.id) \(record["Email"].text ?? "") out")
        }
        guard let contact = tenant.account.contacts().randomElement(using: &random) else { return }
        let isIn = random.chance(50)
        try tenant.account.actAsPerson { person in
            if isIn {
                try person.subscribe(contact.id, list: news)
            } else {
                try person.unsubscribe(contact.id, list: nil)
            }
        }
        note("AC \(contact.email) is \(isIn ? "in" : "out")")
    }

    private var openLeads: [SalesforceRecord] { tenant.org.records("Lead").filter { $0["IsConverted"] != true } }

    private func convertLead() throws {
        guard let lead = openLeads.randomElement(using: &random), let email = lead["Email"].text else { return }
        let contacts = tenant.org.records("Contact").filter { $0["Email"].text == email }
        let target = random.chance(50) ? contacts.randomElement(using: &random)?.id : nil
        let made = try unlessTaken("convert \(lead.id)") {
            try tenant.org.actAsUser { try $0.convertLead(lead.id, intoContact: target).contactID }
        }
        guard let made else { return }
        if target == nil { userRecords[email, default: 0] += 1 }
        moved.insert(email)
        note("SF converts \(lead.id) \(email) into \(made)")
    }

    private func merge() throws {
        let records = random.chance(70) ? tenant.org.records("Contact") : openLeads
        guard let winner = records.randomElement(using: &random), let loser = records.randomElement(using: &random),
            winner.id != loser.id
        else { return }
        let merged: Void? = try unlessTaken("merge \(loser.id)") {
            try tenant.org.actAsUser { try $0.merge(winner.id, [loser.id]) }
        }
        guard merged != nil else { return }
        moved.formUnion([winner, loser].compactMap { $0["Email"].text })
        note("SF merges \(loser.id) \(loser["Email"].text ?? "") into \(winner.id) \(winner["Email"].text ?? "")")
    }

    /// Somebody deletes a record, or takes one out of the bin again.
    private func delete() throws {
        let records = tenant.org.records("Contact", includingDeleted: true)
        guard let record = records.randomElement(using: &random) else { return }
        let name = "\(record.id) \(record["Email"].text ?? "")"
        guard record.isDeleted else {
            try tenant.org.actAsUser { try $0.delete(record.id) }
            return note("SF deletes \(name)")
        }
        let undeleted: Void? = try unlessTaken("undelete \(name)") {
            try tenant.org.actAsUser { try $0.undelete(record.id) }
        }
        if undeleted != nil { note("SF undeletes \(name)") }
    }

    /// What a user does, unless another record has taken the unique AC_Contact_Id__c meanwhile: Salesforce then refuses,
    /// and everything stays as it was.
    private func unlessTaken<Value>(_ deed: String, _ body: () throws -> Value) throws -> Value? {
        do { return try body() } catch let refusal as SaveRefusal
            where refusal.errors.allSatisfy({ $0.code == "DUPLICATE_VALUE" })
        {
            note("SF can't \(deed)")
            return nil
        }
    }

    private func requestCreation() throws {
        guard let contact = tenant.account.contacts().randomElement(using: &random) else { return }
        let automation: ActiveCampaignAutomation =
            random.chance(70) ? .createContactInSalesforce : .createLeadInSalesforce
        try tenant.account.runAutomation(automation, contact: contact.id)
        note("AC automation \(contact.email) \(automation.tag)")
    }

    // MARK: - Trouble

    private func addFault() {
        let effect: FaultEffect =
            [.loseAnswer, .reset, .cutBody, .answer(status: 503, body: .empty)].randomElement(using: &random) ?? .reset
        let skipping = Int.random(in: 0...4, using: &random)
        let path = random.chance(50) ? "/api/3" : "/services"
        cluster.salesforce.faults.add(
            effect, on: FaultMatch(pathPrefix: path),
            .times(random.chance(70) ? 1 : 6, skipping: skipping))
        note("fault \(effect) on \(path) after \(skipping)")
    }

    private func advance() {
        let seconds = Double([2, 20, 200, 700, 4_000].randomElement(using: &random) ?? 2)
        cluster.advance(seconds)
        note("clock +\(seconds)")
    }

    // MARK: - Workers

    private func lease(_ worker: WorkerID) async throws -> [LeasedJob] {
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

    /// Calls both providers have answered so far.
    private var callsAnswered: Int { tenant.account.calls.total + tenant.org.apiUsage.used }

    /// A worker takes a job, dies somewhere in it, and its leases run out.
    private func abandon() async throws {
        let worker = WorkerID("dying")
        let jobs = try await lease(worker)
        for job in jobs {
            let runner = cluster.runner
            let hasEnded = Mutex(false)
            let calls = Int.random(in: 0...8, using: &random)
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
        abandoned += jobs
        cluster.advance(60)
        _ = try await cluster.queue.sweep()
    }

    /// A worker taken for dead runs its job once more: it must not undo what came after.
    private func resurrect() async throws {
        guard let job = abandoned.popLast() else { return }
        let settlement = await cluster.runner.run(job, worker: WorkerID("dying"))
        note("zombie \(job.key.kind): \(settlement.outcome)")
    }

    /// What was decided about whom, in order, for whoever reads the story.
    func decisions() async throws -> [String] {
        let rows = try await cluster.pool.query(
            """
            SELECT at, run, direction, object, code, coalesce(ac_id, 0) AS contact, coalesce(sf_id, '') AS record,
                coalesce(detail, '') AS reason, coalesce(field, '') AS field
            FROM ferry.record_decisions ORDER BY at, run
            """)
        return try rows.decode { row in
            let code = DecisionCode(rawValue: try row.get("code", as: Int16.self))?.name ?? "?"
            return """
                \(try row.get("at", as: Date.self).formatted(.iso8601)) \(try row.get("direction", as: Int16.self)) \(code) \
                \(try row.get("contact", as: Int64.self)) \(try row.get("record", as: String.self)) \
                \(try row.get("reason", as: String.self)) \(try row.get("field", as: String.self))
                """
        }
    }

    // MARK: - Peace

    /// Rounds until a whole one changes nothing.
    /// - Returns: false when that never comes.
    func settle(rounds: Int = 25) async throws -> Bool {
        cluster.salesforce.faults.removeAll()
        abandoned = []
        var before = tenant.snapshot()
        var quiet = 0
        for round in 1...rounds {
            cluster.advance(1_300)
            try await cluster.round()
            let after = tenant.snapshot()
            quiet = after == before ? quiet + 1 : 0
            note("round \(round) \(after == before ? "quiet" : "wrote")")
            if quiet == 3 { return true }
            before = after
        }
        return false
    }
}
