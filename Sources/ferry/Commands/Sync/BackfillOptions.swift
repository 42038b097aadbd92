import ArgumentParser
import Cluster
import Drivers
import Foundation
import Store
import SyncRules

/// What back-fill commands take, in checked form.
enum BackfillOptions {
    /// The object of an option's word.
    static func object(_ word: String) throws -> ObjectKind {
        guard let kind = ObjectKind(name: word) else {
            throw ValidationError("--object: want contact, lead or opportunity")
        }
        guard kind != .account else {
            throw ValidationError(
                "--object: accounts need no back-fill; an account enters with the first synced person who belongs to it, "
                    + "however old both are. Back-fill contacts")
        }
        return kind
    }

    /// A day in UTC or an instant.
    static func instant(_ text: String, _ option: String) throws -> Date {
        let whole = text.count == 10 ? text + "T00:00:00Z" : text
        guard let instant = try? Date(whole, strategy: .iso8601) else {
            throw ValidationError(
                "\(option): want a day such as 2024-01-31, or an instant such as 2024-01-31T12:00:00Z")
        }
        return instant
    }

    /// Asks Salesforce for a count.
    static func forecast(
        _ runtime: Runtime, _ row: TenantSummary, _ kind: ObjectKind, _ from: Date, _ until: Date
    ) async throws -> BackfillForecast {
        let http = try runtime.providerClient()
        let planner = TenantPlanner(
            store: runtime.store, queue: try runtime.queue(), clock: runtime.clock, http: http,
            keys: try runtime.settings.keys,
            providers: try runtime.providerPolicy())
        do {
            let forecast = try await planner.backfill(row.number, kind, from: from, until: until)
            await http.shutdown()
            return forecast
        } catch {
            await http.shutdown()
            throw error
        }
    }
}

extension BackfillForecast {
    /// The forecast as a person reads it.
    var sentence: String {
        "About \(recordCalls) calls to Salesforce and \(contactCalls) to ActiveCampaign, "
            + "\(ShortDuration.text(Double(60 * minutes))) at the importer's pace."
    }
}

/// A back-fill or re-evaluation as it is printed.
struct SweepReport: Encodable {
    let kind: String
    let object: String
    let state: String
    let from: Date?
    let until: Date?
    /// Salesforce fields a re-evaluation looks at.
    let fields: [String]
    let seen: Int
    let total: Int?
    let written: Int
    let salesforceCalls: Int
    let activeCampaignCalls: Int
    /// Records a second since it began; nil before it did.
    let recordsPerSecond: Double?
    /// Seconds that are left at this pace.
    let secondsLeft: Int?
    /// Calls to Salesforce that are still to come.
    let salesforceCallsLeft: Int?
    let startedAt: Date?
    let finishedAt: Date?
    let lastError: String?

    init(_ row: SweepRow, now: Date) {
        kind = row.kind.name
        object = row.object.name
        let waits = row.state == .running && row.errorCode?.hasPrefix("budget_") ?? false
        state = waits ? "waiting for budget" : row.state.rawValue
        from = row.createdFrom
        until = row.createdUntil
        fields = row.fields
        seen = row.seen
        total = row.total
        written = row.written
        salesforceCalls = row.recordCalls
        activeCampaignCalls = row.contactCalls
        startedAt = row.startedAt
        finishedAt = row.finishedAt
        lastError = row.lastError
        let elapsed = row.startedAt.map { (row.finishedAt ?? now).timeIntervalSince($0) } ?? 0
        let rate = elapsed > 0 ? Double(row.seen) / elapsed : nil
        recordsPerSecond = rate.map { ($0 * 10).rounded() / 10 }
        let isOver = row.state == .done || row.state == .cancelled
        let left = isOver ? nil : row.total.map { max(0, $0 - row.seen) }
        secondsLeft = left.flatMap { left in rate.flatMap { $0 > 0 ? Int(Double(left) / $0) : nil } }
        salesforceCallsLeft = left.map { CallCosts.pages(of: $0) }
    }

    static func table(_ reports: [SweepReport]) -> String {
        var table = TextTable("KIND", "OBJECT", "STATE", "READ", "WRITTEN", "PER S", "LEFT", "SF CALLS", "LAST ERROR")
        for report in reports {
            table.add(
                report.kind, report.object, report.state,
                "\(report.seen)" + (report.total.map { " of \($0)" } ?? ""), String(report.written),
                report.recordsPerSecond.map { String($0) } ?? "-",
                report.secondsLeft.map { "\($0) s" } ?? "-",
                "\(report.salesforceCalls)" + (report.salesforceCallsLeft.map { " (+\($0))" } ?? ""),
                report.lastError ?? "")
        }
        return table.text
    }
}
