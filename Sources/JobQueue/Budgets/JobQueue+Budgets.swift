import Drivers
import Foundation

extension JobQueue {
    /// Sets what a tenant's calls to a provider may come to; jobs that wait for it look again at once.
    /// - Parameter past: what was spent before; counts only when there was no budget yet.
    /// - Returns: whether there was none yet.
    /// - Throws: `badArgument` for terms out of `JobQueueLimits.dailyCalls`.
    @discardableResult
    package func setBudget(
        tenant: Int32, _ provider: CallProvider, _ terms: BudgetTerms, past: PastCalls = PastCalls()
    ) async throws(JobQueueError) -> Bool {
        guard JobQueueLimits.dailyCalls.contains(terms.dailyCalls) else {
            throw JobQueueError(.badArgument, "a budget is 1...\(JobQueueLimits.dailyCalls.upperBound) calls a day")
        }
        var arguments = ["set", "\(tenant)", "\(provider.rawValue)", "\(terms.dailyCalls)"]
        arguments.append(terms.orgCeiling.map { "\(max(0, $0))" } ?? "")
        arguments += ["\(max(0, past.unknown))", "\(past.learning.milliseconds)", "\(past.openShare)"]
        for (instant, calls) in past.calls.sorted(by: { $0.key < $1.key }).suffix(JobQueueLimits.pastCalls) {
            arguments += ["\(Int64(instant.timeIntervalSince1970 * 1_000))", "\(max(0, calls))"]
        }
        return try await run(.budget, map.shard(of: tenant), arguments).number == 1
    }

    /// Ends a tenant's budget with a provider: its calls are not counted any more.
    package func endBudget(tenant: Int32, _ provider: CallProvider) async throws(JobQueueError) {
        let arguments = ["set", "\(tenant)", "\(provider.rawValue)", "", "", "0", "0", "0"]
        _ = try await run(.budget, map.shard(of: tenant), arguments)
    }

    /// A tenant's purses; empty when it has no budget.
    package func budgets(tenant: Int32) async throws(JobQueueError) -> [BudgetReport] {
        try Self.reports(try await run(.budget, map.shard(of: tenant), ["show", "\(tenant)"]))
    }

    /// Many tenants' purses in one go; those without a budget are missing.
    package func budgets(tenants: [Int32]) async throws(JobQueueError) -> [Int32: [BudgetReport]] {
        var found: [Int32: [BudgetReport]] = [:]
        let answers = await caller.run(tenants.map { call(.budget, map.shard(of: $0), ["show", "\($0)"]) })
        for (tenant, answer) in zip(tenants, answers) {
            let reports = try Self.reports(try answer.get())
            if !reports.isEmpty { found[tenant] = reports }
        }
        return found
    }

    private static func reports(_ value: RESPValue) throws(JobQueueError) -> [BudgetReport] {
        let answer = value.elements ?? []
        guard answer.count == 2, let now = answer[0].number, let parts = answer[1].elements else {
            throw Self.unexpected("budget")
        }
        var reports: [BudgetReport] = []
        for start in stride(from: 0, to: parts.count - 2, by: 3) {
            guard
                let report = BudgetReport(
                    Self.numbers(parts[start]), waits: Self.numbers(parts[start + 1]),
                    hours: Self.numbers(parts[start + 2]), now: now)
            else { throw Self.unexpected("budget") }
            reports.append(report)
        }
        return reports
    }

    /// Books what runs have called and asks for more calls, for several runs in one round trip a shard.
    /// - Returns: one result a run, in order.
    package func extend(
        worker: WorkerID, _ wishes: [CallExtension]
    ) async throws(JobQueueError) -> [ExtensionResult] {
        let groups = ShardMap.group(wishes.indices) { map.shard(of: wishes[$0].job.key.tenant) }
            .flatMap { shard, indices in indices.parts(of: JobQueueLimits.exchangeBatch).map { (shard, $0) } }
        let calls = groups.map { shard, indices in
            var arguments = call(.budget, shard, ["extend", worker.name]).arguments
            for index in indices {
                let wish = wishes[index]
                arguments.append(lease: wish.job.token, of: wish.job.key)
                arguments.append(wish.made.wire)
                arguments.append(Int64(min(max(0, wish.activeCampaign), JobQueueLimits.callSlice)))
                arguments.append(Int64(min(max(0, wish.salesforce), JobQueueLimits.callSlice)))
            }
            return ShardCaller.Call(script: .budget, shard: shard, arguments: arguments)
        }
        var results = [ExtensionResult](repeating: .leaseLost, count: wishes.count)
        for ((_, indices), answer) in zip(groups, await caller.run(calls)) {
            let numbers = Self.numbers(try answer.get())
            guard numbers.count == 6 * indices.count else { throw Self.unexpected("budget") }
            for (place, index) in indices.enumerated() {
                results[index] = ExtensionResult(numbers[(6 * place)..<(6 * place + 6)])
            }
        }
        return results
    }

    /// Books one call of somebody who looks at a tenant without a lease, before all its jobs.
    /// - Returns: nil when it may be made, else the time until one may.
    package func look(tenant: Int32, _ provider: CallProvider) async throws(JobQueueError) -> Duration? {
        let answer = try await run(.budget, map.shard(of: tenant), ["look", "\(tenant)", "\(provider.rawValue)"])
        guard let wait = answer.number else { throw Self.unexpected("budget") }
        return wait > 0 ? .milliseconds(wait) : nil
    }

    // MARK: - Pace

    /// Takes turns to call an account, whoever in the cluster calls it.
    /// - Parameters:
    ///   - account: any name of it, the same everywhere.
    ///   - interval: between two calls when the account bears it; longer after it refused.
    ///   - burst: calls that may start at once after a rest.
    ///   - longestWait: until the first; further off none is taken.
    package func pace(
        account: String, calls: Int, interval: Duration, burst: Int, longestWait: Duration
    ) async throws(JobQueueError) -> PaceSlice {
        let arguments = RedisCommand(
            "\(interval.milliseconds)", "\(max(1, burst))", "\(min(max(1, calls), JobQueueLimits.callSlice))",
            "\(longestWait.milliseconds)", "0", paceOffset)
        let numbers = Self.numbers(try await caller.run(paceCall(account, arguments)))
        guard numbers.count == 3 else { throw Self.unexpected("pace") }
        return PaceSlice(
            calls: Int(numbers[0]), wait: .milliseconds(numbers[1]), interval: .milliseconds(numbers[2]))
    }

    /// An account refused a call: nobody calls it for a while, and all of them more slowly after it.
    package func pausePace(
        account: String, interval: Duration, burst: Int, for pause: Duration
    ) async throws(JobQueueError) {
        let arguments = RedisCommand(
            "\(interval.milliseconds)", "\(max(1, burst))", "0", "0", "\(pause.milliseconds)", paceOffset)
        _ = try await caller.run(paceCall(account, arguments))
    }

    private var paceOffset: String { "\(Int64((clock.offsetSeconds * 1_000).rounded()))" }

    private func paceCall(_ account: String, _ arguments: RedisCommand) -> ShardCaller.Call {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in account.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let shard = map.shard(of: Int32(truncatingIfNeeded: hash))
        return ShardCaller.Call(
            script: .pace, shard: shard, arguments: arguments, keySuffix: ":g:" + String(hash, radix: 16))
    }

    private static func numbers(_ value: RESPValue) -> [Int64] {
        (value.elements ?? []).compactMap(\.number)
    }
}

extension ExtensionResult {
    /// Reads what the script answers for one run.
    fileprivate init(_ numbers: ArraySlice<Int64>) {
        let numbers = Array(numbers)
        guard numbers[0] == 1 else {
            self = .leaseLost
            return
        }
        if let provider = CallProvider(rawValue: Int(numbers[4])) {
            self = .refused(provider, resumesAfter: .milliseconds(numbers[3]))
            return
        }
        self = .granted(
            activeCampaign: Int(numbers[1]), salesforce: Int(numbers[2]), percentUsed: Int(numbers[5]))
    }
}

extension BudgetReport {
    /// Reads a purse as the script shows it.
    fileprivate init?(_ numbers: [Int64], waits: [Int64], hours: [Int64], now: Int64) {
        guard numbers.count == 10, let provider = CallProvider(rawValue: Int(numbers[0])),
            waits.count == JobClass.allCases.count
        else { return nil }
        let optional = { (number: Int64) in number < 0 ? nil : Int(number) }
        let instant = { (milliseconds: Int64) in Date(timeIntervalSince1970: Double(now + milliseconds) / 1_000) }
        self.init(
            provider: provider,
            terms: BudgetTerms(dailyCalls: Int(numbers[1]), orgCeiling: optional(numbers[6])),
            spent: Int(numbers[2]), reserved: Int(numbers[3]), unknown: Int(numbers[4]),
            provenLimit: optional(numbers[5]), orgUse: optional(numbers[7]),
            orgUseAt: numbers[8] < 0 ? nil : instant(-numbers[8]), sinceOrgUse: Int(numbers[9]), resumes: [:],
            returning: hours.map { Int($0) })
        for (jobClass, wait) in zip(JobClass.allCases, waits) where wait > 0 { resumes[jobClass] = instant(wait) }
    }
}
