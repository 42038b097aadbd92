/// The relations of the org seen from the parent: `Account.Contacts` for `Contact.AccountId`.
extension OrgDatabase {
    /// One reference field that leads to an object.
    struct Child {
        let table: Int
        /// API name of the reference.
        let field: String
        /// What a query or tree calls the children; `nil` for relations without a name.
        let name: String?
    }

    /// Names of relations that are not the plural of the child's object.
    private static let names = [
        "Account.ParentId": "ChildAccounts", "Lead.ConvertedAccountId": "", "Lead.ConvertedContactId": "",
        "Lead.ConvertedOpportunityId": "", "Contact.ReportsToId": "", "Opportunity.ContactId": "",
    ]

    /// Every reference that leads to an object, owners and writers left out.
    func children(of table: Int) -> [Child] {
        let parent = definition(table).name
        return tables.indices.flatMap { child -> [Child] in
            let definition = definition(child)
            return definition.fields.compactMap { field in
                guard field.referenceTo == parent, case .cell = field.source, parent != "User" else { return nil }
                let name = Self.names["\(definition.name).\(field.name)"] ?? definition.labelPlural.filter { $0 != " " }
                return Child(table: child, field: field.name, name: name.isEmpty ? nil : name)
            }
        }
    }

    /// The relation of that name, whatever its case.
    func child(_ name: String, of table: Int) -> Child? {
        guard name != "attributes" else { return nil }
        let lowercased = name.lowercased()
        return children(of: table).first { $0.name?.lowercased() == lowercased }
    }
}
