import Foundation
import JobQueue

/// One purse in plain Swift: what the Lua scripts should keep, said a second time and differently: as a list of what was
/// booked when, added up anew at every look. Instants are seconds of the queue's clock.
struct BudgetModel {
    struct Held: Equatable {
        var reserved: Int
        var settled = 0
    }

    private struct Booking {
        var quarter: Int
        var calls: Int
        var isUnknown = false
    }

    static let quarter = 900.0
    static let zombie = 1_800.0

    var limit: Int
    var ceiling: Int?
    private var booked: [Booking] = []
    private(set) var held: [String: Held] = [:]
    private var averages: [String: Int] = [:]
    private var lastDeath = 0.0
    private var lastEnd = 0.0
    private(set) var figure: (used: Int, at: Double)?
    private(set) var since = 0
    private var probeWait: Double?
    private var lastProbe = 0.0
    private var proof: (most: Int, until: Double)?

    init(limit: Int, ceiling: Int? = nil) {
        self.limit = limit
        self.ceiling = ceiling
    }

    private static func quarter(_ instant: Double) -> Int { Int((instant / quarter).rounded(.down)) }

    private func live(_ now: Double) -> [Booking] { booked.filter { Self.quarter(now) - $0.quarter < 98 } }

    func spent(_ now: Double) -> Int { live(now).map(\.calls).reduce(0, +) }

    func unknown(_ now: Double) -> Int { live(now).filter(\.isUnknown).map(\.calls).reduce(0, +) }

    var reserved: Int { held.values.map(\.reserved).reduce(0, +) }

    func capacity(_ jobClass: JobClass) -> Int {
        let percent = [JobClass.urgent: 100, .normal: 100, .bulk: 60][jobClass] ?? 0
        return (limit * percent + 99) / 100
    }

    private func orgRoom() -> Int? {
        guard let ceiling, let figure else { return nil }
        return ceiling - figure.used - since - reserved
    }

    private func proven(_ now: Double) -> Int? { proof.flatMap { now < $0.until ? $0.most : nil } }

    func room(_ jobClass: JobClass, _ now: Double) -> Int {
        let taken = spent(now) + reserved
        return min(
            capacity(jobClass) - taken, proven(now).map { $0 - taken } ?? .max, orgRoom() ?? .max)
    }

    // MARK: - Reserving

    private func need(_ kind: String, _ jobClass: JobClass) -> Int {
        max(1, min(((averages[kind] ?? 10) + 9) / 10, 32, capacity(jobClass)))
    }

    /// Calls a run would get: what its kind takes, or the one that goes and sees what the org's use is by now; nil: none.
    func offer(_ kind: String, _ jobClass: JobClass, _ now: Double) -> (calls: Int, isProbe: Bool)? {
        let need = need(kind, jobClass)
        if room(jobClass, now) >= need { return (need, false) }
        guard let org = orgRoom(), org < need, reserved == 0, let figure,
            min(capacity(jobClass), proven(now) ?? limit) - spent(now) >= 1,
            max(figure.at, lastProbe) + (probeWait ?? 300) <= now
        else { return nil }
        return (1, true)
    }

    /// Reserves what was offered.
    mutating func reserve(_ offer: (calls: Int, isProbe: Bool), _ kind: String, _ now: Double) {
        held[kind] = Held(reserved: offer.calls)
        guard offer.isProbe else { return }
        probeWait = min(2 * (probeWait ?? 300), 3_600)
        lastProbe = now
    }

    // MARK: - Spending

    private mutating func book(_ calls: Int, _ instant: Double, isUnknown: Bool = false) {
        booked.append(Booking(quarter: Self.quarter(instant), calls: calls, isUnknown: isUnknown))
    }

    private mutating func spend(_ kind: String, total: Int, _ now: Double) {
        let new = max(0, total - (held[kind]?.settled ?? 0))
        held[kind]?.settled += new
        book(new, now)
        since += new
    }

    /// A run says what it called so far and wants more.
    mutating func extend(_ kind: String, total: Int, figure: OrgFigure?, _ now: Double) {
        let before = held[kind]?.settled ?? 0
        spend(kind, total: total, now)
        if let figure { read(figure, kind, now) }
        let made = (held[kind]?.settled ?? 0) - before
        let back = min(held[kind]?.reserved ?? 0, made)
        held[kind]?.reserved -= back
    }

    mutating func grant(_ kind: String, wanted: Int, _ jobClass: JobClass, _ now: Double) -> Int {
        let granted = max(0, min(wanted, room(jobClass, now)))
        held[kind]?.reserved += granted
        return granted
    }

    /// A run ends and says what it called.
    mutating func settle(_ kind: String, total: Int, figure: OrgFigure?, _ now: Double) {
        spend(kind, total: total, now)
        if let figure { read(figure, kind, now) }
        lastEnd = now
        guard let run = held.removeValue(forKey: kind) else { return }
        averages[kind] = averages[kind].map { (3 * $0 + 10 * run.settled + 3) / 4 } ?? 10 * run.settled
    }

    /// A run that never began goes back.
    mutating func giveBack(_ kind: String, _ now: Double) {
        held[kind] = nil
        lastEnd = now
    }

    /// A run's worker died: all it might still call is spent, for as long as it might go on.
    mutating func bury(_ kind: String, _ now: Double) {
        guard let run = held.removeValue(forKey: kind) else { return }
        lastEnd = now
        guard run.reserved > 0 else { return }
        book(run.reserved, now + Self.zombie, isUnknown: true)
        since += run.reserved
        lastDeath = now
    }

    /// Somebody without a lease wants one call.
    mutating func look(_ now: Double) -> Bool {
        let canProbe = offer("nobody's", .urgent, now)
        guard let canProbe else { return false }
        if canProbe.isProbe {
            probeWait = min(2 * (probeWait ?? 300), 3_600)
            lastProbe = now
        }
        book(1, now)
        since += 1
        lastEnd = now
        return true
    }

    // MARK: - The org's figure

    private mutating func read(_ read: OrgFigure, _ kind: String, _ now: Double) {
        let at = now - read.age / .seconds(1)
        if let figure, at < figure.at { return }
        figure = (read.used, at)
        let isOnly = held.keys.allSatisfy { $0 == kind }
        if isOnly, at >= lastEnd { since = read.callsAfter }
        if isOnly, at > lastEnd + 10, at > lastDeath + Self.zombie + Self.quarter {
            lower(read, at, now)
        }
        proof = nil
        if let ceiling, ceiling - read.used - since > 0 { (probeWait, lastProbe) = (nil, 0) }
    }

    /// Of the dead, no more can have called than the org has seen and nobody else of ours has made; whom of them it was is
    /// not known, so the youngest are believed.
    private mutating func lower(_ read: OrgFigure, _ at: Double, _ now: Double) {
        let surelySeen = booked.filter { !$0.isUnknown && Double($0.quarter) * Self.quarter > at - 86_400 + 4_500 }
            .map(\.calls).reduce(0, +)
        var left = max(0, read.used - max(0, surelySeen - read.callsAfter))
        for index in booked.indices.filter({ booked[$0].isUnknown }).sorted(by: {
            booked[$0].quarter > booked[$1].quarter
        }) where Self.quarter(now) - booked[index].quarter < 98 {
            booked[index].calls = min(booked[index].calls, left)
            left -= booked[index].calls
        }
    }

    /// The queue's clock stands where it is, whatever it showed before; what has left the window is gone for good.
    mutating func note(_ now: Double) {
        booked = live(now)
        if let figure { self.figure = (figure.used, min(figure.at, now)) }
        (lastProbe, lastEnd, lastDeath) = (min(lastProbe, now), min(lastEnd, now), min(lastDeath, now))
    }

    // MARK: - Losing Redis

    /// What is known again after Redis was lost.
    mutating func restore(_ calls: [(at: Double, calls: Int)], unknown: Int, _ now: Double) {
        self = BudgetModel(limit: limit, ceiling: ceiling)
        for entry in calls { book(entry.calls, entry.at) }
        if unknown > 0 {
            book(unknown, now + Self.zombie, isUnknown: true)
            lastDeath = now
        }
        let spent = spent(now)
        proof = (spent + max(1, max(0, limit - spent) * 25 / 100), now + 3_600)
    }
}

/// A provider that counts exactly: what was called when, by its own clock.
struct CountingProvider {
    private(set) var calls: [Double] = []

    mutating func call(_ now: Double) { calls.append(now) }

    func count(_ now: Double) -> Int { calls.count { $0 > now - 86_400 && $0 <= now } }
}
