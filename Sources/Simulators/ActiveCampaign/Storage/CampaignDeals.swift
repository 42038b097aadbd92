/// One deal.
struct CampaignDealRow {
    var title: String
    var description = ""
    var contact: UInt32?
    var account: UInt32?
    /// Cents.
    var value: Int
    var currency: String
    var group: UInt32
    var stage: UInt32
    var owner: String
    /// 0 open, 1 won, 2 lost.
    var status: Int
    var percent: String?
    var created: UInt32
    var modified: UInt32
    var isDeleted = false
}

/// A pipeline.
struct CampaignDealGroupRow {
    var title: String
    var currency: String
    var created: UInt32
    var updated: UInt32
    /// Whether `updated` was stamped with Greenwich's wall clock and the account's offset, as a stage's delete does
    /// (3.2).
    var isStampedAhead = false
    var isDeleted = false
}

/// A stage of a pipeline.
struct CampaignDealStageRow {
    var title: String
    var group: UInt32
    var order: CampaignJSON
    var color: String
    var created: UInt32
    var updated: UInt32
    var isDeleted = false
}

/// The deals of an account with pipelines, stages and custom fields, each by id - 1.
struct CampaignDealTable {
    var rows: [CampaignDealRow] = []
    var groups: [CampaignDealGroupRow] = []
    var stages: [CampaignDealStageRow] = []
    var fields = CampaignCustomFieldTable()

    var liveIDs: [UInt32] { rows.indices.filter { !rows[$0].isDeleted }.map { UInt32($0 + 1) } }
    var groupIDs: [UInt32] { groups.indices.filter { !groups[$0].isDeleted }.map { UInt32($0 + 1) } }
    var stageIDs: [UInt32] { stages.indices.filter { !stages[$0].isDeleted }.map { UInt32($0 + 1) } }

    func contains(_ id: UInt32) -> Bool { id >= 1 && id <= rows.count && !rows[Int(id - 1)].isDeleted }

    func hasGroup(_ id: UInt32) -> Bool { id >= 1 && id <= groups.count && !groups[Int(id - 1)].isDeleted }

    func hasStage(_ id: UInt32) -> Bool { id >= 1 && id <= stages.count && !stages[Int(id - 1)].isDeleted }

    /// The stages of a pipeline, first to last.
    func stageIDs(of group: UInt32) -> [UInt32] { stageIDs.filter { stages[Int($0 - 1)].group == group } }

    func ids(ofContact contact: UInt32) -> [UInt32] { liveIDs.filter { rows[Int($0 - 1)].contact == contact } }

    func ids(ofAccount account: UInt32) -> [UInt32] { liveIDs.filter { rows[Int($0 - 1)].account == account } }

    subscript(id: UInt32) -> CampaignDealRow {
        get { rows[Int(id - 1)] }
        _modify { yield &rows[Int(id - 1)] }
    }
}
