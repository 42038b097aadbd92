import Drivers
package import Foundation

/// A custom object's plan, as far as we need it (reference 7.3).
package struct ObjectSchema: Sendable, Hashable {
    /// A field of the plan.
    package struct Field: Sendable, Hashable {
        package let id: String
        /// `text`, `number`, `date`, ….
        package let type: String
        package let label: String

        /// Makes a field.
        package init(id: String, type: String, label: String) {
            self.id = id
            self.type = type
            self.label = label
        }
    }

    /// Nil before it was made.
    package var id: String?
    package var slug: String
    package var singular: String
    package var plural: String
    package var fields: [Field]
    /// Ids of its relations to contacts.
    package var contactRelations: [String]

    /// Makes a plan.
    package init(
        id: String? = nil, slug: String, singular: String, plural: String, fields: [Field],
        contactRelations: [String]
    ) {
        self.id = id
        self.slug = slug
        self.singular = singular
        self.plural = plural
        self.fields = fields
        self.contactRelations = contactRelations
    }
}

/// What became of a record of a custom object.
package enum ObjectWriteOutcome: Sendable, Hashable {
    /// Written; the record's id.
    case written(recordID: String)
    /// The plan is gone.
    case schemaGone
    /// The values were refused.
    case refused(code: String)
}

extension ActiveCampaignClient {
    /// The plan of a custom object; nil when the account has none of this slug.
    package func objectSchema(slug: String) async throws(ActiveCampaignError) -> ObjectSchema? {
        let rows: [SchemaRow] = try await wholeList(
            .get(.objectSchemas, "customObjects/schemas", [("showFields", "all")]), key: "schemas")
        return rows.first { $0.slug == slug }?.schema
    }

    /// Makes a custom object, related to contacts.
    /// - Returns: the plan with its id.
    /// - Throws: `permanent` with code `duplicate` or `field_invalid` when the slug is taken; `needsHuman` when the
    ///   account's plan has no custom objects.
    package func createObjectSchema(_ schema: ObjectSchema) async throws(ActiveCampaignError) -> ObjectSchema {
        struct Answer: Decodable { let schema: SchemaRow }
        let call = try APICall.write(.objectSchemaCreate, .post, "customObjects/schemas", SchemaBody(schema))
        return try await perform(call) { response in
            let made = try response.decoded(as: Answer.self).schema.schema
            guard made.id != nil else { throw UnexpectedShape() }
            return made
        }
    }

    /// Writes a record by its external id, made if there is none; safe to repeat (T17). All fields are sent: whether
    /// those left out would be kept is not documented.
    package func upsertRecord(
        schemaID: String, externalID: String, fields: [(id: String, value: ObjectFieldValue)], relation: String,
        contactID: Int64
    ) async throws(ActiveCampaignError) -> ObjectWriteOutcome {
        struct Answer: Decodable {
            struct Row: Decodable { let id: LooseText? }
            let record: Row
        }
        let body = RecordBody(
            record: .init(
                externalId: externalID, schemaId: schemaID, fields: fields.map { .init(id: $0.id, value: $0.value) },
                relationships: [relation: [contactID]]))
        let call = try APICall.write(.objectRecordUpsert, .post, "customObjects/records/\(schemaID)", body)
        do {
            return try await perform(call) { response in
                .written(recordID: try response.decoded(as: Answer.self).record.id?.text ?? externalID)
            }
        } catch {
            guard case .permanent(let code, _) = error.verdict else { throw error }
            return code == "not_found" ? .schemaGone : .refused(code: code)
        }
    }
}

/// A value of a custom object's field.
package enum ObjectFieldValue: Sendable, Hashable, Encodable {
    case text(String)
    case number(Decimal)
    case empty

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .number(let number): try container.encode(number)
        case .empty: try container.encodeNil()
        }
    }
}

// MARK: - The wire

private struct RecordBody: Encodable {
    struct Field: Encodable {
        let id: String
        let value: ObjectFieldValue
    }

    struct Record: Encodable {
        let externalId, schemaId: String
        let fields: [Field]
        let relationships: [String: [Int64]]
    }

    let record: Record
}

private struct SchemaBody: Encodable {
    struct Labels: Encodable { let singular, plural: String }

    struct Field: Encodable {
        let id, type: String
        let labels: Labels
        let required: Bool
        let scale: Int?
    }

    struct Relation: Encodable {
        let id: String
        let labels: Labels
        let namespace = "contacts"
        let hasMany = false
    }

    struct Schema: Encodable {
        let slug: String
        let labels: Labels
        let description: String
        let fields: [Field]
        let relationships: [Relation]
    }

    let schema: Schema

    init(_ plan: ObjectSchema) {
        schema = Schema(
            slug: plan.slug, labels: Labels(singular: plan.singular, plural: plan.plural), description: "",
            fields: plan.fields.map { field in
                Field(
                    id: field.id, type: field.type, labels: Labels(singular: field.label, plural: field.label),
                    required: false, scale: field.type == "number" ? 2 : nil)
            },
            relationships: plan.contactRelations.map {
                Relation(id: $0, labels: Labels(singular: "Primary Contact", plural: "Primary Contacts"))
            })
    }
}

private struct SchemaRow: Decodable, Sendable {
    struct Labels: Decodable, Sendable { let singular, plural: LooseText? }

    struct Field: Decodable, Sendable {
        let id: LooseText
        let type: LooseText?
        let labels: Labels?
        let status: LooseText?
    }

    struct Relation: Decodable, Sendable {
        let id: LooseText
        let namespace: LooseText?
    }

    let id: LooseText?
    let slug: String
    let labels: Labels?
    let fields: [Field]?
    let relationships: LooseList<Relation>?

    var schema: ObjectSchema {
        ObjectSchema(
            id: id?.text, slug: slug, singular: labels?.singular?.orEmpty ?? "", plural: labels?.plural?.orEmpty ?? "",
            // What is marked for deletion is there only until somebody sweeps.
            fields: (fields ?? []).filter { $0.status?.text != "marked_for_deletion" }.map {
                .init(id: $0.id.orEmpty, type: $0.type?.orEmpty ?? "", label: $0.labels?.singular?.orEmpty ?? "")
            },
            contactRelations: (relationships?.elements ?? []).filter { $0.namespace?.text == "contacts" }
                .map(\.id.orEmpty))
    }
}
