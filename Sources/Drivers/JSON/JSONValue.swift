/// A JSON text in memory. Numbers keep the text they were sent as, so no digit of an amount is lost.
package enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    /// The number as written: `12.50` stays `12.50`.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// A whole number.
    package static func int(_ value: Int) -> JSONValue { .number(String(value)) }

    /// An object from its members in order.
    package static func members(_ members: (String, JSONValue)...) -> JSONValue {
        .object(JSONObject(members.map { JSONObject.Member(name: $0.0, value: $0.1) }))
    }

    /// The member of that name; nil when this is no object or has none.
    package subscript(_ name: String) -> JSONValue? {
        if case .object(let object) = self { return object[name] }
        return nil
    }

    /// The elements; nil when this is no array.
    package var array: [JSONValue]? {
        if case .array(let elements) = self { return elements }
        return nil
    }

    /// The object; nil when this is none.
    package var object: JSONObject? {
        if case .object(let object) = self { return object }
        return nil
    }

    /// The text of a string; nil for everything else.
    package var string: String? {
        if case .string(let text) = self { return text }
        return nil
    }

    /// The truth value; nil for everything else.
    package var bool: Bool? {
        if case .bool(let value) = self { return value }
        return nil
    }

    /// A whole number, written as a number or, as some servers do, as a string.
    package var int: Int? {
        switch self {
        case .number(let text), .string(let text): return Int(text)
        default: return nil
        }
    }

    /// A scalar as text, whichever way it was written; nil for null, arrays and objects.
    package var text: String? {
        switch self {
        case .string(let text), .number(let text): return text
        case .bool(let value): return value ? "true" : "false"
        case .null, .array, .object: return nil
        }
    }
}

/// The members of a JSON object, in the order sent. Look-up is linear: objects on the wire are small.
package struct JSONObject: Sendable, Hashable {
    /// One name with its value.
    package struct Member: Sendable, Hashable {
        /// The name.
        package var name: String
        /// The value.
        package var value: JSONValue

        /// Makes a member.
        package init(name: String, value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    /// All members, repeats kept.
    package var members: [Member]

    /// Makes an object.
    package init(_ members: [Member] = []) {
        self.members = members
    }

    /// The first member of that name.
    package subscript(_ name: String) -> JSONValue? {
        members.first { $0.name == name }?.value
    }

    /// Adds a member at the end, without looking for another of that name.
    package mutating func append(_ name: String, _ value: JSONValue) {
        members.append(Member(name: name, value: value))
    }
}

/// Why a text is not JSON. Holds no part of the text.
package struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong.
    package enum Code: String, Sendable {
        /// The text ends inside a value: it was cut short.
        case truncated
        /// A byte that cannot stand where it stands.
        case unexpectedByte
        /// Nested deeper than `JSONLimits.depth`.
        case tooDeep
    }

    /// What is wrong.
    package let code: Code
    /// Bytes from the start.
    package let offset: Int

    package var description: String { "json \(code.rawValue) at byte \(offset)" }
}

/// Every bound of the JSON reader.
package enum JSONLimits {
    /// Arrays and objects inside each other.
    package static let depth = 64
    /// Member names remembered while a text is read, so that a name repeated per record is made once.
    static let rememberedNames = 256
}
