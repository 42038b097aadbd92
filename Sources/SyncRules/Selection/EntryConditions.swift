import Crypto
import Foundation

/// What an object's records enter and are mapped by, as hashes: stored with the stream, and compared with the rows as they
/// are now, so that a change of them is noticed without anybody's edit (T7, T21).
package struct EntryConditions: Codable, Sendable, Hashable {
    /// A hash of each mapping by Salesforce field.
    package var fields: [String: String]
    /// A hash of the selection, criteria included.
    package var selection: String

    /// What holds for an object now.
    /// - Parameter mappings: those that can be used; one whose field is missing on a side counts as not there, so that it
    ///   is new when the field appears.
    package init(
        of object: ObjectKind, mappings: [FieldMapping], settings: SyncSettings, criteria: SelectionCriteria?
    ) {
        fields = Dictionary(
            mappings.filter { $0.updateMode != .never }.map { ($0.salesforceField, Self.hash(of: $0)) },
            uniquingKeysWith: { first, _ in first })
        selection = Self.hash(of: object, settings, criteria)
    }

    /// The fields that are mapped now and were not then, or otherwise.
    package func fieldsChanged(since earlier: EntryConditions) -> Set<String> {
        Set(fields.filter { earlier.fields[$0.key] != $0.value }.keys)
    }

    /// Whether other records may enter now.
    package func selectsOtherwise(than earlier: EntryConditions) -> Bool { selection != earlier.selection }

    private static func hash(of mapping: FieldMapping) -> String {
        digest([
            mapping.salesforceField, mapping.salesforceType.rawValue, mapping.activeCampaignField.description,
            mapping.activeCampaignType.rawValue, mapping.updateMode.rawValue,
        ])
    }

    private static func hash(
        of object: ObjectKind, _ settings: SyncSettings, _ criteria: SelectionCriteria?
    ) -> String {
        let mode = settings.selection(of: object)
        var parts = [mode.rawValue]
        switch mode {
        case .none: break
        case .new: parts.append(settings.includeUpdatedExisting ? "updated" : "created")
        case .marked: parts.append(settings.markerField)
        case .criteria: parts += (criteria?.groups ?? []).map { $0.map(words).joined(separator: "\u{1E}") }
        }
        return digest(parts + persons(of: object, settings))
    }

    /// What person accounts enter by (R70, R86); nothing where they do not, so that other tenants' hashes stay.
    private static func persons(of object: ObjectKind, _ settings: SyncSettings) -> [String] {
        switch (object, settings.personAccountSelection) {
        case (.lead, _): settings.allowsLeadsWithoutCompany ? ["nocompany"] : []
        case (.contact, .new): ["persons", settings.includeUpdatedPersonAccounts ? "updated" : "created"]
        case (.contact, .marked): ["persons", "marked", settings.markerField]
        case (.contact, .none), (.contact, .criteria), (.account, _), (.opportunity, _): []
        }
    }

    private static func words(_ row: SelectionCriteria.Row) -> String {
        let values = row.values.map { value in
            switch value {
            case .text(let text): "t" + text
            case .number(let digits): "n" + digits
            case .bool(let on): on ? "b1" : "b0"
            case .date(let day): "d" + day
            }
        }
        return ([row.field, row.comparison.rawValue] + values).joined(separator: "\u{1F}")
    }

    private static func digest(_ parts: [String]) -> String {
        SHA256.hash(data: Data(parts.joined(separator: "\u{1D}").utf8)).prefix(8)
            .map { String(format: "%02x", $0) }.joined()
    }
}
