/// One object type of an org: its fields, and how they are found by name.
struct ObjectDefinition {
    let name: String
    let label: String
    let labelPlural: String
    let keyPrefix: String
    private(set) var fields: [FieldDefinition] = []
    /// Number of cells a record of this type may use.
    private(set) var cellCount = 0
    /// When the fields last changed, seconds since 1970: the `Last-Modified` of describe.
    var metadataStamp = 0
    /// Whether its rows describe the org, and no call may write them.
    var isMetadata = false
    /// Cells that must have a value, and their fields.
    private(set) var required: [(cell: Int, name: String)] = []
    /// Names and codes of addresses, in orgs with state and country picklists.
    private(set) var addressPairs: [AddressPicklists.Pair] = []
    /// Cell of `OwnerId`, where records have owners.
    private(set) var owner: Int?
    /// What new records start as.
    private(set) var template = RecordRow()
    /// Fields no two live records may agree in.
    private(set) var unique: [FieldDefinition] = []
    /// The sync package, where its fields are.
    private(set) var syncPackage: SyncPackage?
    /// Where accounts keep their persons, in orgs that have person accounts.
    private(set) var person: PersonLink?
    private var byName: [String: Int] = [:]
    private var byRelationship: [String: Int] = [:]

    init(_ name: String, plural: String? = nil, label: String? = nil, keyPrefix: String, fields: [FieldDefinition]) {
        self.name = name
        self.label = label ?? name
        self.labelPlural = plural ?? name + "s"
        self.keyPrefix = keyPrefix
        for field in Self.systemFields { append(field) }
        for field in fields { append(field) }
        prepare()
    }

    /// The field of that API name, whatever its case.
    func field(_ name: String) -> FieldDefinition? {
        fieldIndex(name).map { fields[$0] }
    }

    /// The place in `fields` of that API name, whatever its case.
    func fieldIndex(_ name: String) -> Int? {
        byName[name] ?? byName[name.lowercased()]
    }

    /// The reference field whose parent goes by that relationship name.
    func reference(_ relationship: String) -> FieldDefinition? {
        byRelationship[relationship.lowercased()].map { fields[$0] }
    }

    /// The cell of a field that is stored in one.
    func cell(_ name: String) -> Int? {
        if case .cell(let cell)? = field(name)?.source { cell } else { nil }
    }

    /// Adds a field; its cell is the next free one unless its source is another.
    mutating func add(_ field: FieldDefinition) {
        append(field)
        prepare()
    }

    private mutating func append(_ field: FieldDefinition) {
        var field = field
        if case .cell = field.source {
            field.source = .cell(cellCount)
            cellCount += 1
        }
        let index = fields.count
        fields.append(field)
        byName[field.name.lowercased()] = index
        byName[field.name] = index
        if let relationship = field.relationshipName { byRelationship[relationship.lowercased()] = index }
    }

    /// Changes a field in place; name, type and source stay.
    mutating func change(_ name: String, _ change: (inout FieldDefinition) -> Void) {
        guard let index = fieldIndex(name) else { return }
        change(&fields[index])
        prepare()
    }

    /// Works out once what every save asks for.
    private mutating func prepare() {
        required = []
        template = RecordRow()
        for field in fields {
            guard case .cell(let cell) = field.source else { continue }
            if !field.isNillable, field.type != .boolean { required.append((cell, field.name)) }
            if !field.defaultValue.isNull { template[cell] = field.defaultValue }
        }
        unique = fields.filter(\.isUnique)
        syncPackage = SyncPackage(self)
        person = PersonLink(self)
        addressPairs = AddressPicklists.pairs(self)
        owner = cell("OwnerId")
    }

    private static let systemFields: [FieldDefinition] = [
        system(.id, FieldDefinition("Id", label: "Record ID", .id, length: 18)),
        system(.isDeleted, FieldDefinition("IsDeleted", label: "Deleted", .boolean)),
        system(
            .masterRecord,
            FieldDefinition("MasterRecordId", .reference, length: 18).with {
                $0.isNillable = true
                $0.relationshipName = "MasterRecord"
            }),
        system(.createdDate, FieldDefinition("CreatedDate", .datetime)),
        system(.createdBy, user("CreatedById", "CreatedBy")),
        system(.lastModifiedDate, FieldDefinition("LastModifiedDate", .datetime)),
        system(.lastModifiedBy, user("LastModifiedById", "LastModifiedBy")),
        system(.systemModstamp, FieldDefinition("SystemModstamp", label: "System Modstamp", .datetime)),
    ]

    private static func system(_ column: SystemColumn, _ field: FieldDefinition) -> FieldDefinition {
        field.with {
            $0.source = .system(column)
            $0.isCreateable = false
            $0.isUpdateable = false
            $0.isDefaultedOnCreate = true
            if column != .masterRecord { $0.isNillable = false }
        }
    }

    private static func user(_ name: String, _ relationship: String) -> FieldDefinition {
        FieldDefinition(name, .reference, length: 18).with {
            $0.referenceTo = "User"
            $0.relationshipName = relationship
        }
    }
}
