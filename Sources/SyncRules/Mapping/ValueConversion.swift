import Foundation

/// Reading and writing one field of a pair, both ways, through the canonical form (R65, R67, T9, T26).
///
/// A value that does not fit the mapping's type becomes `unreadable`: the field is dropped from the write and reported,
/// the record's other fields go on (R64, D6).
extension FieldMapping {
    // MARK: - Salesforce

    /// The canonical form of what Salesforce holds.
    func canonical(salesforce value: SalesforceFieldValue) -> FieldValue {
        switch value {
        case .null: isCheckbox ? .checkbox(false) : .empty
        case .bool(let on): canonical(salesforceBool: on)
        case .number(let digits): canonical(salesforceNumber: digits)
        case .string(let text): canonical(salesforceText: text)
        }
    }

    private func canonical(salesforceBool on: Bool) -> FieldValue {
        switch salesforceType {
        case .checkbox, .formulaCheckbox: .checkbox(on)
        case .formula: .text(on ? "true" : "false")
        default: .unreadable(on ? "true" : "false")
        }
    }

    private func canonical(salesforceNumber digits: String) -> FieldValue {
        switch salesforceType {
        case .number, .currency, .percent: Self.number(digits)
        case .formula: CanonicalForm.number(digits).map(FieldValue.text) ?? .unreadable(digits)
        default: .unreadable(digits)
        }
    }

    private func canonical(salesforceText text: String) -> FieldValue {
        switch salesforceType {
        case .checkbox, .formulaCheckbox, .number, .currency, .percent: .unreadable(text)
        case .date: Self.day(text)
        case .text where activeCampaignType == .date: Self.day(text)
        case .multipicklist: Self.options(text.split(separator: ";"), raw: text)
        case .email: Self.canonicalText(text.lowercased())
        default: Self.canonicalText(text)
        }
    }

    /// What to send to Salesforce for a canonical value; nil for what is left out of a write.
    func salesforceValue(of value: FieldValue) -> SalesforceFieldValue? {
        switch value {
        case .absent, .unreadable: nil
        // A checkbox has no null in Salesforce.
        case .empty: isCheckbox ? .bool(false) : .null
        case .text(let text): .string(text)
        case .checkbox(let on): .bool(on)
        case .number(let digits): .number(digits)
        case .date(let day): .string(day)
        case .options(let options): .string(options.joined(separator: ";"))
        }
    }

    // MARK: - ActiveCampaign

    /// The canonical form of what ActiveCampaign holds; nil and "" are both blank.
    func canonical(activeCampaign value: String?) -> FieldValue {
        let text = value ?? ""
        if isCheckbox { return Self.checkbox(text) }
        if activeCampaignType == .listbox { return Self.options(text.split(separator: "||"), raw: text) }
        switch salesforceType {
        case .number, .currency, .percent: return text.trimmed.isEmpty ? .empty : Self.number(text)
        case .date: return Self.day(text)
        case .text where activeCampaignType == .date: return Self.day(text)
        case .email: return Self.address(text)
        default: return Self.canonicalText(text)
        }
    }

    /// The text ActiveCampaign stores for a canonical value; nil for what is left out of a write.
    func activeCampaignValue(of value: FieldValue) -> String? {
        switch value {
        case .absent, .unreadable: nil
        case .empty: ""
        case .text(let text): text
        // Only the option `true`, in lower case, ticks the box (R65).
        case .checkbox(let on): on ? "||true||" : ""
        case .number(let digits): digits
        case .date(let day): day
        case .options(let options): "||" + options.joined(separator: "||") + "||"
        }
    }

    // MARK: - Canonical forms

    private var isCheckbox: Bool { salesforceType == .checkbox || salesforceType == .formulaCheckbox }

    /// Trimmed, unix line ends, composed (NFC).
    static func canonicalText(_ text: String) -> FieldValue {
        if text.isPlain { return text.isEmpty ? .empty : .text(text) }
        let lines = text.replacing("\r\n", with: "\n").replacing("\r", with: "\n").trimmed
        return lines.isEmpty ? .empty : .text(lines.precomposedStringWithCanonicalMapping)
    }

    private static func number(_ text: String) -> FieldValue {
        CanonicalForm.number(text).map(FieldValue.number) ?? .unreadable(text)
    }

    private static func day(_ text: String) -> FieldValue {
        // ActiveCampaign spells some blanks as the day zero (activecampaign-api 1.7).
        if text.trimmed.isEmpty || text.trimmed.hasPrefix("0000-00-00") { return .empty }
        return CanonicalForm.day(text).map(FieldValue.date) ?? .unreadable(text)
    }

    /// Salesforce refuses a record for a malformed address in any of its e-mail fields.
    private static func address(_ text: String) -> FieldValue {
        if text.trimmed.isEmpty { return .empty }
        return EmailAddress(text).map { .text($0.normalized) } ?? .unreadable(text)
    }

    private static func checkbox(_ text: String) -> FieldValue {
        switch text.split(separator: "|").map(\.trimmed).filter({ !$0.isEmpty }) {
        case [], ["false"], ["0"]: .checkbox(false)
        case ["true"]: .checkbox(true)
        default: .unreadable(text)
        }
    }

    /// A set of options; unreadable when one of them holds a separator of either side, for it would come back as two.
    private static func options(_ parts: [Substring], raw: String) -> FieldValue {
        let options = Set(parts.map { $0.trimmed.precomposedStringWithCanonicalMapping }).subtracting([""])
        let isAmbiguous = options.contains { $0.contains(";") || $0.contains("|") }
        return isAmbiguous ? .unreadable(raw) : options.isEmpty ? .empty : .options(options.sorted())
    }
}
