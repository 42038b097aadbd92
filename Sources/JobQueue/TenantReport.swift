import Drivers
import Foundation

/// One tenant's record as the status script tells it, read for a human. The states are described in `Lua/shard.lua`.
struct TenantReport {
    private var fields: [String: String] = [:]
    private let now: Int64

    init(_ flat: [RESPValue], now: Int64) {
        self.now = now
        for start in stride(from: 0, to: flat.count - 1, by: 2) {
            let value = flat[start + 1]
            fields[flat[start].text ?? ""] = value.text ?? value.number.map { String($0) } ?? ""
        }
    }

    /// The first that holds, from what only a human ends to what ends by itself.
    var reason: TenantReason {
        let queuedClasses = Set(kinds("q").compactMap { fields["j" + $0]?.dropFirst().first })
        let running = kinds("r") + kinds("R")
        let hasWork = !queuedClasses.isEmpty || !kinds("d").isEmpty
        if hasWork, let paused = fields["p"] { return .paused(reason: paused) }
        if !queuedClasses.isEmpty {
            let limit = queuedClasses.contains { fields["s\($0)"] == "m" }
            if queuedClasses.contains(where: { fields["s\($0)"] == "r" && !isParked($0) }) { return .ready }
            if limit { return .atLimit(running: running.count) }
            if let park = queuedClasses.compactMap(parked).min(by: { $0.until < $1.until }) {
                return .parked(until: park.until, reason: park.reason)
            }
            return .ready
        }
        if !running.isEmpty { return .running(kinds: running.sorted()) }
        if let due = kinds("d").compactMap(due).min() { return .delayed(until: due) }
        if !kinds("x").isEmpty { return .dead(kinds: kinds("x").sorted()) }
        if let paused = fields["p"] { return .paused(reason: paused) }
        return .idle
    }

    /// The classes that have queued jobs and are parked.
    var parks: [BudgetPark] {
        let queued = Set(kinds("q").compactMap { fields["j" + $0]?.dropFirst().first })
        return queued.compactMap { digit in
            guard let jobClass = UInt8(String(digit)).flatMap(JobClass.init), let park = parked(digit) else {
                return nil
            }
            return BudgetPark(jobClass: jobClass, until: park.until, reason: park.reason)
        }
    }

    private func kinds(_ state: Character) -> [String] {
        fields.filter { $0.key.first == "j" && $0.value.first == state }.map { String($0.key.dropFirst()) }
    }

    private func due(_ kind: String) -> Date? {
        let parts = fields["j" + kind]?.split(separator: ",") ?? []
        return parts.last.flatMap { Double($0) }.map { Date(timeIntervalSince1970: $0 / 1_000) }
    }

    private func isParked(_ class: Character) -> Bool { parked(`class`) != nil }

    private func parked(_ class: Character) -> (until: Date, reason: String)? {
        ["", String(`class`)].compactMap { field in
            guard let wake = fields["u" + field].flatMap({ Int64($0) }), wake > now else { return nil }
            return (Date(timeIntervalSince1970: Double(wake) / 1_000), fields["v" + field] ?? "")
        }.max { $0.until < $1.until }
    }
}
