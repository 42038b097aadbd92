/// State and country picklists, where an org has switched them on: every address gets codes beside its names, and free
/// text is refused with FIELD_INTEGRITY_EXCEPTION (reference section 14). The lists are short samples of the platform's.
enum AddressPicklists {
    /// Names by ISO code.
    static let countries = [
        "AT": "Austria", "AU": "Australia", "BR": "Brazil", "CA": "Canada", "CH": "Switzerland", "DE": "Germany",
        "ES": "Spain", "FR": "France", "GB": "United Kingdom", "IE": "Ireland", "IN": "India", "IT": "Italy",
        "JP": "Japan", "MX": "Mexico", "NL": "Netherlands", "PL": "Poland", "SE": "Sweden", "US": "United States",
    ]
    /// Names by ISO code, of every country that has any here.
    static let states = [
        "AB": "Alberta", "BC": "British Columbia", "CA": "California", "CO": "Colorado", "FL": "Florida",
        "IL": "Illinois", "MA": "Massachusetts", "NSW": "New South Wales", "NY": "New York", "ON": "Ontario",
        "QC": "Quebec", "TX": "Texas", "WA": "Washington",
    ]

    /// A name and its code, in the same address.
    struct Pair {
        let name: Int
        let code: Int
        /// Names by code.
        let values: [String: String]
    }

    /// Adds codes to every address of an object and binds the names to the lists.
    static func install(in definition: inout ObjectDefinition) {
        for (part, values) in [("State", states), ("Country", countries)] {
            for name in definition.fields.map(\.name) where name.hasSuffix(part) {
                definition.change(name) { $0.integrityValues = Set(values.values) }
                definition.add(
                    FieldDefinition(name + "Code", .picklist, length: 10).with {
                        $0.integrityValues = Set(values.keys)
                        $0.picklistValues = values.keys.sorted()
                    })
            }
        }
    }

    /// The pairs of an object; none where free text is allowed.
    static func pairs(_ definition: ObjectDefinition) -> [Pair] {
        definition.fields.compactMap { field in
            guard field.integrityValues != nil, case .cell(let code) = field.source, field.name.hasSuffix("Code"),
                let name = definition.cell(String(field.name.dropLast(4)))
            else { return nil }
            return Pair(name: name, code: code, values: field.name.hasSuffix("StateCode") ? states : countries)
        }
    }

    /// Makes names follow codes that were changed, and codes names.
    static func align(_ after: inout RecordRow, before: RecordRow?, _ pairs: [Pair]) {
        for pair in pairs {
            if after[pair.code] != before?[pair.code] ?? .null {
                after[pair.name] = after[pair.code].text.flatMap { pair.values[$0] }.map(FieldValue.text) ?? .null
            } else if after[pair.name] != before?[pair.name] ?? .null {
                let name = after[pair.name].text
                let code = pair.values.first { $0.value == name }?.key
                after[pair.code] = code.map(FieldValue.text) ?? .null
            }
        }
    }

    /// The refusal of a value that is not on the list.
    static func refusal(_ field: FieldDefinition) -> RecordError {
        let isState = field.name.hasSuffix("State") || field.name.hasSuffix("StateCode")
        let (part, list) = isState ? ("state", "states") : ("country", "countries")
        return RecordError(
            "FIELD_INTEGRITY_EXCEPTION",
            "There's a problem with this \(part), even though it may appear correct. Please select a \(part) from the list "
                + "of valid \(list).", fields: [field.name])
    }
}
