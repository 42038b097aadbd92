import Foundation

/// A scalar that ActiveCampaign sends as a string today and as a number or a flag tomorrow (reference 1.6).
struct LooseText: Decodable, Sendable, Hashable {
    /// The value as text: numbers in digits, flags as `1` and `0`; nil for null.
    let text: String?

    init(_ text: String?) { self.text = text }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            text = nil
        } else if let string = try? container.decode(String.self) {
            text = string
        } else if let integer = try? container.decode(Int64.self) {
            text = String(integer)
        } else if let flag = try? container.decode(Bool.self) {
            text = flag ? "1" : "0"
        } else {
            text = try container.decode(Decimal.self).description
        }
    }

    /// The text, empty for null.
    var orEmpty: String { text ?? "" }
    /// The text as a whole number.
    var integer: Int64? { text.flatMap { Int64($0) } }
    /// Whether it is set and neither `0` nor `false`.
    var isTrue: Bool { !(text ?? "").isEmpty && text != "0" && text != "false" }
}

/// A list that PHP may send as an object (keys not in a row), as null, or as an empty list where a map is meant.
struct LooseList<Element: Decodable & Sendable>: Decodable, Sendable {
    let elements: [Element]

    init(_ elements: [Element]) { self.elements = elements }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            elements = []
        } else if let map = try? container.decode([String: Element].self) {
            elements = map.sorted { (Int($0.key) ?? .max, $0.key) < (Int($1.key) ?? .max, $1.key) }.map(\.value)
        } else {
            elements = try container.decode([Element].self)
        }
    }
}

/// The `meta` of a list; `total` is a string on some resources and a number on others.
struct ListMeta: Decodable, Sendable {
    var total: LooseText?

    /// Rows in all; nil when it is not told.
    static func total(of meta: LooseMeta?) -> Int? { meta?.meta?.total?.integer.map { Int($0) } }
}

/// `meta` as an object, or whatever else stands there.
struct LooseMeta: Decodable, Sendable {
    let meta: ListMeta?

    init(from decoder: any Decoder) throws {
        meta = try? decoder.singleValueContainer().decode(ListMeta.self)
    }
}

/// Instants as ActiveCampaign writes them.
enum WireDate {
    /// ISO 8601 with the account's offset; nil for the many spellings of "never" and for naive times, whose zone is
    /// not known (reference 3.2, 1.7).
    static func parse(_ text: String?) -> Date? {
        guard let text, text.utf8.count >= 20, !text.hasPrefix("0000") else { return nil }
        return try? Date.ISO8601FormatStyle().parse(text)
    }

    /// For filters: UTC, whole seconds, rounded down so that nothing is skipped.
    static func text(_ date: Date) -> String {
        Date(timeIntervalSince1970: date.timeIntervalSince1970.rounded(.down)).formatted(.iso8601)
    }

    /// The `Date` header: `Sun, 06 Nov 1994 08:49:37 GMT`, the only form of RFC 9110 that servers send.
    static func parseHeader(_ text: String?) -> Date? {
        let parts = (text ?? "").split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", parts[1].count == 2, parts[3].count == 4,
            let month = months.firstIndex(of: String(parts[2]))
        else { return nil }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        return parse("\(parts[3])-\(number)-\(parts[1])T\(parts[4])Z")
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
