/// A duplicate rule of the org: what makes a record look like another, and what happens then (reference section 10).
package struct DuplicateRule: Sendable {
    /// Developer name, `Standard_Contact_Duplicate_Rule`.
    package let name: String
    /// Object whose saves it watches.
    package let object: String
    /// Object it looks for twins in; lead rules can find contacts.
    package let matchesObject: String
    /// Pairs of fields that must agree, the watched object's first; text without regard to case, empty never.
    package let fields: [(own: String, other: String)]
    /// Whether it blocks; a rule that only alerts lets a caller save who says `allowSave=true`.
    package let blocks: Bool
    /// What a refused save shows.
    package let message: String

    /// Makes a rule; `matchesObject` left out looks among the object's own records.
    package init(
        name: String, object: String, matchesObject: String? = nil, fields: [(own: String, other: String)],
        blocks: Bool = false, message: String = "Use one of these records?"
    ) {
        self.name = name
        self.object = object
        self.matchesObject = matchesObject ?? object
        self.fields = fields
        self.blocks = blocks
        self.message = message
    }

    /// The rule that comes with every org, as far as email goes.
    package static func sameEmail(_ object: String, blocks: Bool = false) -> DuplicateRule {
        DuplicateRule(
            name: "Standard_\(object)_Duplicate_Rule", object: object, fields: [("Email", "Email")], blocks: blocks)
    }
}

/// Step 6 of a save: duplicate rules.
extension OrgRecords {
    /// The refusal of the first rule that finds twins the caller may not ignore.
    func duplicateRefusal(
        _ after: RecordRow, before: RecordRow?, table: Int, number: Int?, context: SaveContext
    ) -> RecordError? {
        guard !duplicateRules.isEmpty else { return nil }
        let object = database.definition(table).name
        for rule in duplicateRules where rule.object == object && (rule.blocks || !context.allowsDuplicates) {
            guard let target = database.table(rule.matchesObject) else { continue }
            let twins = twins(of: after, before: before, table: table, number: number, rule, target)
            guard !twins.isEmpty else { continue }
            return RecordError(
                "DUPLICATES_DETECTED", rule.message,
                duplicateResult: result(rule, target, twins, context))
        }
        return nil
    }

    /// Live records that agree with the row in every field of the rule, if the row's fields are new.
    private func twins(
        of row: RecordRow, before: RecordRow?, table: Int, number: Int?, _ rule: DuplicateRule, _ target: Int
    ) -> [Int] {
        var candidates: [Int]?
        var isChanged = before == nil
        for pair in rule.fields {
            guard let own = database.definition(table).cell(pair.own),
                let other = database.definition(target).cell(pair.other), !row[own].isNull
            else { return [] }
            if let before, before[own] != row[own] { isChanged = true }
            let wanted = SOQLText.fold(row[own])
            let found =
                candidates ?? database.tables[target].rows(cell: other, value: row[own])
                ?? Array(database.tables[target].rows.indices)
            candidates = found.filter { candidate in
                let row = database.row(target, candidate)
                return row.state == .live && SOQLText.fold(row[other]) == wanted
            }
        }
        guard isChanged else { return [] }
        return (candidates ?? []).filter { target != table || $0 != number }
    }

    private func result(_ rule: DuplicateRule, _ target: Int, _ twins: [Int], _ context: SaveContext) -> WireJSON {
        let object = database.definition(target).name
        let records = twins.map { number -> WireJSON in
            let id = database.id(target, number)
            var record = WireObject([
                (
                    "attributes",
                    [
                        "type": .string(object),
                        "url": .string("/services/data/v\(context.version)/sobjects/\(object)/\(id)"),
                    ]
                ),
                ("Id", .string(id)),
            ])
            if context.includesDuplicateDetails {
                let values = fieldValues(database.row(target, number), table: target, number: number)
                for pair in rule.fields { record[pair.other] = (values[pair.other] ?? .null).json(.string) }
            }
            return [
                "additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0, "record": .object(record),
            ]
        }
        return [
            "allowSave": .bool(!rule.blocks), "duplicateRule": .string(rule.name),
            "duplicateRuleEntityType": .string(rule.object), "errorMessage": .string(rule.message),
            "matchResults": [
                [
                    "entityType": .string(object), "errors": [], "matchEngine": "FuzzyMatchEngine",
                    "matchRecords": .array(records), "rule": .string("Standard_\(object)_Match_Rule_v1_0"),
                    "size": .int(records.count), "success": true,
                ]
            ],
        ]
    }
}
