import Drivers
package import Foundation

/// A pipeline of deals.
package struct DealPipeline: Sendable, Hashable {
    package let id: Int64
    package let title: String

    /// Makes a pipeline.
    package init(id: Int64, title: String) {
        self.id = id
        self.title = title
    }
}

/// A stage of a pipeline.
package struct DealStage: Sendable, Hashable {
    package let id: Int64
    package let pipelineID: Int64
    package let title: String

    /// Makes a stage.
    package init(id: Int64, pipelineID: Int64, title: String) {
        self.id = id
        self.pipelineID = pipelineID
        self.title = title
    }
}

/// A day for a custom field of a deal.
package struct DealDay: Sendable, Hashable {
    package let fieldID: Int64
    /// `2026-11-24`.
    package let day: String

    /// Makes a day.
    package init(fieldID: Int64, day: String) {
        self.fieldID = fieldID
        self.day = day
    }
}

/// A deal to write; the amount is in cents.
package struct DealValues: Sendable, Hashable, CustomStringConvertible {
    package var title: String
    package var details: String
    package var contactID: Int64
    package var cents: Int64
    /// ISO code, lower case.
    package var currency: String
    package var stageID: Int64
    package var ownerID: Int64
    /// A day for the field of this number, where the account has one for it.
    package var closeDate: DealDay?

    /// Makes values.
    package init(
        title: String, details: String, contactID: Int64, cents: Int64, currency: String, stageID: Int64,
        ownerID: Int64, closeDate: DealDay? = nil
    ) {
        self.title = title
        self.details = details
        self.contactID = contactID
        self.cents = cents
        self.currency = currency
        self.stageID = stageID
        self.ownerID = ownerID
        self.closeDate = closeDate
    }

    package var description: String { "values of a deal" }
}

/// What became of a deal.
package enum DealWriteOutcome: Sendable, Hashable {
    case written(dealID: Int64)
    /// There is no such deal, or no such contact or stage, any more.
    case gone
    case refused(code: String, fields: [String])
}

extension ActiveCampaignClient {
    /// Pipelines and their stages.
    package func dealPipelines() async throws(ActiveCampaignError) -> [DealPipeline] {
        let rows: [TitledRow] = try await wholeList(.get(.dealPipelines, "dealGroups"), key: "dealGroups")
        return rows.compactMap { row in row.id.integer.map { DealPipeline(id: $0, title: row.title?.orEmpty ?? "") } }
    }

    /// All stages.
    package func dealStages() async throws(ActiveCampaignError) -> [DealStage] {
        let rows: [TitledRow] = try await wholeList(.get(.dealStages, "dealStages"), key: "dealStages")
        return rows.compactMap(\.stage)
    }

    /// Makes a pipeline; it comes with three stages of ActiveCampaign's.
    package func createDealPipeline(_ title: String, currency: String) async throws(ActiveCampaignError) -> DealPipeline
    {
        struct Body: Encodable {
            struct Group: Encodable { let title, currency: String }
            let dealGroup: Group
        }
        struct Answer: Decodable { let dealGroup: TitledRow }
        let call = try APICall.write(
            .dealPipelineCreate, .post, "dealGroups", Body(dealGroup: .init(title: title, currency: currency)),
            isRepeatable: false)
        return try await perform(call) { response in
            guard let id = try response.decoded(as: Answer.self).dealGroup.id.integer else { throw UnexpectedShape() }
            return DealPipeline(id: id, title: title)
        }
    }

    /// Makes a stage.
    package func createDealStage(_ title: String, in pipelineID: Int64) async throws(ActiveCampaignError) -> DealStage {
        struct Body: Encodable {
            struct Stage: Encodable { let title, group: String }
            let dealStage: Stage
        }
        struct Answer: Decodable { let dealStage: TitledRow }
        let call = try APICall.write(
            .dealStageCreate, .post, "dealStages", Body(dealStage: .init(title: title, group: String(pipelineID))),
            isRepeatable: false)
        return try await perform(call) { response in
            guard let id = try response.decoded(as: Answer.self).dealStage.id.integer else { throw UnexpectedShape() }
            return DealStage(id: id, pipelineID: pipelineID, title: title)
        }
    }

    /// Custom fields of deals by title, lower case, as far as they hold days.
    package func dealDateFields() async throws(ActiveCampaignError) -> [String: Int64] {
        let rows: [DealFieldRow] = try await wholeList(
            .get(.dealFields, "dealCustomFieldMeta"), key: "dealCustomFieldMeta")
        return Dictionary(
            rows.filter { $0.fieldType?.text == "date" }.compactMap { row in
                row.id.integer.map { ((row.fieldLabel?.orEmpty ?? "").lowercased(), $0) }
            }, uniquingKeysWith: { first, _ in first })
    }

    /// The deals made since an instant, with what their description says: how a deal is found whose creation was not
    /// answered, whatever its title is by now.
    package func deals(createdSince since: Date) async throws(ActiveCampaignError) -> [(id: Int64, details: String)] {
        let rows: [DealRow] = try await wholeList(
            .get(.deals, "deals", [("filters[created_after]", WireDate.text(since))]), key: "deals")
        return rows.compactMap { row in row.id.integer.map { ($0, row.description?.orEmpty ?? "") } }
    }

    /// Makes a deal. Not safe to repeat: deals have no external id.
    package func createDeal(_ values: DealValues) async throws(ActiveCampaignError) -> DealWriteOutcome {
        try await write(.dealCreate, .post, "deals", values, isRepeatable: false)
    }

    /// Writes a deal by its number.
    package func updateDeal(_ id: Int64, with values: DealValues) async throws(ActiveCampaignError) -> DealWriteOutcome
    {
        try await write(.dealUpdate, .put, "deals/\(id)", values, isRepeatable: true)
    }

    private func write(
        _ kind: ActiveCampaignCall.Kind, _ method: HTTPMethod, _ path: String, _ values: DealValues, isRepeatable: Bool
    ) async throws(ActiveCampaignError) -> DealWriteOutcome {
        struct Answer: Decodable { let deal: TitledRow }
        let call = try APICall.write(kind, method, path, DealBody(values), isRepeatable: isRepeatable)
        do {
            return try await perform(call) { response in
                guard let id = try response.decoded(as: Answer.self).deal.id.integer else { throw UnexpectedShape() }
                return .written(dealID: id)
            }
        } catch {
            guard case .permanent(let code, let fields) = error.verdict else { throw error }
            return code == "not_found" ? .gone : .refused(code: code, fields: fields)
        }
    }
}

// MARK: - The wire

private struct TitledRow: Decodable, Sendable {
    let id: LooseText
    let title: LooseText?
    let group: LooseText?

    var stage: DealStage? {
        guard let id = id.integer, let group = group?.integer else { return nil }
        return DealStage(id: id, pipelineID: group, title: title?.orEmpty ?? "")
    }
}

private struct DealFieldRow: Decodable, Sendable {
    let id: LooseText
    let fieldLabel: LooseText?
    let fieldType: LooseText?
}

private struct DealRow: Decodable, Sendable {
    let id: LooseText
    let description: LooseText?
}

private struct DealBody: Encodable {
    struct Field: Encodable {
        let customFieldId: Int64
        let fieldValue: String
    }

    struct Deal: Encodable {
        let title, description, contact, currency, stage, owner: String
        let value: Int64
        let fields: [Field]?
    }

    let deal: Deal

    init(_ values: DealValues) {
        deal = Deal(
            title: values.title, description: values.details, contact: String(values.contactID),
            currency: values.currency, stage: String(values.stageID), owner: String(values.ownerID),
            value: values.cents,
            fields: values.closeDate.map { [Field(customFieldId: $0.fieldID, fieldValue: $0.day)] })
    }
}
