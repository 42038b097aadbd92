/// Custom values that come and go inside an account or a deal.
extension CampaignState {
    /// The refusal of a `fields` array that has a value of the wrong type.
    func refusalOfCustomValues(_ json: CampaignJSON?, in table: CampaignCustomFieldTable) -> CampaignAnswer? {
        for value in json?.elements ?? [] {
            guard let field = value["customFieldId"]?.identifier, table.hasMeta(field) else { continue }
            let text = value["fieldValue"] ?? .null
            if !table.accepts(text, for: field) { return unfitValue(text, field, table) }
        }
        return nil
    }

    /// Stores a `fields` array; fields that do not exist are ignored.
    mutating func setCustomValues(
        _ json: CampaignJSON?, of owner: UInt32, in path: WritableKeyPath<CampaignState, CampaignCustomFieldTable>
    ) {
        for value in json?.elements ?? [] {
            guard let field = value["customFieldId"]?.identifier, self[keyPath: path].hasMeta(field) else { continue }
            _ = self[keyPath: path].set(
                owner: owner, field: field, value: value["fieldValue"] ?? .null,
                currency: value["fieldCurrency"] ?? .null, at: now)
        }
    }

    /// The `fields` array of an account or a deal.
    func customValues(of owner: UInt32, in table: CampaignCustomFieldTable) -> [CampaignJSON] {
        table.dataIDs(of: owner).map { id in
            let row = table.data[Int(id - 1)]
            return [
                "customFieldId": .int(Int(row.field)), "fieldValue": row.value, "fieldCurrency": row.currency,
                "id": .id(id),
            ]
        }
    }

    /// The refusal of a value that is not of its field's type.
    func unfitValue(_ value: CampaignJSON, _ field: UInt32, _ table: CampaignCustomFieldTable) -> CampaignAnswer {
        let type = table.metas[Int(field - 1)].type
        return CampaignAnswer(
            status: 422,
            [
                "errors": [
                    [
                        "detail": .string(
                            "The custom field value `\(value.text ?? "")` could not be saved "
                                + "to the custom field of type `\(type)`."
                        )
                    ]
                ]
            ])
    }
}
