/// Reads values into fields as the platform checks them in step 2 of a save: type, length, format, picklist, reference.
///
/// Source: reference sections 4, 10 and 13.1.
struct FieldReader {
    let field: FieldDefinition
    /// Whether `""` is a value of text fields.
    var keepsEmptyText = false
    /// Answers where an id leads: `nil` when it is of no record, and whether the record is live.
    let resolve: (String) -> (object: String, isLive: Bool)?

    /// The value a JSON member stands for.
    func read(_ json: WireJSON) throws(RecordError) -> FieldValue {
        switch json {
        case .null: return try check(.null)
        case .string(let text): return try check(try parse(text))
        case .bool(let truth):
            guard field.type == .boolean else {
                throw mismatch(truth ? "VALUE_TRUE value true" : "VALUE_FALSE value false")
            }
            return .bool(truth)
        case .int(let number):
            if field.type.isText { return try check(.text(String(number))) }
            guard field.type.isNumber else { throw mismatch("VALUE_NUMBER_INT value \(number)") }
            return try check(.number(Double(number)))
        case .double(let number):
            guard field.type.isNumber, field.type != .int || number.rounded() == number else {
                throw mismatch("VALUE_NUMBER_FLOAT value \(number)")
            }
            return try check(.number(number))
        case .array: throw mismatch("START_ARRAY value [")
        case .object: throw mismatch("START_OBJECT value {")
        }
    }

    /// Checks a value that already has the right type.
    func check(_ value: FieldValue) throws(RecordError) -> FieldValue {
        switch value {
        case .null:
            guard field.type != .boolean else {
                throw RecordError(
                    "INVALID_TYPE_ON_FIELD_IN_RECORD", "\(field.label): value not of required type: null",
                    fields: [field.name])
            }
            return .null
        case .text(let text):
            guard text.isEmpty else { return .text(try checked(text)) }
            return keepsEmptyText && (field.type == .string || field.type == .textarea) ? .text("") : .null
        case .number(let number): return .number(try checked(number))
        case .bool, .date, .dateTime: return value
        }
    }

    // MARK: - Parsing

    private func parse(_ text: String) throws(RecordError) -> FieldValue {
        if field.type.isText { return .text(text) }
        if text.isEmpty { return .null }
        switch field.type {
        case .boolean:
            guard let truth = Bool(text.lowercased()) else { throw mismatch("VALUE_STRING value \(text)") }
            return .bool(truth)
        case .date:
            guard let day = Timestamp.parseDate(text) else { throw mismatch("VALUE_STRING value \(text)") }
            return .date(day)
        case .datetime:
            guard let seconds = Timestamp.parseDateTime(text) else { throw mismatch("VALUE_STRING value \(text)") }
            return .dateTime(seconds)
        default:
            guard let number = Double(text), number.isFinite else { throw mismatch("VALUE_STRING value \(text)") }
            return .number(number)
        }
    }

    // MARK: - Checking

    private func checked(_ text: String) throws(RecordError) -> String {
        if let values = field.integrityValues {
            guard values.contains(text) else { throw AddressPicklists.refusal(field) }
            return text
        }
        switch field.type {
        case .reference: return try reference(text)
        case .picklist: return try picklistValue(text)
        default: break
        }
        if field.length > 0, text.utf16.count > field.length {
            throw RecordError(
                "STRING_TOO_LONG", "\(field.label): data value too large: \(text) (max length=\(field.length))",
                fields: [field.name])
        }
        if field.type == .email, !Self.isEmail(text) {
            throw RecordError(
                "INVALID_EMAIL_ADDRESS", "\(field.label): invalid email address: \(text)", fields: [field.name])
        }
        return text
    }

    private func picklistValue(_ text: String) throws(RecordError) -> String {
        if let known = field.picklistValues.first(where: { $0 == text }) { return known }
        if field.isRestrictedPicklist {
            throw RecordError(
                "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                "\(field.label): bad value for restricted picklist field: \(text)", fields: [field.name])
        }
        return text
    }

    private func reference(_ text: String) throws(RecordError) -> String {
        guard let id = RecordID.normalise(text) else {
            throw .malformedID(field.referenceTo ?? field.label, text, field: field.name)
        }
        guard let target = resolve(id) else {
            throw RecordError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", fields: [field.name])
        }
        if let expected = field.referenceTo, expected != target.object {
            throw .malformedID(expected, text, field: field.name)
        }
        guard target.isLive else {
            throw RecordError(
                "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
                "insufficient access rights on cross-reference id: \(text)", fields: [field.name])
        }
        return id
    }

    private func checked(_ number: Double) throws(RecordError) -> Double {
        let integerDigits = field.precision - field.scale
        if field.precision > 0, number.magnitude >= Self.powerOfTen(integerDigits) {
            throw RecordError(
                "NUMBER_OUTSIDE_VALID_RANGE",
                "\(field.label): value outside of valid range on numeric field: \(number)", fields: [field.name])
        }
        guard field.precision > 0 else { return number }
        let unit = Self.powerOfTen(field.scale)
        return (number * unit).rounded(.toNearestOrAwayFromZero) / unit
    }

    private static func powerOfTen(_ exponent: Int) -> Double {
        (0..<max(exponent, 0)).reduce(1) { power, _ in power * 10 }
    }

    private static func isEmail(_ text: String) -> Bool {
        // Byte by byte: looking at characters took a twentieth of a large write.
        let parts = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !text.utf8.contains(where: { $0 <= 0x20 }) else { return false }
        let labels = parts[1].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return labels.count >= 2 && labels.allSatisfy { !$0.isEmpty }
    }

    private func mismatch(_ token: String) -> RecordError {
        RecordError(
            "JSON_PARSER_ERROR", "Cannot deserialize instance of \(field.type.rawValue) from \(token)",
            fields: [field.name], failsRequest: true)
    }
}
