import Foundation

/// A value that can't be read as its mapping's type: the field is dropped from the write and reported, the record's
/// other fields go on (R64, D6).
struct UnreadableValue: Error {}

/// Reading and writing one field of a pair, both ways, through the canonical form (R65, R67, T9, T26).
extension FieldMapping {
    // MARK: - Salesforce

    /// The canonical form of what Salesforce holds.
    /// - Throws: `UnreadableValue` when the wire value does not fit the mapping's type.
    func canonical(salesforce value: SalesforceFieldValue) throws(UnreadableValue) -> FieldValue {
        switch (salesforceType, value) {
        case (.checkbox, .null), (.formulaCheckbox, .null): return .checkbox(false)
        case (_, .null): return .empty
        case (.checkbox, .bool(let on)), (.formulaCheckbox, .bool(let on)): return .checkbox(on)
        case (.formula, .bool(let on)): return .text(on ? "true" : "false")
        case (.number, .number(let digits)), (.currency, .number(let digits)), (.percent, .number(let digits)):
            return try .number(Self.canonicalNumber(digits))
        case (.formula, .number(let digits)): return try .text(Self.canonicalNumber(digits))
        case (.date, .string(let text)): return try .date(Self.canonicalDay(text))
        case (.multipicklist, .string(let text)): return Self.canonicalOptions(text.split(separator: ";"))
        case (.email, .string(let text)): return Self.canonicalText(text.lowercased())
        case (.text, .string(let text)) where activeCampaignType == .date:
            return text.trimmed.isEmpty ? .empty : try .date(Self.canonicalDay(text))
        case (.checkbox, _), (.formulaCheckbox, _), (.number, _), (.currency, _), (.percent, _), (.date, _):
            throw UnreadableValue()
        case (_, .string(let text)): return Self.canonicalText(text)
        case (_, .number), (_, .bool): throw UnreadableValue()
        }
    }

    /// What to send to Salesforce for a canonical value; nil for `absent`, which is left out of the write.
    func salesforceValue(of value: FieldValue) -> SalesforceFieldValue? {
        switch value {
        case .absent: nil
        case .empty: .null
        case .text(let text): .string(text)
        case .checkbox(let on): .bool(on)
        case .number(let digits): .number(digits)
        case .date(let day): .string(day)
        case .options(let options): .string(options.joined(separator: ";"))
        }
    }

    // MARK: - ActiveCampaign

    /// The canonical form of what ActiveCampaign holds; nil and "" are both blank.
    /// - Throws: `UnreadableValue` when the text does not fit the mapping's Salesforce type.
    func canonical(activeCampaign value: String?) throws(UnreadableValue) -> FieldValue {
        let text = value ?? ""
        if salesforceType == .checkbox || salesforceType == .formulaCheckbox {
            return try .checkbox(Self.isChecked(text))
        }
        if activeCampaignType == .listbox || activeCampaignType == .checkbox {
            return Self.canonicalOptions(text.split(separator: "|"))
        }
        let trimmed = text.trimmed
        guard !trimmed.isEmpty, trimmed != "||" else { return .empty }
        switch salesforceType {
        case .number, .currency, .percent: return try .number(Self.canonicalNumber(trimmed))
        case .date: return try Self.optionalDay(trimmed)
        case .text where activeCampaignType == .date: return try Self.optionalDay(trimmed)
        case .email: return Self.canonicalText(trimmed.lowercased())
        default: return Self.canonicalText(trimmed)
        }
    }

    /// The text ActiveCampaign stores for a canonical value; nil for `absent`, which is left out of the write.
    func activeCampaignValue(of value: FieldValue) -> String? {
        switch value {
        case .absent: nil
        case .empty: ""
        case .text(let text): text
        // Only the option `true`, in lower case, ticks the box (R65).
        case .checkbox(let on): on ? "||true||" : ""
        case .number(let digits): digits
        case .date(let day): day
        case .options(let options): options.isEmpty ? "" : "||" + options.joined(separator: "||") + "||"
        }
    }

    // MARK: - Canonical forms

    private static func canonicalText(_ text: String) -> FieldValue {
        let unix = text.replacing("\r\n", with: "\n").trimmed
        return unix.isEmpty ? .empty : .text(unix.precomposedStringWithCanonicalMapping)
    }

    private static func canonicalOptions(_ parts: [Substring]) -> FieldValue {
        let options = Set(parts.map(\.trimmed)).subtracting([""]).sorted()
        return options.isEmpty ? .empty : .options(options)
    }

    private static func isChecked(_ text: String) throws(UnreadableValue) -> Bool {
        switch text.split(separator: "|").map(\.trimmed).filter({ !$0.isEmpty }) {
        case []: return false
        case ["true"]: return true
        case ["false"], ["0"]: return false
        default: throw UnreadableValue()
        }
    }

    /// Decimal digits without exponent, sign of zero, or superfluous zeros.
    static func canonicalNumber(_ text: String) throws(UnreadableValue) -> String {
        let digits = text.trimmed
        let allowed = Set("+-.0123456789eE")
        guard digits.contains(where: \.isNumber), digits.allSatisfy(allowed.contains), digits.utf8.count <= 60,
            let number = Decimal(string: digits, locale: Locale(identifier: "en_US_POSIX")), number.isFinite
        else { throw UnreadableValue() }
        return number.isZero ? "0" : number.description
    }

    /// A day ActiveCampaign may also spell as one of its blanks (activecampaign-api 1.7).
    private static func optionalDay(_ text: String) throws(UnreadableValue) -> FieldValue {
        text.hasPrefix("0000-00-00") ? .empty : try .date(canonicalDay(text))
    }

    /// `YYYY-MM-DD`, the date part of longer forms; never shifted by a time zone (T9).
    static func canonicalDay(_ text: String) throws(UnreadableValue) -> String {
        let day = text.trimmed.prefix(10)
        let parts = day.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].count == 4, parts[1].count == 2, parts[2].count == 2,
            parts.allSatisfy({ $0.allSatisfy { $0.isASCII && $0.isNumber } }),
            let year = Int(parts[0]), let month = Int(parts[1]), let number = Int(parts[2]),
            year >= 1, (1...12).contains(month), (1...daysInMonth(month, of: year)).contains(number)
        else { throw UnreadableValue() }
        return String(day)
    }

    private static func daysInMonth(_ month: Int, of year: Int) -> Int {
        let isLeap = (year.isMultiple(of: 4) && !year.isMultiple(of: 100)) || year.isMultiple(of: 400)
        return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    }
}

extension Decimal {
    fileprivate var isFinite: Bool { !isNaN && !isInfinite }
}
