/// The cells of one address, which its compound field shows together.
struct CompoundAddress: Hashable {
    /// Names as the compound value has them, and cells, in the order of the names.
    private let parts: [Part]

    private struct Part: Hashable {
        let name: String
        let cell: Int
    }

    /// Ends of field names and the names of the parts.
    private static let names = [
        ("City", "city"), ("Country", "country"), ("CountryCode", "countryCode"), ("PostalCode", "postalCode"),
        ("State", "state"), ("StateCode", "stateCode"), ("Street", "street"),
    ]

    /// Adds `MailingAddress` beside `MailingStreet` …, `Address` beside `Street` …: read-only, of type `address`.
    static func install(in definition: inout ObjectDefinition) {
        for street in definition.fields.map(\.name) where street.hasSuffix("Street") {
            guard definition.cell(street) != nil else { continue }
            let prefix = String(street.dropLast("Street".count))
            let parts = names.compactMap { end, name in
                definition.cell(prefix + end).map { Part(name: name, cell: $0) }
            }
            definition.add(
                FieldDefinition(prefix + "Address", .address).readOnly.with {
                    $0.source = .address(CompoundAddress(parts: parts))
                })
        }
    }

    /// The name of the compound field that a field is part of.
    static func name(of field: FieldDefinition, in definition: ObjectDefinition) -> String? {
        for (end, _) in names where field.name.hasSuffix(end) {
            let name = String(field.name.dropLast(end.count)) + "Address"
            if definition.field(name)?.type == .address { return name }
        }
        return nil
    }

    /// The value; null when every part is empty. Nothing here ever looked up coordinates.
    func json(_ row: RecordRow) -> WireJSON {
        guard parts.contains(where: { !row[$0.cell].isNull }) else { return .null }
        var object = WireObject(parts.map { ($0.name, row[$0.cell].json(.string)) })
        for name in ["geocodeAccuracy", "latitude", "longitude"] { object[name] = .null }
        return .object(object)
    }
}
