/// Record types: those of an org with person accounts, and those its administrator made (reference section 14).
enum RecordTypes {
    /// Rows of the two types of accounts in an org with person accounts.
    static let business = 0
    static let person = 1
    /// Objects that get the administrator's types.
    private static let objects = ["Account", "Contact", "Lead", "Opportunity"]

    static var definition: ObjectDefinition {
        var definition = ObjectDefinition(
            "RecordType", label: "Record Type", keyPrefix: "012",
            fields: [
                FieldDefinition("Name", .string, length: 80).required,
                FieldDefinition("DeveloperName", .string, length: 80).required,
                FieldDefinition("SobjectType", .picklist, length: 40).required,
                StandardFields.checkbox("IsPersonType", "Is Person Type"),
                StandardFields.checkbox("IsActive", "Active", default: true),
            ])
        definition.isMetadata = true
        return definition
    }

    /// Whether the org has any.
    static func exist(_ options: SalesforceOrgOptions) -> Bool {
        options.hasPersonAccounts || !options.recordTypes.isEmpty
    }

    /// The rows of the RecordType table.
    static func seeds(_ options: SalesforceOrgOptions) -> [[String: FieldValue]] {
        let own = owners(options).flatMap { object in
            options.recordTypes.map { name -> [String: FieldValue] in
                let developerName = String(name.map { $0.isLetter || $0.isNumber ? $0 : "_" })
                return ["Name": .text(name), "DeveloperName": .text(developerName), "SobjectType": .text(object)]
            }
        }
        return (options.hasPersonAccounts ? personSeeds : []) + own
    }

    private static func owners(_ options: SalesforceOrgOptions) -> [String] {
        objects.filter { !options.hasPersonAccounts || $0 != "Account" }
    }

    /// Adds `RecordTypeId` to an object that has types of the administrator's; the first is the default.
    static func install(in definition: inout ObjectDefinition, _ options: SalesforceOrgOptions, org: Int) {
        guard let place = owners(options).firstIndex(of: definition.name), !options.recordTypes.isEmpty else { return }
        let first = (options.hasPersonAccounts ? personSeeds.count : 0) + place * options.recordTypes.count
        definition.add(
            FieldDefinition("RecordTypeId", .reference, length: 18).with {
                $0.referenceTo = "RecordType"
                $0.relationshipName = "RecordType"
                $0.isDefaultedOnCreate = true
                $0.defaultValue = .text(RecordID.make(prefix: "012", org: org, sequence: first))
            })
    }

    private static let personSeeds: [[String: FieldValue]] = [
        ["Name": "Business Account", "DeveloperName": "Business_Account", "SobjectType": "Account"],
        [
            "Name": "Person Account", "DeveloperName": "PersonAccount", "SobjectType": "Account",
            "IsPersonType": true,
        ],
    ]
}

extension OrgRecords {
    /// Refuses the record type of another object.
    func checkRecordType(_ value: FieldValue, _ field: FieldDefinition, of object: String) throws(RecordError) {
        guard field.referenceTo == "RecordType", let id = value.text, let place = database.locate(id),
            let owner = database.definition(place.table).cell("SobjectType"),
            database.row(place.table, place.row)[owner] != .text(object)
        else { return }
        throw RecordError(
            "INVALID_CROSS_REFERENCE_KEY", "Record Type ID: this ID value isn't valid for the user: \(id)",
            fields: [field.name])
    }

    /// `recordTypeInfos` of an object's describe.
    func recordTypeInfos(of definition: ObjectDefinition) -> WireJSON {
        var infos: [WireJSON] = []
        let standard = definition.field("RecordTypeId")?.defaultValue.text
        if let table = database.table("RecordType") {
            for (number, row) in database.tables[table].rows.enumerated() {
                let values = fieldValues(row, table: table, number: number)
                guard values["SobjectType"] == .text(definition.name) else { continue }
                let id = database.id(table, number)
                infos.append(Self.info(values["Name"], values["DeveloperName"], id, isDefault: id == standard))
            }
        }
        let hasDefault = standard != nil
        infos.append(Self.info("Master", "Master", "012000000000000AAA", isDefault: !hasDefault, isMaster: true))
        return .array(infos)
    }

    private static func info(
        _ name: FieldValue?, _ developerName: FieldValue?, _ id: String, isDefault: Bool, isMaster: Bool = false
    ) -> WireJSON {
        [
            "active": true, "available": true, "defaultRecordTypeMapping": .bool(isDefault),
            "developerName": .string(developerName?.text ?? ""), "master": .bool(isMaster),
            "name": .string(name?.text ?? ""), "recordTypeId": .string(id),
        ]
    }
}
