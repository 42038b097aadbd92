import Drivers

/// What the mapper needs to know of an object, as the integration user sees it (reference 9).
package struct ObjectDescription: Sendable, Hashable {
    /// One choice of a pick list.
    package struct Choice: Sendable, Hashable {
        /// What is stored.
        package var value: String
        /// What people see.
        package var label: String
        /// Whether it may still be chosen.
        package var isActive: Bool
    }

    /// One field. A field the user may not see is simply missing.
    package struct Field: Sendable, Hashable {
        /// API name.
        package var name: String
        /// What people see.
        package var label: String
        /// `string`, `picklist`, `date`, … as Salesforce names types.
        package var type: String
        /// Most characters of a text; 0 for other types.
        package var length: Int
        /// Digits of a number, all together.
        package var precision: Int
        /// Digits behind the point.
        package var scale: Int
        /// May be empty.
        package var isNillable: Bool
        /// May be set on create.
        package var isCreateable: Bool
        /// May be changed.
        package var isUpdateable: Bool
        /// Gets a value by itself on create.
        package var isDefaultedOnCreate: Bool
        /// Computed.
        package var isCalculated: Bool
        /// No two records have the same.
        package var isUnique: Bool
        /// Can be the key of an upsert.
        package var isExternalID: Bool
        /// May stand in WHERE (trap T33).
        package var isFilterable: Bool
        /// May stand in ORDER BY.
        package var isSortable: Bool
        /// Values outside the list are refused.
        package var isRestrictedPicklist: Bool
        /// The pick list, over all record types.
        package var choices: [Choice]
        /// Objects a reference may point to.
        package var referenceTo: [String]
        /// Name of the parent in paths, `Account`.
        package var relationshipName: String?

        /// Must be sent on create.
        package var isRequiredOnCreate: Bool { isCreateable && !isNillable && !isDefaultedOnCreate }
    }

    /// API name.
    package var name: String
    /// What people see.
    package var label: String
    /// First three characters of its ids.
    package var keyPrefix: String?
    /// Whether the user may create records.
    package var isCreateable: Bool
    /// Whether the user may change records.
    package var isUpdateable: Bool
    /// Whether the user may query records.
    package var isQueryable: Bool
    /// The fields, by API name.
    package var fields: [String: Field]

    /// Reads a describe answer; nil when it is not one.
    init?(_ json: JSONValue) {
        guard let name = json["name"]?.string, let list = json["fields"]?.array else { return nil }
        self.name = name
        label = json["label"]?.string ?? name
        keyPrefix = json["keyPrefix"]?.string
        isCreateable = json["createable"]?.bool ?? false
        isUpdateable = json["updateable"]?.bool ?? false
        isQueryable = json["queryable"]?.bool ?? false
        fields = [:]
        for element in list {
            guard let field = Field(element) else { continue }
            fields[field.name] = field
        }
    }
}

extension ObjectDescription.Field {
    /// Reads one element of `fields`; nil without name or type. Keys that are missing read as the careful answer.
    init?(_ json: JSONValue) {
        guard let name = json["name"]?.string, let type = json["type"]?.string else { return nil }
        func flag(_ key: String) -> Bool { json[key]?.bool ?? false }
        self.name = name
        self.type = type
        label = json["label"]?.string ?? name
        length = json["length"]?.int ?? 0
        precision = json["precision"]?.int ?? 0
        scale = json["scale"]?.int ?? 0
        isNillable = flag("nillable")
        isCreateable = flag("createable")
        isUpdateable = flag("updateable")
        isDefaultedOnCreate = flag("defaultedOnCreate")
        isCalculated = flag("calculated")
        isUnique = flag("unique")
        isExternalID = flag("externalId")
        isFilterable = flag("filterable")
        isSortable = flag("sortable")
        isRestrictedPicklist = flag("restrictedPicklist")
        relationshipName = json["relationshipName"]?.string
        referenceTo = json["referenceTo"]?.array?.compactMap(\.string) ?? []
        choices = (json["picklistValues"]?.array ?? []).compactMap { choice in
            guard let value = choice["value"]?.string else { return nil }
            return ObjectDescription.Choice(
                value: value, label: choice["label"]?.string ?? value, isActive: choice["active"]?.bool ?? true)
        }
    }
}
