/// What a mapped field holds, in the one form both sides are compared in (T26): a field that was not delivered, one
/// that is blank, and one that is set are three different things.
package enum FieldValue: Sendable, Hashable {
    /// Not delivered; never written, never compared.
    case absent
    /// Blank: null, "", "||" and false checkboxes on the ActiveCampaign side.
    case empty
    /// Text, trimmed and with unix line ends; e-mail addresses in lower case (T32).
    case text(String)
    case checkbox(Bool)
    /// A decimal number without superfluous zeros, `-12.5`.
    case number(String)
    /// A calendar day `YYYY-MM-DD`; never an instant (T9).
    case date(String)
    /// Options of a multi-select, sorted, without repeats (R67).
    case options([String])
    /// Set to something the mapping's type can't hold: compared, so that it is reported once, and never written (R64).
    case unreadable(String)

    /// Whether a write of this value would clear the target.
    package var isBlank: Bool { self == .empty || self == .checkbox(false) }

    /// Whether the value does not fit its mapping.
    package var isUnreadable: Bool {
        if case .unreadable = self { true } else { false }
    }
}

/// The mapped fields of one record, in canonical form.
package struct Projection: Sendable, Hashable {
    /// Canonical values by Salesforce field name.
    package var values: [String: FieldValue]

    /// Makes a projection.
    package init(values: [String: FieldValue] = [:]) { self.values = values }

    /// Fields that could not be read as the mapping's type, by Salesforce field name (R64, D6).
    package var unreadable: Set<String> { Set(values.filter { $0.value.isUnreadable }.keys) }

    /// The value of a field; `absent` when the projection does not have it.
    package subscript(field: String) -> FieldValue { values[field] ?? .absent }
}
