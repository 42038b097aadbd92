import Drivers
import Foundation

extension ActiveCampaignClient {
    /// All rows of a list, page by page. Without `limit` every list is silently cut at 20 (reference 11.1).
    /// - Parameters:
    ///   - call: the first page's call, without limit and offset.
    ///   - key: the answer's key of the rows; an answer without it is not an empty list (trap T20).
    /// - Throws: `ourBug` when the list is longer than `ActiveCampaignLimits.listPages`.
    func wholeList<Row: Decodable & Sendable>(
        _ call: APICall, key: String
    ) async throws(ActiveCampaignError) -> [Row] {
        try await wholeLists(call, key: key) { page in page.rows }
    }

    /// As `wholeList`, for answers whose sideloads matter: `take` makes of each page what is kept of it.
    func wholeLists<Row: Decodable & Sendable, Kept>(
        _ call: APICall, key: String, take: (ListPage<Row>) throws -> [Kept]
    ) async throws(ActiveCampaignError) -> [Kept] {
        var kept: [Kept] = []
        var offset = 0
        for _ in 0..<ActiveCampaignLimits.listPages {
            var paged = call
            paged.query += [("limit", String(ActiveCampaignLimits.pageSize)), ("offset", String(offset))]
            let (rows, count, total) = try await perform(paged) { response in
                let page = try ListPage<Row>(response.body, key: key)
                return (try take(page), page.rows.count, page.total)
            }
            kept += rows
            offset += count
            let isShort = count < ActiveCampaignLimits.pageSize && (total.map { $0 <= offset } ?? true)
            if count == 0 || isShort || total == offset { return kept }
        }
        throw ActiveCampaignError(.ourBug(code: "list_too_long"), call: call.kind)
    }
}

/// One page of a list.
struct ListPage<Row: Decodable & Sendable> {
    let rows: [Row]
    let total: Int?
    /// The whole body, for sideloads.
    let body: Data

    init(_ body: Data, key: String) throws {
        let decoder = JSONDecoder()
        decoder.userInfo[Self.keyInfo] = key
        let wire = try decoder.decode(Wire.self, from: body)
        rows = wire.rows
        total = wire.total
        self.body = body
    }

    private static var keyInfo: CodingUserInfoKey {
        guard let key = CodingUserInfoKey(rawValue: "rows") else { preconditionFailure("a constant key") }
        return key
    }

    private struct Wire: Decodable {
        let rows: [Row]
        let total: Int?

        init(from decoder: any Decoder) throws {
            let name = decoder.userInfo[ListPage.keyInfo] as? String ?? ""
            let container = try decoder.container(keyedBy: AnyKey.self)
            rows = try container.decode([Row].self, forKey: AnyKey(name))
            total = ListMeta.total(of: try? container.decode(LooseMeta.self, forKey: AnyKey("meta")))
        }
    }

    private struct AnyKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(_ name: String) { stringValue = name }
        init?(stringValue: String) { self.init(stringValue) }
        init?(intValue: Int) { nil }
    }
}
