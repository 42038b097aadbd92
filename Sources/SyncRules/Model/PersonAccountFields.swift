/// What the fields of a person's contact are called on the person's account, through which alone they are written
/// (R85, salesforce-api 14).
package enum PersonAccountFields {
    /// Fields the account shows under their own names, or has of its own.
    private static let own: Set<String> = [
        "FirstName", "LastName", "MiddleName", "Suffix", "Salutation", "OwnerId", "RecordTypeId", "Phone", "Fax",
        "Description", "CurrencyIsoCode",
    ]
    /// Fields that a person has on the account only.
    package static let onAccount = ["Phone", "Fax", "Description"]

    /// The account's name of a contact's field: `PersonEmail` of `Email`, `Tier__pc` of `Tier__c`.
    package static func name(of field: String) -> String {
        if field.hasSuffix("__c") { return field.dropLast() + "pc" }
        return own.contains(field) ? field : "Person" + field
    }

    /// The contact's name of an account's field.
    package static func contactField(of name: String) -> String {
        if name.hasSuffix("__pc") { return name.dropLast(2) + "c" }
        return name.hasPrefix("Person") ? String(name.dropFirst("Person".count)) : name
    }
}
