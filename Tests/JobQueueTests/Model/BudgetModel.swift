import Foundation
import JobQueue

/// One purse in plain Swift: what the Lua scripts should keep, said a second time and differently: as a list of what was
/// booked when, added up anew at every look. Instants are seconds of the queue's clock.
struct BudgetModel {
    struct Held: Equatable {
        var reserved: Int
        var settled = 0
    }

    static let quarter = 900.0
    static let zombie = 1_800.0

    var limit: Int
    private var booked: [(quarter: Int, calls: Int)] = []
    private(set) var held: [String: Held] = [:]
    private var averages: [String: Int] = [:]

    init(limit: Int) { self.limit = limit }

    func spent(_ now: Double) -> Int {
        let quarter = Int((now / Self.quarter).rounded(.down))
        return booked.filter { quarter - $0.quarter < 98 }.map(\.calls).reduce(0, +)
    }

    var reserved: Int { held.values.map(\.reserved).reduce(0, +) }

    func capacity(_ jobClass: JobClass) -> Int {
        let percent = [JobClass.urgent: 100, .normal: 90, .bulk: 60][jobClass] ?? 0
        return (limit * percent + 99) / 100
    }

    func room(_ jobClass: JobClass, _ now: Double) -> Int { capacity(jobClass) - spent(now) - reserved }

    private func need(_ kind: String, _ jobClass: JobClass) -> Int {
        max(1, min(((averages[kind] ?? 10) + 9) / 10, 32, capacity(jobClass)))
    }

    /// Reserves for a run; nil when it has to wait.
    mutating func reserve(_ kind: String, _ jobClass: JobClass, _ now: Double) -> Int? {
        let need = need(kind, jobClass)
        guard room(jobClass, now) >= need else { return nil }
        held[kind] = Held(reserved: need)
        return need
    }

    /// The first instant at which a run that was refused would be let in, if nobody else calls.
    func resumes(_ kind: String, _ jobClass: JobClass, _ now: Double) -> Double? {
        let missing = need(kind, jobClass) - room(jobClass, now)
        guard missing > 0 else { return now }
        var returned = 0
        let current = Int((now / Self.quarter).rounded(.down))
        for quarter in Set(booked.map(\.quarter)).filter({ current - $0 < 98 }).sorted() {
            returned += booked.filter { $0.quarter == quarter }.map(\.calls).reduce(0, +)
            if returned >= missing { return Double(quarter + 98) * Self.quarter }
        }
        return nil
    }

    private mutating func book(_ calls: Int, _ instant: Double) {
        booked.append((Int((instant / Self.quarter).rounded(.down)), calls))
    }

    /// A run says what it called and wants more.
    mutating func extend(_ kind: String, made: Int, wanted: Int, _ jobClass: JobClass, _ now: Double) -> Int {
        book(made, now)
        var run = held[kind] ?? Held(reserved: 0)
        run.settled += made
        run.reserved -= min(run.reserved, made)
        held[kind] = run
        let granted = max(0, min(wanted, room(jobClass, now)))
        held[kind]?.reserved += granted
        return granted
    }

    /// A run ends and says what it called.
    mutating func settle(_ kind: String, made: Int, _ now: Double) {
        book(made, now)
        guard let run = held.removeValue(forKey: kind) else { return }
        let tenths = 10 * (run.settled + made)
        averages[kind] = averages[kind].map { (3 * $0 + tenths + 3) / 4 } ?? tenths
    }

    /// A run's worker died: all it might still call is spent, for as long as it might go on.
    mutating func bury(_ kind: String, _ now: Double) {
        guard let run = held.removeValue(forKey: kind) else { return }
        book(run.reserved, now + Self.zombie)
    }
}

/// A provider that counts exactly: what was called when, by its own clock.
struct CountingProvider {
    private(set) var calls: [Double] = []

    mutating func call(_ now: Double) { calls.append(now) }

    func count(_ now: Double) -> Int { calls.count { $0 > now - 86_400 && $0 <= now } }
}
