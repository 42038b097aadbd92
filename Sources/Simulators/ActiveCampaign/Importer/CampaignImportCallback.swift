/// Whom the importer tells when a batch is done, as the request names it (6).
struct CampaignImportCallback {
    var url: String
    /// `POST` unless `GET` is asked for.
    var method = "POST"
    /// Whether the counts of successes and failures are wanted; only a POST has them.
    var isDetailed = false
    /// Sent back with the news.
    var parameters: [(name: String, value: String)] = []
    var headers: [(name: String, value: String)] = []

    /// Reads the `callback` of an import; nil when it names no address.
    init?(_ json: CampaignJSON?) {
        guard let json, let url = json["url"]?.text, !url.isEmpty else { return nil }
        self.url = url
        if json["requestType"]?.text?.uppercased() == "GET" { method = "GET" }
        isDetailed = json["detailed_results"]?.truth ?? false
        parameters = Self.pairs(json["params"])
        headers = Self.pairs(json["headers"])
    }

    private static func pairs(_ json: CampaignJSON?) -> [(name: String, value: String)] {
        let pairs = (json?.elements ?? []).compactMap { pair -> (name: String, value: String)? in
            guard let name = pair["key"]?.text, !name.isEmpty else { return nil }
            return (name, pair["value"]?.text ?? "")
        }
        return Array(pairs.prefix(SimulatorsLimits.ActiveCampaign.callbackPairs))
    }
}
