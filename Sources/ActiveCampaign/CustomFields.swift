import Drivers
import Foundation

/// A custom field of contacts.
package struct CustomField: Sendable, Hashable {
    /// Types of fields (reference 4).
    package enum Kind: Sendable, Hashable {
        case text, textarea, date, datetime, dropdown, listbox, radio, checkbox, hidden, number, currency
        /// A type that isn't known here.
        case other(String)

        /// Whether a value is a list between `||`.
        package var holdsSeveral: Bool { self == .listbox || self == .checkbox }
    }

    /// One choice of a dropdown, listbox, radio or checkbox.
    package struct Option: Sendable, Hashable {
        /// What values hold.
        package let value: String
        /// What people see.
        package let label: String

        /// Makes an option.
        package init(value: String, label: String) {
            self.value = value
            self.label = label
        }
    }

    /// The field's number, which values are written by.
    package let id: Int64
    /// The personalisation tag: its name for people and mappings, upper case, without percent signs.
    package let perstag: String
    /// Its title.
    package let title: String
    /// Its type.
    package let kind: Kind
    /// Its choices in their order, empty for types without.
    package let options: [Option]

    /// Makes a field.
    package init(id: Int64, perstag: String, title: String, kind: Kind, options: [Option] = []) {
        self.id = id
        self.perstag = perstag
        self.title = title
        self.kind = kind
        self.options = options
    }
}

extension CustomField.Kind {
    /// A type by its name on the wire.
    package init(_ name: String) {
        let known: [String: Self] = [
            "text": .text, "textarea": .textarea, "date": .date, "datetime": .datetime, "dropdown": .dropdown,
            "listbox": .listbox, "radio": .radio, "checkbox": .checkbox, "hidden": .hidden, "number": .number,
            "currency": .currency,
        ]
        self = known[name.lowercased()] ?? .other(name)
    }
}

extension ActiveCampaignClient {
    /// All custom fields of contacts with their choices.
    package func fields() async throws(ActiveCampaignError) -> [CustomField] {
        try await wholeLists(.get(.fields, "fields"), key: "fields") { (page: ListPage<FieldRow>) in
            let options = try JSONDecoder().decode(FieldOptions.self, from: page.body).byField
            return page.rows.compactMap { row in
                guard let id = row.id.integer, let perstag = row.perstag?.text, !perstag.isEmpty else { return nil }
                return CustomField(
                    id: id, perstag: perstag, title: row.title?.orEmpty ?? "", kind: .init(row.type?.orEmpty ?? ""),
                    options: options[id] ?? [])
            }
        }
    }
}

private struct FieldRow: Decodable {
    let id: LooseText
    let perstag: LooseText?
    let title: LooseText?
    let type: LooseText?
}

private struct FieldOptions: Decodable {
    struct Row: Decodable {
        let id: LooseText?
        let field: LooseText?
        let orderid: LooseText?
        let value: LooseText?
        let label: LooseText?
    }

    let fieldOptions: LooseList<Row>?

    var byField: [Int64: [CustomField.Option]] {
        Dictionary(grouping: fieldOptions?.elements ?? []) { $0.field?.integer ?? 0 }.mapValues { rows in
            rows.sorted {
                ($0.orderid?.integer ?? 0, $0.id?.integer ?? 0) < ($1.orderid?.integer ?? 0, $1.id?.integer ?? 0)
            }
            .map { row in
                CustomField.Option(
                    value: row.value?.orEmpty ?? "", label: row.label?.text ?? row.value?.orEmpty ?? "")
            }
        }
    }
}
