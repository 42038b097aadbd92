import ArgumentParser
import Salesforce
import Store
import SyncRules

/// A record as a person names it on the command line: an e-mail address, an ActiveCampaign contact id, or a Salesforce id.
enum RecordQuestion {
    /// Takes a name. An address is hashed at once, as the rules do it, and is printed nowhere.
    /// - Throws: `ValidationError` that does not repeat what may be an address.
    static func name(_ text: String) throws -> RecordName {
        if text.contains("@") {
            guard let address = EmailAddress(text) else { throw ValidationError("this is no e-mail address") }
            return .email(address.hash)
        }
        if let id = SalesforceID.normalise(text) { return .record(id) }
        if let id = Int64(text), id > 0 { return .contact(id) }
        throw ValidationError(
            "want an e-mail address, an ActiveCampaign contact id (a number), or a Salesforce id of 15 or 18 characters"
        )
    }

    /// The ids among names as rows of failures hold them.
    static func failureID(_ text: String) throws -> String {
        switch try name(text) {
        case .contact(let id): String(id)
        case .record(let id): id
        case .email: throw ValidationError("want ids here; `ferry records explain` finds them by e-mail address")
        }
    }
}

extension ObjectKind {
    /// The object of an option's word.
    static func option(_ word: String?) throws -> ObjectKind? {
        guard let word else { return nil }
        guard let kind = ObjectKind(name: word) else {
            throw ValidationError("--object: want \(allCases.map(\.name).joined(separator: ", "))")
        }
        return kind
    }
}

extension Direction {
    /// The direction of an option's word.
    static func option(_ word: String?) throws -> Direction? {
        guard let word else { return nil }
        guard let direction = allCases.first(where: { $0.name == word }) else {
            throw ValidationError("--direction: want outbound (ActiveCampaign → Salesforce) or inbound")
        }
        return direction
    }
}
