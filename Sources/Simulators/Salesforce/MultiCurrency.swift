/// Orgs with several currencies: every record with money says which one it is in (reference section 14).
enum MultiCurrency {
    /// Adds `CurrencyIsoCode`; nothing where there is one currency.
    static func install(in definition: inout ObjectDefinition, _ currencies: [String]) {
        guard let corporate = currencies.first else { return }
        definition.add(
            FieldDefinition("CurrencyIsoCode", label: "Currency ISO Code", .picklist, length: 3).with {
                $0.picklistValues = currencies
                $0.isRestrictedPicklist = true
                $0.isDefaultedOnCreate = true
                $0.defaultValue = .text(corporate)
            })
    }
}
