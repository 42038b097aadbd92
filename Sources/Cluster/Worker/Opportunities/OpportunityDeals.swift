import ActiveCampaign
import Foundation
import SyncRules

/// Opportunities as deals in a pipeline of ours, whose stages have Salesforce's names (R76, R78).
///
/// A deal has no external id: our rows hold its number, and its description the opportunity's id, by which it is found
/// when the answer to its creation was lost (T17).
struct OpportunityDeals: OpportunityTargetWriter {
    let session: TenantSession

    /// Title of the pipeline.
    static let pipeline = "Salesforce Opportunities"
    /// Title of the date field that holds the close date, where the account has one; a deal has no such key of its own.
    static let closeDateField = "forecasted close date"

    private var client: ActiveCampaignClient { session.activeCampaign.client }
    private var plans: TextCache { session.activeCampaign.opportunityPlans }

    static func details(_ recordID: String) -> String { "Salesforce opportunity \(recordID)" }

    func write(
        _ values: OpportunityValues, recordID: String, contactID: Int64, targetID: String?, attemptedAt: Date?
    ) async throws -> OpportunityOutcome {
        let deal = try await deal(of: values, recordID: recordID, contactID: contactID)
        var known = targetID.flatMap { Int64($0) }
        if known == nil, let attemptedAt { known = try await find(deal, since: attemptedAt) }
        if let known {
            switch try await calling({ () async throws(ActiveCampaignError) in
                try await client.updateDeal(known, with: deal)
            }) {
            case .written(let id): return .written(targetID: String(id))
            case .refused(let code, _): return .refused(code: code)
            case .gone: forgetStages()
            }
        }
        switch try await calling({ () async throws(ActiveCampaignError) in try await client.createDeal(deal) }) {
        case .written(let id): return .written(targetID: String(id))
        case .refused(let code, _): return .refused(code: code)
        case .gone:
            forgetStages()
            return .refused(code: "contact_or_stage_gone")
        }
    }

    /// - Parameter since: by our clock; ActiveCampaign's may be behind it.
    private func find(_ deal: DealValues, since: Date) async throws -> Int64? {
        let margin = since.addingTimeInterval(-ClusterLimits.dealSearchMargin)
        return try await calling { () async throws(ActiveCampaignError) in try await client.deals(createdSince: margin)
        }
        .first { $0.details == deal.details }?.id
    }

    private func deal(of values: OpportunityValues, recordID: String, contactID: Int64) async throws -> DealValues {
        let owner = try await number("owner") {
            try await calling { () async throws(ActiveCampaignError) in try await client.user().id }
        }
        let field = try await number("close-date") {
            try await calling { () async throws(ActiveCampaignError) in try await client.dealDateFields() }[
                Self.closeDateField] ?? 0
        }
        return DealValues(
            title: values.name, details: Self.details(recordID), contactID: contactID,
            cents: OpportunityRules.cents(values.amount), currency: values.currency?.lowercased() ?? "usd",
            stageID: try await stage(values.stage), ownerID: owner,
            closeDate: field > 0 ? values.closeDate.map { DealDay(fieldID: field, day: $0) } : nil)
    }

    // MARK: - Pipeline and stages

    /// The stage of a name, made when there is none; beyond the bound the pipeline's first stage takes them.
    private func stage(_ title: String) async throws -> Int64 {
        let pipeline = try await number("pipeline") { try await makePipeline() }
        return try await number("stage " + title.lowercased()) {
            let stages = try await calling { () async throws(ActiveCampaignError) in try await client.dealStages() }
                .filter { $0.pipelineID == pipeline }
            if let known = stages.first(where: { $0.title.lowercased() == title.lowercased() }) { return known.id }
            if let first = stages.first, title.isEmpty || stages.count >= ClusterLimits.dealStages { return first.id }
            return try await calling { () async throws(ActiveCampaignError) in
                try await client.createDealStage(title, in: pipeline).id
            }
        }
    }

    private func makePipeline() async throws -> Int64 {
        try await calling { () async throws(ActiveCampaignError) in
            if let known = try await client.dealPipelines().first(where: { $0.title == Self.pipeline }) {
                return known.id
            }
            return try await client.createDealPipeline(Self.pipeline, currency: "usd").id
        }
    }

    private func forgetStages() { plans.forgetAll() }

    private func number(_ name: String, lookUp: () async throws -> Int64) async throws -> Int64 {
        let text = try await plans.id(of: "deal " + name) { String(try await lookUp()) }
        guard let number = Int64(text) else {
            throw StreamTrouble(kind: .bug, code: "bad_cache", message: "What was kept of the pipeline is no number.")
        }
        return number
    }

    private func calling<Value>(
        _ body: () async throws(ActiveCampaignError) -> Value
    ) async throws -> Value {
        try await session.activeCampaign.calling(body)
    }
}
