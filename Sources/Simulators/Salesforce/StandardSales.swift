/// Account, Opportunity, its contact roles, and User as every org has them (reference section 14).
enum StandardSales {
    static var account: ObjectDefinition {
        ObjectDefinition(
            "Account", keyPrefix: "001",
            fields: [
                FieldDefinition("Name", label: "Account Name", .string, length: 255).required,
                FieldDefinition("AccountNumber", .string, length: 40),
                FieldDefinition("Phone", .phone, length: 40),
                FieldDefinition("Fax", .phone, length: 40),
                FieldDefinition("Website", .url, length: 255),
                StandardFields.industry,
                FieldDefinition("Type", .picklist, length: 255).with {
                    $0.picklistValues = ["Prospect", "Customer", "Partner", "Other"]
                },
                StandardFields.number("AnnualRevenue", .currency, 18, 0),
                StandardFields.number("NumberOfEmployees", .int, 8, 0),
                StandardFields.lookup("ParentId", "Account", "Parent"),
                StandardFields.owner,
                StandardFields.description,
            ] + StandardFields.address("Billing") + StandardFields.address("Shipping"))
    }

    static var opportunity: ObjectDefinition {
        ObjectDefinition(
            "Opportunity", plural: "Opportunities", keyPrefix: "006",
            fields: [
                FieldDefinition("Name", label: "Opportunity Name", .string, length: 120).required,
                FieldDefinition("StageName", label: "Stage", .picklist, length: 255).required.with {
                    $0.picklistValues = OpportunityStage.all.map(\.name)
                },
                FieldDefinition("CloseDate", .date).required,
                StandardFields.number("Amount", .currency, 18, 2),
                StandardFields.number("Probability", .percent, 3, 0),
                StandardFields.lookup("AccountId", "Account", "Account"),
                StandardFields.owner,
                FieldDefinition("Type", label: "Opportunity Type", .picklist, length: 255).with {
                    $0.picklistValues = ["New Customer", "Existing Customer - Upgrade"]
                },
                StandardFields.leadSource,
                FieldDefinition("NextStep", .string, length: 255),
                StandardFields.description,
                StandardFields.lookup("CampaignId", "Campaign", "Campaign"),
                StandardFields.lookup("ContactId", "Contact", "Contact").with { $0.isUpdateable = false },
                StandardFields.checkbox("IsClosed", "Closed").readOnly,
                StandardFields.checkbox("IsWon", "Won").readOnly,
                StandardFields.checkbox("HasOpportunityLineItem", "Has Line Item").readOnly,
            ])
    }

    static var campaign: ObjectDefinition {
        ObjectDefinition(
            "Campaign", keyPrefix: "701",
            fields: [
                FieldDefinition("Name", label: "Campaign Name", .string, length: 80).required,
                StandardFields.checkbox("IsActive", "Active"),
                FieldDefinition("Type", .picklist, length: 40).with {
                    $0.picklistValues = ["Conference", "Webinar", "Email", "Other"]
                },
                FieldDefinition("Status", .picklist, length: 40).with {
                    $0.picklistValues = ["Planned", "In Progress", "Completed", "Aborted"]
                },
                FieldDefinition("StartDate", .date),
                FieldDefinition("EndDate", .date),
                StandardFields.lookup("ParentId", "Campaign", "Parent"),
                StandardFields.owner,
                StandardFields.description,
            ])
    }

    static var contactRole: ObjectDefinition {
        ObjectDefinition(
            "OpportunityContactRole", label: "Opportunity Contact Role", keyPrefix: "00K",
            fields: [
                StandardFields.lookup("OpportunityId", "Opportunity", "Opportunity").required.with {
                    $0.isUpdateable = false
                    $0.isIndexed = true
                },
                StandardFields.lookup("ContactId", "Contact", "Contact").required.with { $0.isIndexed = true },
                FieldDefinition("Role", .picklist, length: 255).with {
                    $0.picklistValues = ["Business User", "Decision Maker", "Evaluator", "Other"]
                },
                StandardFields.checkbox("IsPrimary", "Primary"),
            ])
    }

    /// The org itself; it has one row.
    static var organization: ObjectDefinition {
        var definition = ObjectDefinition(
            "Organization", keyPrefix: "00D",
            fields: [
                FieldDefinition("Name", .string, length: 80).required.readOnly,
                StandardFields.checkbox("IsSandbox", "Is Sandbox").readOnly,
                FieldDefinition("OrganizationType", label: "Edition", .picklist, length: 40).readOnly,
                FieldDefinition("InstanceName", .string, length: 5).readOnly,
                FieldDefinition("LanguageLocaleKey", label: "Language", .picklist, length: 40).readOnly,
                FieldDefinition("TimeZoneSidKey", label: "Time Zone", .picklist, length: 40).readOnly,
            ])
        definition.isMetadata = true
        return definition
    }

    static var user: ObjectDefinition {
        ObjectDefinition(
            "User", keyPrefix: "005",
            fields: [
                FieldDefinition("LastName", .string, length: 80).required,
                FieldDefinition("FirstName", .string, length: 40),
                FieldDefinition("Name", label: "Full Name", .string, length: 121).readOnly.with {
                    $0.source = .personName(
                        first: StandardFields.personCells.first, last: StandardFields.personCells.last)
                },
                FieldDefinition("Username", .string, length: 80).required.with { $0.isIndexed = true },
                FieldDefinition("Email", .email, length: 128).required,
                StandardFields.checkbox("IsActive", "Active", default: true),
            ])
    }
}

/// What a stage says about its opportunity.
struct OpportunityStage {
    let name: String
    /// Per cent.
    let probability: Double
    let isClosed: Bool
    let isWon: Bool

    static let all = [
        OpportunityStage(name: "Prospecting", probability: 10, isClosed: false, isWon: false),
        OpportunityStage(name: "Qualification", probability: 20, isClosed: false, isWon: false),
        OpportunityStage(name: "Needs Analysis", probability: 30, isClosed: false, isWon: false),
        OpportunityStage(name: "Proposal/Price Quote", probability: 75, isClosed: false, isWon: false),
        OpportunityStage(name: "Negotiation/Review", probability: 90, isClosed: false, isWon: false),
        OpportunityStage(name: "Closed Won", probability: 100, isClosed: true, isWon: true),
        OpportunityStage(name: "Closed Lost", probability: 0, isClosed: true, isWon: false),
    ]
}
