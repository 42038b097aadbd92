/// The fields one write carries to one side, and what was left out and why.
package struct FieldWrite: Sendable, Hashable {
    /// Canonical values by Salesforce field name.
    package var projection = Projection()
    /// Fields left out, with the code that says why.
    package var kept: [String: DecisionCode] = [:]

    /// The fields carried, sorted.
    package var fields: [String] { projection.values.keys.sorted() }
    /// Whether nothing is left to write.
    package var isEmpty: Bool { projection.values.isEmpty }
}

extension Projector {
    /// Chooses, among changed fields, those that may be written to `side` (R63, R66, R68, D6).
    /// - Parameters:
    ///   - projection: what the other side holds.
    ///   - changed: Salesforce names of the fields that changed on the other side.
    ///   - target: what `side` held when last seen; nil when it is new.
    ///   - clearsBlanks: the tenant's switch of R68.
    package func write(
        _ projection: Projection, changed: some Sequence<String>, to side: Side, target: Fingerprint?,
        clearsBlanks: Bool
    ) -> FieldWrite {
        var write = FieldWrite()
        for field in changed {
            guard let mapping = mapping(of: field) else { continue }
            if projection.unreadable.contains(field) {
                write.kept[field] = .invalidBeforeSend
                continue
            }
            let value = projection[field]
            guard value != .absent else { continue }
            if !mapping.writes(to: side) {
                write.kept[field] = .readonlyObserved
            } else if mapping.updateMode == .fillBlank, let target, !target.isBlank(field) {
                write.kept[field] = .readonlyObserved
            } else if value == .empty, mapping.isProtectedFromBlanks || !clearsBlanks {
                write.kept[field] = .blankKept
            } else {
                write.projection.values[field] = value
            }
        }
        return write
    }

    /// The wire values of a write to Salesforce, by API name.
    package func salesforceValues(of write: FieldWrite) -> [String: SalesforceFieldValue] {
        var values: [String: SalesforceFieldValue] = [:]
        for (field, value) in write.projection.values {
            values[field] = mapping(of: field)?.salesforceValue(of: value)
        }
        return values
    }

    /// The texts of a write to ActiveCampaign, by field name (`ActiveCampaignField.description`).
    package func activeCampaignValues(of write: FieldWrite) -> [String: String] {
        var values: [String: String] = [:]
        for (field, value) in write.projection.values {
            guard let mapping = mapping(of: field) else { continue }
            values[mapping.activeCampaignField.description] = mapping.activeCampaignValue(of: value)
        }
        return values
    }
}
