import Foundation

/// The union of the bodies ActiveCampaign answers errors with (reference 9), reduced to what may be repeated in a log.
///
/// Titles, details and messages are only matched against known phrases: they quote what was sent.
struct ErrorBody: Sendable, Hashable {
    /// Whether the body was a JSON object at all; an edge's HTML page is not.
    var isJSON = false
    /// Allow-listed code of the first error, nil when there is none that is known.
    var code: String?
    /// Fields the errors point at, by their API names.
    var fields: [String] = []
    /// It says that the row asked for does not exist, in ActiveCampaign's own words and not an edge's.
    var saysNoSuchRow = false
    /// It says that a tag is what does not exist.
    var namesTag = false
    /// It says that the account has as many contacts as its plan allows.
    var saysContactLimit = false
    /// It is the importer's own rate limit (400, not 429).
    var isImportLimit = false
    /// The importer's reasons for refusing a batch; nil when there are none.
    var importFailures: [ImportFailure]?

    init() {}

    /// Reads a body of any content type; deletes answer JSON as `text/html` (reference 9).
    init(_ data: Data) {
        guard data.count <= ActiveCampaignLimits.errorBodyBytes || Self.looksLikeObject(data),
            let wire = try? JSONDecoder().decode(Wire.self, from: data)
        else { return }
        isJSON = true
        var phrases = [wire.message?.text, wire.error?.text].compactMap(\.self)
        for entry in wire.errors?.entries ?? [] {
            phrases += [entry.title?.text, entry.detail?.text].compactMap(\.self)
            if code == nil { code = Self.code(of: entry) }
            if let field = entry.source?.field, fields.count < ActiveCampaignLimits.errorFields { fields.append(field) }
        }
        if let text = wire.errors?.text { phrases.append(text) }
        judge(phrases.map { $0.lowercased() })
        importFailures = wire.failureReasons?.elements.map(ImportFailure.init)
    }

    private mutating func judge(_ phrases: [String]) {
        saysNoSuchRow = phrases.contains { $0.contains("no result found") || $0 == "contact not found" }
        namesTag = phrases.contains { $0.contains("tag") }
        saysContactLimit = phrases.contains { $0.contains("contact") && $0.contains("limit") && !$0.contains("rate") }
        isImportLimit = phrases.contains { $0 == "rate limit exceeded." || $0 == "rate limit exceeded" }
        if code == nil { code = phrases.lazy.compactMap(Self.code(ofPhrase:)).first }
        if fields.isEmpty, phrases.contains(where: Self.refusesCustomValue) { fields = ["fieldValues"] }
    }

    private static func code(of entry: Entry) -> String? {
        let known: Set = ["duplicate", "field_missing", "field_invalid", "email_invalid"]
        if let code = entry.code?.text, known.contains(code) { return code }
        return entry.title?.text.flatMap { code(ofPhrase: $0.lowercased()) }
    }

    /// An account's custom value that does not fit its field's type is refused without a pointer (reference 9).
    private static func refusesCustomValue(_ phrase: String) -> Bool {
        phrase.hasPrefix("the custom field value") && phrase.contains("could not be saved")
    }

    /// Codes for bodies that carry none.
    private static func code(ofPhrase phrase: String) -> String? {
        if phrase.contains("already exists") || phrase.contains("duplicate entry") || phrase.contains("already a ") {
            return "duplicate"
        }
        if phrase.contains("not provided") || phrase.contains("is required") || phrase.contains("missing attribute") {
            return "field_missing"
        }
        if refusesCustomValue(phrase) { return "field_invalid" }
        if phrase.contains("not valid") || phrase.contains("invalid") || phrase.contains("incorrect format") {
            return phrase.contains("email") ? "email_invalid" : "field_invalid"
        }
        return nil
    }

    private static func looksLikeObject(_ data: Data) -> Bool {
        data.count <= ActiveCampaignLimits.answerBytes && data.first == UInt8(ascii: "{")
    }
}

// MARK: - The wire

extension ErrorBody {
    private struct Wire: Decodable {
        var message: Quiet?
        var error: Quiet?
        var errors: Errors?
        var failureReasons: LooseList<Reason>?
    }

    /// Text, or nothing when something else stands there.
    private struct Quiet: Decodable {
        var text: String?
        init(from decoder: any Decoder) throws {
            text = try? decoder.singleValueContainer().decode(LooseText.self).text
        }
    }

    /// A list of entries, or one text (`fieldOption/bulk`).
    private struct Errors: Decodable {
        var entries: [Entry] = []
        var text: String?
        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            text = try? container.decode(String.self)
            if text == nil { entries = (try? container.decode(LooseList<Entry>.self).elements) ?? [] }
        }
    }

    private struct Entry: Decodable {
        var title: Quiet?
        var detail: Quiet?
        var code: Quiet?
        var source: Source?
    }

    private struct Source: Decodable {
        var field: String?

        private enum Keys: String, CodingKey { case pointer, value }

        /// The last name of `/data/attributes/email`; under `pointer`, or under `value` for custom objects.
        init(from decoder: any Decoder) throws {
            guard let container = try? decoder.container(keyedBy: Keys.self) else { return }
            let texts = [Keys.pointer, .value].compactMap { try? container.decode(String.self, forKey: $0) }
            let pointer = texts.first { $0.hasPrefix("/data/") }
            field = pointer?.split(separator: "/").last.map(String.init).flatMap { Self.isName($0) ? $0 : nil }
        }

        private static func isName(_ text: String) -> Bool {
            (1...64).contains(text.utf8.count)
                && text.utf8.allSatisfy { byte in
                    byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z")
                        || byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
                        || byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") || byte == UInt8(ascii: "_")
                }
        }
    }

    /// A text, or the number of a row with its reason.
    fileprivate struct Reason: Decodable, Sendable {
        var number: Int?
        var text: String?

        private enum Keys: String, CodingKey { case contact, failureReason }

        init(from decoder: any Decoder) throws {
            if let container = try? decoder.container(keyedBy: Keys.self) {
                let contact = try? container.decode(LooseText.self, forKey: .contact)
                number = contact?.integer.flatMap { Int(exactly: $0) }
                text = try? container.decode(LooseText.self, forKey: .failureReason).text
            } else {
                text = try? decoder.singleValueContainer().decode(LooseText.self).text
            }
        }
    }
}

/// Why the importer refuses a batch.
struct ImportFailure: Sendable, Hashable {
    /// The row's number as the importer counts; whether from 0 or 1 is not told (reference 6).
    var number: Int?
    /// Allow-listed code.
    var code: String
    /// Fields named by the reason.
    var fields: [String]

    init(number: Int?, code: String, fields: [String] = []) {
        self.number = number
        self.code = code
        self.fields = fields
    }

    fileprivate init(_ reason: ErrorBody.Reason) {
        let text = reason.text?.lowercased() ?? ""
        let known = ["email", "first_name", "last_name", "phone", "customer_acct_name", "tags", "fields", "subscribe"]
        let fields = known.filter { text.contains($0) }
        self.init(number: reason.number, code: fields == ["email"] ? "email_invalid" : "field_invalid", fields: fields)
    }
}
