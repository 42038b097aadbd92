/// The type of a field, by its name in describe.
package enum FieldType: String, Sendable {
    case id, string, picklist, textarea, email, phone, url, boolean, int, double, currency, percent, date, datetime
    case reference
    /// Several fields shown as one.
    case address

    /// Whether values are text.
    var isText: Bool {
        switch self {
        case .id, .string, .picklist, .textarea, .email, .phone, .url, .reference: true
        case .boolean, .int, .double, .currency, .percent, .date, .datetime, .address: false
        }
    }

    /// Whether values are numbers.
    var isNumber: Bool {
        switch self {
        case .int, .double, .currency, .percent: true
        default: false
        }
    }
}

/// Where the value of a field comes from.
enum FieldSource: Hashable {
    /// A cell of the record.
    case cell(Int)
    /// A column every record has, kept apart from the cells.
    case system(SystemColumn)
    /// Computed when read: first and last name, joined.
    case personName(first: Int, last: Int)
    /// Several cells, shown together and only in answers.
    case address(CompoundAddress)
    /// A cell of the contact a person account is linked to.
    case personContact(link: Int, cell: Int)
}

/// The columns every record has.
enum SystemColumn: String, Hashable, CaseIterable {
    case id = "Id"
    case isDeleted = "IsDeleted"
    case masterRecord = "MasterRecordId"
    case createdDate = "CreatedDate"
    case createdBy = "CreatedById"
    case lastModifiedDate = "LastModifiedDate"
    case lastModifiedBy = "LastModifiedById"
    case systemModstamp = "SystemModstamp"
}

/// One field of an object: what describe says about it, and where its values are.
struct FieldDefinition {
    var name: String
    var label: String
    var type: FieldType
    /// Characters of a text field; 0 otherwise.
    var length = 0
    /// Digits of a number; 0 otherwise.
    var precision = 0
    /// Digits after the point.
    var scale = 0
    var isNillable = true
    var isCreateable = true
    var isUpdateable = true
    var isDefaultedOnCreate = false
    var defaultValue = FieldValue.null
    var isUnique = false
    var isCaseSensitive = false
    var isExternalID = false
    /// Whether a query may find rows by this field through an index of ours.
    var isIndexed = false
    var isRestrictedPicklist = false
    var picklistValues: [String] = []
    /// The only values an address part takes, in orgs with state and country picklists.
    var integrityValues: Set<String>?
    /// API name of the object a reference points to.
    var referenceTo: String?
    /// The name of the parent in a query, `Account` for `AccountId`.
    var relationshipName: String?
    var isCustom = false
    /// Whether it is a formula.
    var isCalculated = false
    /// Whether the integration user may read it (field-level security).
    var isReadable = true
    var source = FieldSource.cell(0)

    init(_ name: String, label: String? = nil, _ type: FieldType, length: Int = 0) {
        self.name = name
        self.label = label ?? Self.label(of: name)
        self.type = type
        self.length = length
    }

    /// Whether a query may compare and sort by it: not long texts, and no compound fields.
    var isFilterable: Bool { length <= 4000 && type != .address }

    /// A copy with some properties set.
    func with(_ change: (inout FieldDefinition) -> Void) -> FieldDefinition {
        var copy = self
        change(&copy)
        return copy
    }

    /// A value must be given when a record is made.
    var required: FieldDefinition { with { $0.isNillable = false } }
    /// The platform alone writes it.
    var readOnly: FieldDefinition {
        with {
            $0.isCreateable = false
            $0.isUpdateable = false
        }
    }

    /// `LastName` reads `Last Name`.
    private static func label(of name: String) -> String {
        var label = ""
        for character in name.hasSuffix("__c") ? name.dropLast(3) : name[...] {
            if character == "_" {
                label.append(" ")
            } else if character.isUppercase, let last = label.last,
                last.isLowercase
            {
                label.append(" ")
                label.append(character)
            } else {
                label.append(character)
            }
        }
        return label
    }
}
