extension CampaignState {
    mutating func routeCustomFieldMeta(_ call: CampaignCall) -> CampaignAnswer { .notFound }
    mutating func routeCustomFieldData(_ call: CampaignCall) -> CampaignAnswer { .notFound }
    mutating func routeDeals(_ call: CampaignCall) -> CampaignAnswer { .notFound }
    mutating func routeDealGroups(_ call: CampaignCall) -> CampaignAnswer { .notFound }
    mutating func routeDealStages(_ call: CampaignCall) -> CampaignAnswer { .notFound }
    mutating func routeCustomObjects(_ call: CampaignCall) -> CampaignAnswer { .notFound }
    func dealJSON(_ id: UInt32) -> CampaignJSON { .null }
    func refusalOfCustomValues(_ json: CampaignJSON?, in table: CampaignCustomFieldTable) -> CampaignAnswer? { nil }
    mutating func setCustomValues(
        _ json: CampaignJSON?, of owner: UInt32, in path: WritableKeyPath<CampaignState, CampaignCustomFieldTable>
    ) {}
    func customValues(of owner: UInt32, in table: CampaignCustomFieldTable) -> [CampaignJSON] { [] }
}
