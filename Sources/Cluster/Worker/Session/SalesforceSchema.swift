import Salesforce
import SyncRules
import Synchronization

/// What was learned of an org's fields the hard way: names it does not know or hides, and fields it does not let us
/// write. Asked for only after Salesforce refused a field, or where a mapping cuts values to length, so that an idle
/// tenant costs no describe.
final class SalesforceSchema: Sendable {
    private struct Notes {
        var unknown: [ObjectKind: Set<String>] = [:]
        var readOnly: [ObjectKind: Set<String>] = [:]
        var descriptions: [ObjectKind: ObjectDescription] = [:]
        var lacking: [ObjectKind: [String]] = [:]
    }

    private let notes = Mutex(Notes())

    /// What the org told of an object when it was last asked.
    func description(of object: ObjectKind) -> ObjectDescription? { notes.withLock { $0.descriptions[object] } }

    /// How many characters fields of an object hold, as far as the org was asked; a field without such a bound is missing.
    func lengths(of object: ObjectKind) -> [String: Int] {
        (description(of: object)?.fields ?? [:]).mapValues(\.length).filter { $0.value > 0 }
    }

    func keep(_ description: ObjectDescription, of object: ObjectKind) {
        notes.withLock { $0.descriptions[object] = description }
    }

    /// Fields the org does not have or hides from our user.
    var unknown: [ObjectKind: Set<String>] { notes.withLock { $0.unknown } }

    /// Fields that no record can be read without, as far as the object is known to lack them or to hide them from our user.
    func lacking(_ object: ObjectKind) -> [String] { notes.withLock { $0.lacking[object] } ?? [] }

    /// The names among `fields` that can be read.
    func readable(_ fields: [String], of object: ObjectKind) -> [String] {
        let unknown = notes.withLock { $0.unknown[object] } ?? []
        return fields.filter { !unknown.contains($0) }
    }

    /// Whether a field can be written.
    func isWritable(_ field: String, of object: ObjectKind) -> Bool {
        notes.withLock { notes in
            !(notes.unknown[object]?.contains(field) ?? false) && !(notes.readOnly[object]?.contains(field) ?? false)
        }
    }

    /// Compares the fields we use with the object's description.
    /// - Parameter essential: fields we can't do without.
    /// - Returns: whether anything new was learned that helps.
    func learn(
        _ description: ObjectDescription, of object: ObjectKind, using fields: [String], essential: [String]
    ) -> Bool {
        let unknown = Set(fields.filter { description.fields[$0] == nil })
        let readOnly = Set(
            fields.filter { name in description.fields[name].map { !$0.isUpdateable && !$0.isCreateable } ?? false })
        return notes.withLock { notes in
            let isNew = notes.unknown[object] != unknown || notes.readOnly[object] != readOnly
            notes.unknown[object] = unknown
            notes.readOnly[object] = readOnly
            notes.lacking[object] = essential.filter { description.fields[$0] == nil }
            return isNew
        }
    }
}
