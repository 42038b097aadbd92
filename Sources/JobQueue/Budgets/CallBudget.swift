package import Foundation

/// Who is called. Raw values stand in scripts and, as sides, in PostgreSQL.
package enum CallProvider: Int, Hashable, Sendable, CaseIterable {
    case activeCampaign = 1
    case salesforce = 2

    /// The name in rows and commands.
    package var name: String { self == .activeCampaign ? "activecampaign" : "salesforce" }
    /// The name for people.
    package var title: String { self == .activeCampaign ? "ActiveCampaign" : "Salesforce" }
}

/// What a tenant's calls to one provider may come to.
package struct BudgetTerms: Hashable, Sendable {
    /// Calls in any 24 hours, `JobQueueLimits.dailyCalls`.
    package var dailyCalls: Int
    /// The use of the whole org, all integrations together, at which its jobs stop; nil: unbounded.
    package var orgCeiling: Int?

    /// Makes terms.
    package init(dailyCalls: Int, orgCeiling: Int? = nil) {
        self.dailyCalls = dailyCalls
        self.orgCeiling = orgCeiling
    }
}

/// What was spent before Redis knew of a budget, or before it lost it.
package struct PastCalls: Hashable, Sendable {
    /// Calls by the instant they are counted from; a late instant errs on the safe side.
    package var calls: [Date: Int]
    /// Calls more that may have been made and are known to nobody; the org's own figure gives them back.
    package var unknown: Int
    /// Time for which only `openShare` of what is left may be spent, unless the org's figure comes before; none: at once.
    package var learning: Duration
    /// Percent of what is left that may be spent while learning.
    package var openShare: Int

    /// A past that is wholly known, by default an empty one.
    package init(_ calls: [Date: Int] = [:]) {
        self.calls = calls
        unknown = 0
        learning = .zero
        openShare = 100
    }

    /// A past as PostgreSQL has it after Redis lost its own.
    package init(restoring calls: [Date: Int], unknown: Int) {
        self.calls = calls
        self.unknown = unknown
        learning = JobQueueLimits.budgetLearning
        openShare = JobQueueLimits.budgetOpenShare
    }
}

/// Calls reserved for a run when it was leased; it may ask for more.
package struct CallAllowance: Hashable, Sendable {
    /// Calls it may make before it asks; a provider without a budget is missing.
    package let granted: [CallProvider: Int]
    /// Percent of the allowance that was used before, of the provider where it is most.
    package let percentUsed: Int
    /// Calls of the whole org from which on its figure is wanted with the run's report: 0 from any; nil: it would change
    /// nothing, and a report without one is cheaper.
    package let figureFrom: Int?

    package init(granted: [CallProvider: Int], percentUsed: Int, figureFrom: Int? = 0) {
        self.granted = granted
        self.percentUsed = percentUsed
        self.figureFrom = figureFrom
    }

    /// How sparing the run has to be.
    package var step: BudgetStep { BudgetStep(percentUsed: percentUsed) }

    /// Whether an org's figure of so many calls is wanted.
    package func wantsFigure(of used: Int) -> Bool { figureFrom.map { used >= $0 } ?? false }
}

/// What a tenant still may do, by how much of its allowance is used.
package enum BudgetStep: String, Hashable, Sendable, CaseIterable, Comparable {
    /// Everything.
    case full
    /// From 60 %: no back-fills.
    case noBackfill = "no_backfill"
    /// From 75 %: no automatic retries, and pulls are stretched.
    case sparing
    /// From 90 %: only first-time creations and what people have changed.
    case urgentOnly = "urgent_only"
    /// All is used: everything waits.
    case spent

    package init(percentUsed: Int) {
        self = Self.allCases.last { $0.percent <= percentUsed } ?? .full
    }

    package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    /// Percent of the allowance from which on it holds.
    package var percent: Int {
        switch self {
        case .full: 0
        case .noBackfill: 60
        case .sparing: 75
        case .urgentOnly: 90
        case .spent: 100
        }
    }

    /// What it means, for people.
    package var sentence: String {
        switch self {
        case .full: "everything runs"
        case .noBackfill: "back-fills wait (60 % used)"
        case .sparing: "back-fills and automatic retries wait, pulls are stretched (75 % used)"
        case .urgentOnly: "only new records and what people change is synced (90 % used)"
        case .spent: "everything waits (all is used)"
        }
    }
}

/// One purse as it stands.
package struct BudgetReport: Hashable, Sendable {
    package var provider: CallProvider
    package var terms: BudgetTerms
    /// Calls of the last 24 hours, those included that dead workers may have made.
    package var spent: Int
    /// Calls that running jobs may still make.
    package var reserved: Int
    /// Part of `spent` that nobody saw: reserved by workers that died.
    package var unknown: Int
    /// While Redis's memory is restored: the most that may be spent until the org's figure proves more.
    package var provenLimit: Int?
    /// The org's own figure of all its calls in 24 hours.
    package var orgUse: Int?
    /// When that was asked for.
    package var orgUseAt: Date?
    /// Calls of ours that the figure may not hold.
    package var sinceOrgUse: Int
    /// When a job of each class may run; nil: now.
    package var resumes: [JobClass: Date]
    /// Calls that come back in the 1st, 2nd, … hour from now.
    package var returning: [Int]

    /// Makes a report.
    package init(
        provider: CallProvider, terms: BudgetTerms, spent: Int, reserved: Int, unknown: Int, provenLimit: Int? = nil,
        orgUse: Int? = nil, orgUseAt: Date? = nil, sinceOrgUse: Int, resumes: [JobClass: Date], returning: [Int]
    ) {
        self.provider = provider
        self.terms = terms
        self.spent = spent
        self.reserved = reserved
        self.unknown = unknown
        self.provenLimit = provenLimit
        self.orgUse = orgUse
        self.orgUseAt = orgUseAt
        self.sinceOrgUse = sinceOrgUse
        self.resumes = resumes
        self.returning = returning
    }

    /// Calls of the allowance that are left.
    package var left: Int { max(0, terms.dailyCalls - spent - reserved) }
    /// Calls of the org's that are not Ferry's, as far as its figure tells.
    package var othersUse: Int? { orgUse.map { max(0, $0 - max(0, spent - sinceOrgUse)) } }
    /// Percent of the allowance that is used.
    package var percentUsed: Int { 100 * (spent + reserved) / max(1, terms.dailyCalls) }
    /// What may still run.
    package var step: BudgetStep { BudgetStep(percentUsed: percentUsed) }
}
