/// A JSON value as it travels: member order kept, whole numbers apart from fractions.
///
/// Written here rather than taken from a library so that a simulated provider can tell `1` from `true`, keep the order
/// of members, and read a megabyte in milliseconds.
package enum WireJSON: Sendable, Equatable {
    case null
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case array([WireJSON])
    case object(WireObject)

    /// The member of an object; `nil` for anything else or when it is absent.
    package subscript(_ name: String) -> WireJSON? {
        if case .object(let object) = self { object[name] } else { nil }
    }

    /// The element of an array; `nil` for anything else or out of bounds.
    package subscript(_ index: Int) -> WireJSON? {
        if case .array(let items) = self, items.indices.contains(index) { items[index] } else { nil }
    }

    /// The text of a string value.
    package var stringValue: String? { if case .string(let text) = self { text } else { nil } }

    /// The whole number of an `int`.
    package var intValue: Int? { if case .int(let number) = self { number } else { nil } }

    /// The number of an `int` or `double`.
    package var doubleValue: Double? {
        switch self {
        case .int(let number): Double(number)
        case .double(let number): number
        default: nil
        }
    }

    /// The truth value of a `bool`.
    package var boolValue: Bool? { if case .bool(let truth) = self { truth } else { nil } }

    /// The elements of an array.
    package var arrayValue: [WireJSON]? { if case .array(let items) = self { items } else { nil } }

    /// The members of an object.
    package var objectValue: WireObject? { if case .object(let object) = self { object } else { nil } }

    /// Whether the value is `null`.
    package var isNull: Bool { self == .null }
}

/// The members of a JSON object, in the order they were written.
package struct WireObject: Sendable, Equatable {
    /// Name and value of each member; a repeated name keeps both, and look-up finds the last.
    package var members: [(name: String, value: WireJSON)]

    /// An object of the given members.
    package init(_ members: [(name: String, value: WireJSON)] = []) {
        self.members = members
    }

    /// The last member of that name; setting replaces it or adds one, setting `nil` removes it.
    package subscript(_ name: String) -> WireJSON? {
        get { members.last { $0.name == name }?.value }
        set {
            if let index = members.lastIndex(where: { $0.name == name }) {
                if let newValue { members[index].value = newValue } else { members.remove(at: index) }
            } else if let newValue {
                members.append((name, newValue))
            }
        }
    }

    /// Equal when names and values agree in the same order.
    package static func == (left: WireObject, right: WireObject) -> Bool {
        left.members.elementsEqual(right.members) { $0.name == $1.name && $0.value == $1.value }
    }
}

extension WireJSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// A string value.
    package init(stringLiteral value: String) { self = .string(value) }
    /// A whole number.
    package init(integerLiteral value: Int) { self = .int(value) }
    /// A truth value.
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A number with a fraction.
    package init(floatLiteral value: Double) { self = .double(value) }
    /// An array.
    package init(arrayLiteral elements: WireJSON...) { self = .array(elements) }
    /// An object, members in the order written.
    package init(dictionaryLiteral elements: (String, WireJSON)...) {
        self = .object(WireObject(elements.map { ($0.0, $0.1) }))
    }
}
