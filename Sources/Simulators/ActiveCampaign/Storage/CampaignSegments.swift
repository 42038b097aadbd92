/// What makes a contact a member of a segment.
package enum ActiveCampaignSegmentRule: Sendable, Equatable {
    /// Carries the tag of that name.
    case tag(String)
    /// Is active on the list.
    case list(Int)
    /// Has that value in the custom field of that perstag.
    case field(perstag: String, value: String)
}

/// One segment and the result of its last query.
struct CampaignSegmentRow {
    /// A query that was started: its members are those of that instant.
    struct Run {
        let startedAt: Double
        let members: [UInt32]
    }

    let name: String
    let rule: ActiveCampaignSegmentRule
    var run: Run?
}

extension ActiveCampaignAccount {
    /// Adds a segment, as a person in the product does, and gives its id.
    @discardableResult
    package func addSegment(name: String, _ rule: ActiveCampaignSegmentRule) -> Int {
        perform(as: .admin) { state in
            state.segments.append(CampaignSegmentRow(name: name, rule: rule))
            return state.segments.count
        }
    }
}

extension CampaignState {
    /// The members of a segment, ascending; nil while it has no result. A query runs for `segmentSeconds` and its result
    /// is kept for `segmentFreshSeconds` (3.4); who joins in between is not seen.
    mutating func membersOfSegment(_ id: UInt32, starts: Bool) -> [UInt32]? {
        guard segments.indices.contains(Int(id) - 1) else { return nil }
        let index = Int(id) - 1
        let isFresh = segments[index].run.map { instant - $0.startedAt < options.segmentFreshSeconds } ?? false
        if starts, !isFresh {
            let members = currentMembers(segments[index].rule)
            segments[index].run = CampaignSegmentRow.Run(startedAt: instant, members: members)
        }
        guard let run = segments[index].run, instant - run.startedAt >= options.segmentSeconds else { return nil }
        return run.members
    }

    private func currentMembers(_ rule: ActiveCampaignSegmentRule) -> [UInt32] {
        switch rule {
        case .tag(let name): return tags.find(name).map { tags[$0].contacts } ?? []
        case .list(let list):
            return filtered { row in
                memberships.chain(from: row.firstMembership).contains {
                    memberships[$0].list == UInt32(clamping: list) && memberships[$0].status == 1
                }
            }
        case .field(let perstag, let value):
            guard let field = fields.find(perstag: perstag) else { return [] }
            return filtered { row in
                values.chain(from: row.firstValue).contains { values[$0].field == field && values[$0].value == value }
            }
        }
    }

    private func filtered(_ isMember: (CampaignContactRow) -> Bool) -> [UInt32] {
        var members: [UInt32] = []
        contacts.walk(after: 0, before: .max, changed: 0...(.max)) { id in
            if isMember(contacts[id]) { members.append(id) }
            return true
        }
        return members
    }

    /// `GET /segments`: names and ids.
    func routeSegments(_ call: CampaignCall) -> CampaignAnswer {
        guard call.method == "GET", call.path.count == 1, let page = call.page(options) else { return .notFound }
        let rows = segments.indices.map { index -> CampaignJSON in
            ["name": .string(segments[index].name), "logic": "and", "hidden": "0", "id": .id(index + 1)]
        }
        return CampaignAnswer(["segments": .array(Array(rows.page(page))), "meta": ["total": .id(rows.count)]])
    }

    /// `/campaigns…`: none is ever sent here, but its old-style delete answers as live: 200, JSON that calls itself HTML
    /// (9).
    func routeCampaigns(_ call: CampaignCall) -> CampaignAnswer {
        switch (call.method, call.path.count) {
        case ("GET", 1): return CampaignAnswer(["campaigns": [], "meta": ["total": "0"]])
        case ("DELETE", 2):
            var answer = CampaignAnswer(["succeeded": .int(0), "message": "Campaign not found"])
            answer.contentType = "text/html; charset=UTF-8"
            return answer
        default: return .noResult("Campaign", call.path.count > 1 ? call.path[1] : "")
        }
    }
}
