/// One stored value of a record.
package enum FieldValue: Sendable, Hashable {
    /// Nothing.
    case null
    /// Text, picklist value, or an 18-character record id.
    case text(String)
    /// A number of any numeric type.
    case number(Double)
    /// A checkbox.
    case bool(Bool)
    /// Days since 1970-01-01; a date is never an instant.
    case date(Int)
    /// Seconds since 1970; the platform keeps no fraction.
    case dateTime(Int)

    /// The text of a `text` value.
    package var text: String? { if case .text(let text) = self { text } else { nil } }
    /// The number of a `number` value.
    package var number: Double? { if case .number(let number) = self { number } else { nil } }
    /// The truth of a `bool` value.
    package var bool: Bool? { if case .bool(let truth) = self { truth } else { nil } }
    /// Whether there is no value.
    package var isNull: Bool { self == .null }

    /// The value as JSON shows it in a field of this type.
    func json(_ type: FieldType) -> WireJSON {
        switch self {
        case .null: .null
        case .text(let text): .string(text)
        case .number(let number): type == .int ? .int(Int(number)) : .double(number)
        case .bool(let truth): .bool(truth)
        case .date(let day): .string(Timestamp.date(day))
        case .dateTime(let seconds): .string(Timestamp.json(seconds))
        }
    }
}

extension FieldValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByNilLiteral
{
    /// Text.
    package init(stringLiteral value: String) { self = .text(value) }
    /// A number.
    package init(integerLiteral value: Int) { self = .number(Double(value)) }
    /// A number.
    package init(floatLiteral value: Double) { self = .number(value) }
    /// A checkbox.
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    /// Nothing.
    package init(nilLiteral: ()) { self = .null }
}
