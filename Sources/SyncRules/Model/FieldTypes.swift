/// The Salesforce field types of the compatibility table (R65), by the words config rows use.
package enum SalesforceFieldType: String, Sendable, CaseIterable, Hashable {
    case checkbox
    case currency
    case date
    case email
    case formula
    case formulaCheckbox = "formula_checkbox"
    case number
    case percent
    case picklist
    case multipicklist
    case phone
    case text
    case textarea
    case longTextarea = "long_textarea"
    case richTextarea = "rich_textarea"
    case encrypted
    case url

    /// Formula fields are computed by Salesforce: they flow to ActiveCampaign only (R66).
    package var isFormula: Bool { self == .formula || self == .formulaCheckbox }
}

/// The ActiveCampaign contact field types of the compatibility table (R65), by the words config rows use.
package enum ActiveCampaignFieldType: String, Sendable, CaseIterable, Hashable {
    case text
    case textarea
    case hidden
    case dropdown
    case listbox
    case checkbox
    case date
    case currency
}

extension SalesforceFieldType {
    /// The ActiveCampaign types this type may be mapped to; every other pair is refused when the row is written (R64, R65).
    package var compatibleTypes: Set<ActiveCampaignFieldType> {
        switch self {
        case .checkbox, .formulaCheckbox: [.checkbox]
        case .currency: [.currency, .text, .hidden]
        case .date: [.date]
        case .email, .number, .picklist, .url: [.text, .dropdown, .hidden]
        case .text: [.text, .dropdown, .hidden, .date]
        case .formula: [.text, .textarea, .hidden]
        case .percent, .phone, .encrypted: [.text, .hidden]
        case .multipicklist: [.listbox]
        case .textarea: [.text, .textarea, .hidden]
        case .longTextarea, .richTextarea: [.textarea, .hidden]
        }
    }
}
