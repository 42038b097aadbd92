import Foundation

/// A JSON value as ActiveCampaign takes and gives it. Members keep their order, numbers keep their kind, so that a
/// value echoed from a request leaves with the JSON type it came with.
enum CampaignJSON: Sendable, Equatable {
    case null
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case array([CampaignJSON])
    case object([Member])

    /// One member of an object.
    struct Member: Sendable, Equatable {
        var key: String
        var value: CampaignJSON
    }

    /// The first member of that name; nil for a missing member and for a value that is no object.
    subscript(key: String) -> CampaignJSON? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }

    /// The elements of an array, else nil.
    var elements: [CampaignJSON]? {
        if case .array(let elements) = self { return elements }
        return nil
    }

    /// The members of an object, else nil.
    var members: [Member]? {
        if case .object(let members) = self { return members }
        return nil
    }

    /// Any scalar as text, the way PHP would cast it; nil for null and for containers.
    var text: String? {
        switch self {
        case .string(let text): text
        case .int(let number): String(number)
        case .double(let number): number == number.rounded() ? String(Int(clampingDouble: number)) : String(number)
        case .bool(let flag): flag ? "1" : "0"
        case .null, .array, .object: nil
        }
    }

    /// An id or count, whether it came as a number or as a string; nil for anything that is not a whole positive
    /// number.
    var identifier: UInt32? {
        text.flatMap { UInt32($0.trimmingCharacters(in: .whitespaces)) }.flatMap { $0 == 0 ? nil : $0 }
    }

    /// A whole number, whether it came as a number or as a string.
    var integer: Int? {
        text.flatMap { Int($0.trimmingCharacters(in: .whitespaces)) }
    }

    /// Truth as PHP sees it.
    var truth: Bool {
        switch self {
        case .null: false
        case .bool(let flag): flag
        case .int(let number): number != 0
        case .double(let number): number != 0
        case .string(let text): !(text.isEmpty || text == "0" || text == "false")
        case .array(let elements): !elements.isEmpty
        case .object(let members): !members.isEmpty
        }
    }

    /// The value as a later read gives it: scalars become strings.
    var asStoredScalar: CampaignJSON {
        text.map { .string($0) } ?? self
    }

    /// This object with one member set, replacing one of the same name.
    func setting(_ key: String, _ value: CampaignJSON) -> CampaignJSON {
        var members = self.members ?? []
        if let index = members.firstIndex(where: { $0.key == key }) {
            members[index].value = value
        } else {
            members.append(Member(key: key, value: value))
        }
        return .object(members)
    }
}

extension CampaignJSON: ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
    init(stringLiteral value: String) { self = .string(value) }
    init(arrayLiteral elements: CampaignJSON...) { self = .array(elements) }
    init(dictionaryLiteral elements: (String, CampaignJSON)...) {
        self = .object(elements.map { Member(key: $0.0, value: $0.1) })
    }

    /// An id as the wire has it: a string of digits.
    static func id(_ number: some BinaryInteger) -> CampaignJSON { .string(String(number)) }

    /// A text, or null when there is none.
    static func optional(_ text: String?) -> CampaignJSON { text.map { .string($0) } ?? .null }
}

extension Int {
    /// The nearest representable whole number; 0 for NaN.
    init(clampingDouble value: Double) {
        if value.isNaN {
            self = 0
        } else if value >= 9e18 {
            self = .max
        } else if value <= -9e18 {
            self = .min
        } else {
            self = Int(value)
        }
    }
}
