/// The sync package installed in an org: the fields it brings, its before-save flow and its validation rule
/// (reference sections 13.3 and 13.4).
struct SyncPackage {
    private let status: Int
    private let sequence: Int
    private let acknowledged: Int
    private let marker: Int
    private let ownCells: Set<Int>

    static let synced = FieldValue.text("Synced")
    static let waiting = FieldValue.text("Waiting for next sync")

    /// The package on an object; `nil` where it has no fields.
    init?(_ definition: ObjectDefinition) {
        guard let status = definition.cell("AC_Sync_Status__c"), let sequence = definition.cell("AC_Change_Seq__c"),
            let acknowledged = definition.cell("AC_Acked_Seq__c"), let marker = definition.cell("AC_Write_Id__c")
        else { return nil }
        self.status = status
        self.sequence = sequence
        self.acknowledged = acknowledged
        self.marker = marker
        ownCells = Set(
            definition.fields.filter { $0.name.hasPrefix("AC_") }.compactMap { field in
                if case .cell(let cell) = field.source { cell } else { nil }
            })
    }

    /// The field that carries the ActiveCampaign contact id: all an org without the package may have.
    static var contactID: FieldDefinition {
        FieldDefinition("AC_Contact_Id__c", label: "AC Contact Id", .string, length: 32).with {
            $0.isExternalID = true
            $0.isUnique = true
            $0.isCustom = true
        }
    }

    /// Every field the package brings to Contact and Lead.
    static var fields: [FieldDefinition] {
        [
            contactID,
            FieldDefinition("AC_Sync_Status__c", label: "AC Sync Status", .picklist, length: 255).with {
                $0.isRestrictedPicklist = true
                $0.picklistValues = ["Synced", "Waiting for next sync"]
                $0.defaultValue = synced
                $0.isDefaultedOnCreate = true
                $0.isIndexed = true
                $0.isCustom = true
            },
            number("AC_Change_Seq__c", "AC Change Seq"),
            number("AC_Acked_Seq__c", "AC Acked Seq"),
            FieldDefinition("AC_Write_Id__c", label: "AC Write Id", .string, length: 36).with { $0.isCustom = true },
            StandardFields.checkbox("AC_Sync__c", "AC Sync").with { $0.isCustom = true },
        ]
    }

    private static func number(_ name: String, _ label: String) -> FieldDefinition {
        FieldDefinition(name, label: label, .double).with {
            $0.precision = 18
            $0.isCustom = true
        }
    }

    /// The flow: a save that changes a field not ours, without a new write marker, makes the record wait.
    func flag(_ after: inout RecordRow, before: RecordRow?) {
        guard let before else {
            after[status] = after[marker].isNull ? Self.waiting : Self.synced
            if after[marker].isNull { after[sequence] = .number((after[sequence].number ?? 0) + 1) }
            return
        }
        guard after[marker] == before[marker], changesForeignField(after, before) else { return }
        wait(&after, before: before)
    }

    /// Counted from the prior value, so that a re-run within the same save gives the same number.
    private func wait(_ after: inout RecordRow, before: RecordRow) {
        after[status] = Self.waiting
        after[sequence] = .number((before[sequence].number ?? 0) + 1)
    }

    /// The rule: a marked write to a waiting record is refused unless it acknowledges the last change.
    func refusal(_ after: RecordRow, before: RecordRow?) -> RecordError? {
        guard let before, after[marker] != before[marker], before[status] == Self.waiting,
            (after[acknowledged].number ?? 0) != (before[sequence].number ?? 0)
        else { return nil }
        return RecordError(
            "FIELD_CUSTOM_VALIDATION_EXCEPTION", "ACSYNC_PENDING: changed in Salesforce since last sync")
    }

    private static func differs(_ row: RecordRow, _ other: RecordRow, _ ownCells: Set<Int>) -> Bool {
        row.cells.contains { !ownCells.contains(Int($0.index)) && other[Int($0.index)] != $0.value }
    }

    private func changesForeignField(_ after: RecordRow, _ before: RecordRow) -> Bool {
        Self.differs(after, before, ownCells) || Self.differs(before, after, ownCells)
    }
}

extension SyncPackage {
    /// A restored record waits: flows run on undelete as on any save.
    func flagRestored(_ after: inout RecordRow, before: RecordRow) {
        wait(&after, before: before)
    }
}
