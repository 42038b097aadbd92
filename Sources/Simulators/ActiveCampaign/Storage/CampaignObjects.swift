/// One record of a custom object.
struct CampaignObjectRecord {
    var id: String
    var externalID: String?
    /// Values by field id, in the order they came.
    var fields: [CampaignJSON.Member]
    var relationships: CampaignJSON
    var created: UInt32
    var updated: UInt32
}

/// A schema with its records.
struct CampaignObjectSchema {
    var id: String
    var json: CampaignJSON
    var created: UInt32
    var updated: UInt32
    var records: [String: CampaignObjectRecord] = [:]
    var order: [String] = []
    var byExternalID: [String: String] = [:]
    var slug: String { json["slug"]?.text ?? "" }
}

/// The custom objects of an account.
struct CampaignObjectTable {
    var schemas: [CampaignObjectSchema] = []
    private var made: UInt64 = 0

    func index(of schema: String) -> Int? { schemas.firstIndex { $0.id == schema } }

    /// A fresh id in the shape of a UUID.
    mutating func makeID(seed: UInt64) -> String {
        made += 1
        return CampaignRandom.uuid(seed ^ 0x0b6e, made)
    }
}
