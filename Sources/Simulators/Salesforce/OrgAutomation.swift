/// What an org's own automation (flow, trigger, process) does after one of its records was saved: it may touch that
/// record or others, within the same transaction and as the same user (reference section 13.3, B).
package struct OrgAutomation: Sendable {
    /// Object it watches.
    package let object: String
    /// Name its failures show.
    package let name: String
    /// What it does.
    package let run: @Sendable (AutomationCall) throws -> [AutomationEdit]

    /// Makes an automation; what `run` throws fails the save that started it.
    package init(
        object: String, name: String, run: @escaping @Sendable (AutomationCall) throws -> [AutomationEdit]
    ) {
        self.object = object
        self.name = name
        self.run = run
    }
}

/// One save, as automation sees it.
package struct AutomationCall: Sendable {
    /// 18-character id of the saved record.
    package let id: String
    /// Its values before; `nil` for a new record.
    package let before: [String: FieldValue]?
    /// Its values now.
    package let after: [String: FieldValue]
    /// The platform's attempt at the batch, 1…3.
    package let pass: Int
}

/// Fields automation changes.
package struct AutomationEdit: Sendable {
    /// Record to change.
    package let id: String
    /// New values by API name.
    package let fields: [String: FieldValue]

    /// Makes an edit.
    package init(id: String, fields: [String: FieldValue]) {
        self.id = id
        self.fields = fields
    }
}
