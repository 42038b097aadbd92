/// Contact and Lead as every org has them (reference section 14).
enum StandardPeople {
    static var contact: ObjectDefinition {
        let first = StandardFields.personCells.first
        let last = StandardFields.personCells.last
        return ObjectDefinition(
            "Contact", keyPrefix: "003",
            fields: [
                FieldDefinition("LastName", .string, length: 80).required,
                FieldDefinition("FirstName", .string, length: 40),
                StandardFields.email,
                FieldDefinition("Name", label: "Full Name", .string, length: 121).readOnly.with {
                    $0.source = .personName(first: first, last: last)
                },
                FieldDefinition("Salutation", .picklist, length: 40).with {
                    $0.picklistValues = ["Mr.", "Ms.", "Mrs.", "Dr.", "Prof."]
                },
                FieldDefinition("Phone", label: "Business Phone", .phone, length: 40),
                FieldDefinition("MobilePhone", .phone, length: 40),
                FieldDefinition("HomePhone", .phone, length: 40),
                FieldDefinition("OtherPhone", .phone, length: 40),
                FieldDefinition("AssistantPhone", .phone, length: 40),
                FieldDefinition("Fax", .phone, length: 40),
                FieldDefinition("Title", .string, length: 128),
                FieldDefinition("Department", .string, length: 80),
                FieldDefinition("AssistantName", .string, length: 40),
                StandardFields.lookup("AccountId", "Account", "Account"),
                StandardFields.lookup("ReportsToId", "Contact", "ReportsTo"),
                StandardFields.owner,
            ] + StandardFields.address("Mailing") + StandardFields.address("Other") + [
                StandardFields.leadSource,
                FieldDefinition("Birthdate", .date),
                StandardFields.description,
                StandardFields.checkbox("HasOptedOutOfEmail", "Email Opt Out"),
                StandardFields.checkbox("DoNotCall", "Do Not Call"),
                StandardFields.checkbox("IsEmailBounced", "Is Email Bounced").readOnly,
            ])
    }

    static var lead: ObjectDefinition {
        let first = StandardFields.personCells.first
        let last = StandardFields.personCells.last
        return ObjectDefinition(
            "Lead", keyPrefix: "00Q",
            fields: [
                FieldDefinition("LastName", .string, length: 80).required,
                FieldDefinition("FirstName", .string, length: 40),
                StandardFields.email,
                FieldDefinition("Name", label: "Full Name", .string, length: 121).readOnly.with {
                    $0.source = .personName(first: first, last: last)
                },
                FieldDefinition("Company", .string, length: 255).required,
                FieldDefinition("Salutation", .picklist, length: 40).with {
                    $0.picklistValues = ["Mr.", "Ms.", "Mrs.", "Dr.", "Prof."]
                },
                FieldDefinition("Phone", .phone, length: 40),
                FieldDefinition("MobilePhone", .phone, length: 40),
                FieldDefinition("Fax", .phone, length: 40),
                FieldDefinition("Title", .string, length: 128),
                FieldDefinition("Website", .url, length: 255),
                StandardFields.owner,
            ] + StandardFields.address("") + [
                FieldDefinition("Status", label: "Lead Status", .picklist, length: 255).required.with {
                    $0.isDefaultedOnCreate = true
                    $0.defaultValue = "Open - Not Contacted"
                    $0.picklistValues = [
                        "Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted",
                    ]
                },
                StandardFields.leadSource,
                StandardFields.industry,
                FieldDefinition("Rating", .picklist, length: 255).with { $0.picklistValues = ["Hot", "Warm", "Cold"] },
                StandardFields.number("AnnualRevenue", .currency, 18, 0),
                StandardFields.number("NumberOfEmployees", .int, 8, 0),
                StandardFields.description,
                StandardFields.checkbox("HasOptedOutOfEmail", "Email Opt Out"),
                StandardFields.checkbox("DoNotCall", "Do Not Call"),
                StandardFields.checkbox("IsConverted", "Converted").readOnly,
                FieldDefinition("ConvertedDate", .date).readOnly,
                StandardFields.lookup("ConvertedAccountId", "Account", "ConvertedAccount").readOnly,
                StandardFields.lookup("ConvertedContactId", "Contact", "ConvertedContact").readOnly,
                StandardFields.lookup("ConvertedOpportunityId", "Opportunity", "ConvertedOpportunity").readOnly,
            ])
    }
}

extension StandardPeople {
    /// What the statuses of leads mean; those of converted leads are only for conversion (reference section 8).
    static var leadStatus: ObjectDefinition {
        var definition = ObjectDefinition(
            "LeadStatus", plural: "Lead Status Value", label: "Lead Status Value", keyPrefix: "01J",
            fields: [
                FieldDefinition("MasterLabel", .string, length: 255).required.readOnly,
                FieldDefinition("ApiName", label: "API Name", .string, length: 255).required.readOnly,
                StandardFields.number("SortOrder", .int, 9, 0).readOnly,
                StandardFields.checkbox("IsDefault", "Is Default").readOnly,
                StandardFields.checkbox("IsConverted", "Converted").readOnly,
            ])
        definition.isMetadata = true
        return definition
    }

    /// One row a status.
    static var leadStatusRows: [[String: FieldValue]] {
        let status = lead.field("Status")
        return (status?.picklistValues ?? []).enumerated().map { place, name in
            [
                "MasterLabel": .text(name), "ApiName": .text(name), "SortOrder": .number(Double(place + 1)),
                "IsDefault": .bool(status?.defaultValue == .text(name)),
                "IsConverted": .bool(name == convertedStatus),
            ]
        }
    }

    /// The status a conversion sets.
    static let convertedStatus = "Closed - Converted"
}

/// Fields several standard objects share.
enum StandardFields {
    /// Contact and Lead begin with LastName and FirstName, so that Name can be computed from known cells.
    static let personCells = (first: 1, last: 0)

    static var email: FieldDefinition {
        FieldDefinition("Email", .email, length: 80).with { $0.isIndexed = true }
    }

    static var owner: FieldDefinition {
        lookup("OwnerId", "User", "Owner").with {
            $0.isNillable = false
            $0.isDefaultedOnCreate = true
        }
    }

    static var leadSource: FieldDefinition {
        FieldDefinition("LeadSource", .picklist, length: 255).with {
            $0.picklistValues = ["Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other"]
        }
    }

    static var industry: FieldDefinition {
        FieldDefinition("Industry", .picklist, length: 255).with {
            $0.picklistValues = ["Agriculture", "Banking", "Education", "Energy", "Technology", "Other"]
        }
    }

    static var description: FieldDefinition { FieldDefinition("Description", .textarea, length: 32_000) }

    static func lookup(_ name: String, _ object: String, _ relationship: String) -> FieldDefinition {
        FieldDefinition(name, .reference, length: 18).with {
            $0.referenceTo = object
            $0.relationshipName = relationship
        }
    }

    static func checkbox(_ name: String, _ label: String, default isOn: Bool = false) -> FieldDefinition {
        FieldDefinition(name, label: label, .boolean).with {
            $0.isNillable = false
            $0.isDefaultedOnCreate = true
            $0.defaultValue = .bool(isOn)
        }
    }

    static func number(_ name: String, _ type: FieldType, _ precision: Int, _ scale: Int) -> FieldDefinition {
        FieldDefinition(name, type).with {
            $0.precision = precision
            $0.scale = scale
        }
    }

    /// The five parts of an address, `MailingStreet` … or, without a prefix, `Street` ….
    static func address(_ prefix: String) -> [FieldDefinition] {
        [
            FieldDefinition(prefix + "Street", .textarea, length: 255),
            FieldDefinition(prefix + "City", .string, length: 40),
            FieldDefinition(prefix + "State", .string, length: 80),
            FieldDefinition(prefix + "PostalCode", .string, length: 20),
            FieldDefinition(prefix + "Country", .string, length: 80),
        ]
    }
}
