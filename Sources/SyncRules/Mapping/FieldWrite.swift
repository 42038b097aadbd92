/// The fields one write carries to one side, and what was left out and why.
package struct FieldWrite: Sendable, Hashable {
    /// Canonical values by Salesforce field name.
    package var projection = Projection()
    /// Fields left out, with the code that says why.
    package var kept: [String: DecisionCode] = [:]
    /// Fields whose value Salesforce does not take, for it holds one of its own: contested until a pull replaces them (R63).
    package var reverted: Set<String> = []
    /// Fields whose value was cut to the length of the target (D6).
    package var truncated: Set<String> = []

    /// The write of nothing.
    package init() {}

    /// The write without some of its fields.
    package func without(_ fields: [String]) -> FieldWrite {
        var write = self
        for field in fields { write.projection.values[field] = nil }
        return write
    }

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
    ///   - target: what `side` held when last seen; the empty fingerprint when it is new, nil when nobody looked: a field
    ///     that fills blanks only is then not written.
    ///   - clearsBlanks: the tenant's switch of R68.
    package func write(
        _ projection: Projection, changed: some Sequence<String>, to side: Side, target: Fingerprint?,
        clearsBlanks: Bool
    ) -> FieldWrite {
        var write = FieldWrite()
        for field in changed {
            guard let mapping = mapping(of: field) else { continue }
            let value = projection[field]
            guard value != .absent else { continue }
            if let reason = mapping.refusal(of: value, to: side, target: target, clearsBlanks: clearsBlanks) {
                write.kept[field] = reason
                if mapping.updateMode == .salesforceUnlessBlank, reason == .readonlyObserved, side == .salesforce {
                    write.reverted.insert(field)
                }
            } else {
                write.carry(value, by: mapping, to: side)
            }
        }
        return write
    }

    /// A decision for each field that a write left out, with the rule, and one for those it cut.
    package func decisions(
        of write: FieldWrite, _ direction: Direction, _ object: ObjectKind, contactID: Int64? = nil,
        recordID: String? = nil
    ) -> [Decision] {
        func decision(_ code: DecisionCode, _ rule: String?, _ fields: [String]) -> Decision {
            Decision(
                code, direction, object, contactID: contactID, recordID: recordID, reason: rule, fields: fields)
        }
        let side: Side = direction == .outbound ? .salesforce : .activeCampaign
        let kept = write.kept.sorted { $0.key < $1.key }.map { field, code in
            decision(code, mapping(of: field)?.rule(of: code, to: side), [field])
        }
        return kept + (write.truncated.isEmpty ? [] : [decision(.truncated, "D6", write.truncated.sorted())])
    }

    /// The wire values of a write to Salesforce, by API name.
    package func salesforceValues(of write: FieldWrite) -> [String: SalesforceFieldValue] {
        var values: [String: SalesforceFieldValue] = [:]
        for (field, value) in write.projection.values {
            values[field] = mapping(of: field)?.salesforceValue(of: value)
        }
        return values
    }

    /// The fields of a write to ActiveCampaign that may be left out after it refused them (D6).
    /// - Parameter names: what it named: attributes of its own, or `fieldValues` for some custom field.
    /// - Returns: Salesforce names; empty when one of them can't be left out, or none was named.
    package func droppable(_ names: [String], of write: FieldWrite) -> [String] {
        var dropped: Set<String> = []
        for name in names {
            let fields = write.fields.filter { field in
                guard let mapping = mapping(of: field) else { return false }
                let target = mapping.activeCampaignField
                if target.personalizationTag != nil { return ["fieldValues", "fields"].contains(name) }
                return target.description == name && !mapping.isProtectedFromRefusal
            }
            if fields.isEmpty { return [] }
            dropped.formUnion(fields)
        }
        return dropped.sorted()
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

extension FieldMapping {
    /// What a contact or account can't be written without.
    fileprivate var isProtectedFromRefusal: Bool {
        activeCampaignField == .email || activeCampaignField == .accountName
    }

    /// Why a changed value is not written to `side`; nil when it is. Total over value, mode and side (T26, T27).
    fileprivate func refusal(
        of value: FieldValue, to side: Side, target: Fingerprint?, clearsBlanks: Bool
    ) -> DecisionCode? {
        if !writes(to: side) { return .readonlyObserved }
        if value.isUnreadable { return .invalidBeforeSend }
        if OptOutRules.resubscribes(value, by: self, to: side) { return .readonlyObserved }
        if updateMode == .fillBlank {
            // A blank never fills anything, and a target nobody looked at may hold a value.
            if value.isBlank { return .blankKept }
            guard let target, target.isBlank(salesforceField) else { return .readonlyObserved }
        }
        if updateMode == .salesforceUnlessBlank, side == .salesforce {
            guard let target, target.isBlank(salesforceField) else { return .readonlyObserved }
        }
        if value == .empty, isProtectedFromBlanks || !(copiesBlanks ?? clearsBlanks) { return .blankKept }
        if side == .salesforce, !truncates, isTooLong(value) { return .invalidBeforeSend }
        return nil
    }

    /// The rule behind `refusal`, in the same order.
    fileprivate func rule(of code: DecisionCode, to side: Side) -> String {
        switch code {
        case .readonlyObserved where !writes(to: side):
            salesforceType.isFormula && side == .salesforce ? "R66" : "R63.direction"
        case .readonlyObserved: activeCampaignField == .optOut ? "R83" : "R63.blank"
        case .blankKept: updateMode == .fillBlank ? "R63.blank" : "R68"
        case .conflictLost: "R63"
        default: "D6"
        }
    }

    fileprivate func isTooLong(_ value: FieldValue) -> Bool {
        guard let maxLength, case .text(let text) = value else { return false }
        return text.utf16.count > maxLength
    }
}

extension FieldWrite {
    /// Adds a field, cut to Salesforce's length where the mapping allows it.
    fileprivate mutating func carry(_ value: FieldValue, by mapping: FieldMapping, to side: Side) {
        var carried = value
        if side == .salesforce, mapping.isTooLong(value), let maxLength = mapping.maxLength,
            case .text(let text) = value
        {
            carried = FieldMapping.canonicalText(text.prefix(utf16Units: maxLength))
            truncated.insert(mapping.salesforceField)
        }
        projection.values[mapping.salesforceField] = carried
    }
}

extension String {
    /// The longest beginning of whole characters that fits into so many UTF-16 units, as Salesforce counts.
    fileprivate func prefix(utf16Units limit: Int) -> String {
        var units = 0
        return String(
            prefix { character in
                units += character.utf16.count
                return units <= limit
            })
    }
}
