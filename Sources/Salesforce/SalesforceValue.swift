import Drivers

/// One field's value as Salesforce sends or takes it.
package enum SalesforceValue: Sendable, Hashable {
    /// Empty; sent, it clears the field.
    case null
    case bool(Bool)
    /// The number's text, exactly as sent: `100.50` keeps its cents.
    case number(String)
    /// Text, pick-list values, ids, dates (`2026-10-01`) and date-times (see `SalesforceTime`).
    case string(String)
    /// A parent (`Account` of `Account.Name`), or a compound such as an address.
    indirect case record(SalesforceRecord)

    /// The text; nil unless this is a string.
    package var string: String? {
        if case .string(let text) = self { return text }
        return nil
    }

    /// The truth value; nil unless this is one.
    package var bool: Bool? {
        if case .bool(let value) = self { return value }
        return nil
    }

    /// The parent; nil unless this is one.
    package var record: SalesforceRecord? {
        if case .record(let record) = self { return record }
        return nil
    }

    /// Reads a value; lists (child queries) are not supported and read as null.
    init(_ json: JSONValue) {
        switch json {
        case .null, .array: self = .null
        case .bool(let value): self = .bool(value)
        case .number(let text): self = .number(text)
        case .string(let text): self = .string(text)
        case .object(let object): self = .record(SalesforceRecord(object))
        }
    }

    /// The value as sent.
    var json: JSONValue {
        switch self {
        case .null: return .null
        case .bool(let value): return .bool(value)
        case .number(let text): return .number(text)
        case .string(let text): return .string(text)
        case .record(let record): return .object(record.fieldsObject)
        }
    }
}

/// One record: its type, its id and its fields in order.
package struct SalesforceRecord: Sendable, Hashable {
    /// One field.
    package struct Field: Sendable, Hashable {
        /// API name.
        package var name: String
        /// Value.
        package var value: SalesforceValue

        /// Makes a field.
        package init(_ name: String, _ value: SalesforceValue) {
            self.name = name
            self.value = value
        }
    }

    /// API name of the object, `Contact`; empty for compounds.
    package var type: String
    /// The record's id in its 18-character form; nil for one that is not created yet.
    package var id: String?
    /// The fields, without `Id`.
    package var fields: [Field]

    /// Makes a record to write.
    package init(type: String, id: String? = nil, fields: [Field] = []) {
        self.type = type
        self.id = id
        self.fields = fields
    }

    /// A field's value, or a parent's by a path such as `Account.Name`; nil when it was not asked for. A null
    /// parent makes every path through it null.
    package subscript(_ path: String) -> SalesforceValue? {
        if let value = fields.first(where: { $0.name == path })?.value { return value }
        if path == "Id" { return id.map { .string($0) } }
        guard let dot = path.firstIndex(of: ".") else { return nil }
        switch fields.first(where: { $0.name == path[..<dot] })?.value {
        case .record(let parent)?: return parent[String(path[path.index(after: dot)...])]
        case .null?: return .null
        default: return nil
        }
    }

    /// Sets a field, replacing one of that name.
    package mutating func set(_ name: String, _ value: SalesforceValue) {
        if let index = fields.firstIndex(where: { $0.name == name }) {
            fields[index].value = value
        } else {
            fields.append(Field(name, value))
        }
    }

    /// Reads a record of a query or a retrieve.
    init(_ object: JSONObject) {
        type = ""
        fields = []
        fields.reserveCapacity(object.members.count)
        for member in object.members {
            switch member.name {
            case "attributes": type = member.value["type"]?.string ?? ""
            case "Id", "id": id = member.value.string.map(Self.longForm)
            default: fields.append(Field(member.name, SalesforceValue(member.value)))
            }
        }
    }

    /// REST answers with 18 characters; only the short form needs work, and there are thousands a page.
    private static func longForm(_ id: String) -> String {
        id.utf8.count == 18 ? id : SalesforceID.normalise(id) ?? id
    }

    /// The fields alone, as in a reference to a parent by its external id.
    var fieldsObject: JSONObject {
        JSONObject(fields.map { JSONObject.Member(name: $0.name, value: $0.value.json) })
    }

    /// The record as an element of a collections request.
    /// - Parameter withID: false for upserts, whose key is a field.
    func write(to writer: inout JSONWriter, withID: Bool) {
        writer.raw("{\"attributes\":{\"type\":")
        writer.string(type)
        writer.raw("}")
        if withID, let id {
            writer.raw(",\"id\":")
            writer.string(id)
        }
        for field in fields {
            writer.raw(",")
            writer.string(field.name)
            writer.raw(":")
            writer.value(field.value.json)
        }
        writer.raw("}")
    }
}
