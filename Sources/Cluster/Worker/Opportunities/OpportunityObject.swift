import ActiveCampaign
import Foundation
import SyncRules

/// Opportunities as records of a custom object on the contact; external id is the opportunity's id (R76, T17).
struct OpportunityObject: OpportunityTargetWriter {
    let session: TenantSession

    /// Name of the custom object in ActiveCampaign.
    static let slug = "salesforce-opportunity"
    static let relation = "primary-contact"
    /// Our fields by id. An existing object keeps its other fields.
    static let fields: [ObjectSchema.Field] = [
        .init(id: "name", type: "text", label: "Opportunity Name"),
        .init(id: "amount", type: "number", label: "Amount"),
        .init(id: "stage", type: "text", label: "Stage Name"),
        .init(id: "close-date", type: "date", label: "Expected Close Date"),
        .init(id: "currency", type: "text", label: "Currency"),
    ]

    func write(
        _ values: OpportunityValues, recordID: String, contactID: Int64, targetID: String?, attemptedAt: Date?
    ) async throws -> OpportunityOutcome {
        for _ in 0..<2 {
            let schemaID = try await session.activeCampaign.opportunityPlans.id(of: Self.slug) { try await schema() }
            let outcome = try await session.activeCampaign.calling { () async throws(ActiveCampaignError) in
                try await session.activeCampaign.client.upsertRecord(
                    schemaID: schemaID, externalID: recordID, fields: Self.wire(values), relation: Self.relation,
                    contactID: contactID)
            }
            switch outcome {
            case .written(let id): return .written(targetID: id)
            case .refused(let code): return .refused(code: code)
            case .schemaGone: session.activeCampaign.opportunityPlans.forget(Self.slug)
            }
        }
        return .refused(code: "custom_object_gone")
    }

    private static func wire(_ values: OpportunityValues) -> [(id: String, value: ObjectFieldValue)] {
        func text(_ text: String?) -> ObjectFieldValue { text.map(ObjectFieldValue.text) ?? .empty }
        let amount = values.amount.flatMap { Decimal(string: $0) }.map(ObjectFieldValue.number) ?? .empty
        return [
            ("name", .text(values.name)), ("amount", amount), ("stage", .text(values.stage)),
            ("close-date", text(values.closeDate)), ("currency", text(values.currency)),
        ]
    }

    // MARK: - The plan

    /// The plan's id; made when the account has none, checked when it has one.
    private func schema() async throws -> String {
        let client = session.activeCampaign.client
        let found = try await session.activeCampaign.calling { () async throws(ActiveCampaignError) in
            try await client.objectSchema(slug: Self.slug)
        }
        if let found { return try Self.checked(found) }
        let made = try await session.activeCampaign.calling { () async throws(ActiveCampaignError) in
            try await client.createObjectSchema(
                ObjectSchema(
                    slug: Self.slug, singular: "Salesforce Opportunity", plural: "Salesforce Opportunities",
                    fields: Self.fields, contactRelations: [Self.relation]))
        }
        return try Self.checked(made)
    }

    /// A plan that lacks a field would refuse every record: said once, with what to do.
    static func checked(_ schema: ObjectSchema) throws -> String {
        let lacking = fields.filter { field in !schema.fields.contains { $0.id == field.id && $0.type == field.type } }
        guard lacking.isEmpty, schema.contactRelations.contains(relation), let id = schema.id else {
            let names = lacking.map { "\($0.id) (\($0.type))" }
            let missing = names + (schema.contactRelations.contains(relation) ? [] : ["the relation \(relation)"])
            throw StreamTrouble(
                kind: .needsHuman, code: "custom_object_unfit",
                message: "ActiveCampaign's custom object \(slug) lacks \(missing.joined(separator: ", ")); add what is "
                    + "missing, or delete the object and it is made anew.")
        }
        return id
    }
}
