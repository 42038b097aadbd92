/// What GET /contacts asks for. Parameters nobody knows are ignored, as live.
struct CampaignContactQuery {
    /// An order other than by id.
    enum Order {
        case id
        case cdate
        case email
        case firstName
        case lastName
        case udate
    }

    var page: (offset: Int, limit: Int)
    var ids: [UInt32]?
    var email: String?
    var emailLike: String?
    var search: String?
    var phone: String?
    var after: UInt32 = 0
    var before: UInt32 = .max
    var excluded: UInt32?
    var list: UInt32?
    var tag: UInt32?
    /// An automation that the contact went through.
    var automation: UInt32?
    /// Whether a membership is asked for that nobody can have: forms, waits.
    var isImpossible = false
    var status: UInt8?
    var segment: UInt32?
    /// Whether the segment's query is to be started if its result is none or old.
    var forcesQuery = false
    /// The segment's members, ascending, once its query is done.
    var members: [UInt32]?
    var created: ClosedRange<UInt32> = 0...(.max)
    var changed: ClosedRange<UInt32> = 0...(.max)
    var order = Order.id
    var isDescending = false
    var sideloads: CampaignSideloads = []

    /// Whether the ids alone decide who is on the page.
    var isPlainWalk: Bool {
        ids == nil && email == nil && emailLike == nil && search == nil && phone == nil && excluded == nil
            && list == nil && tag == nil && automation == nil && status == nil && !isImpossible && order == .id
            && created == 0...(.max) && changed == 0...(.max) && segment == nil
    }

    /// Whether a contact's id, tag and time of update decide, so that its row need not be read.
    var isDecidedWithoutRow: Bool {
        ids == nil && emailLike == nil && search == nil && phone == nil && excluded == nil && list == nil
            && automation == nil && status == nil && created == 0...(.max) && (email == nil || tag == nil)
            && segment == nil
    }

    /// Reads a query; nil when it is nonsense, which is answered 400 `{}`.
    init?(_ call: CampaignCall, state: CampaignState) {
        guard let page = call.page(state.options, most: SimulatorsLimits.ActiveCampaign.pageRows) else { return nil }
        self.page = page
        readIdentity(call)
        readMembership(call)
        readOrder(call, byUpdateTime: state.options.ordersByUpdateTime)
        sideloads = CampaignSideloads(include: call.value("include") ?? "")
        guard readTimes(call, state: state) else { return nil }
        applyReadLag(state: state)
    }

    private mutating func readIdentity(_ call: CampaignCall) {
        let ids = call.query.filter { $0.name == "ids[]" || $0.name == "ids" || $0.name.hasPrefix("ids[") }
        if !ids.isEmpty {
            let numbers = ids.flatMap { $0.value.split(separator: ",") }.compactMap { UInt32($0) }
            self.ids = Array(Set(numbers)).sorted()
        }
        email = call.value("email")
        emailLike = call.value("email_like")?.lowercased()
        search = call.value("search")?.lowercased()
        phone = call.value("phone")
        after = call.value("id_greater").flatMap { UInt32($0) } ?? 0
        before = call.value("id_less").flatMap { UInt32($0) } ?? .max
        excluded = call.value("exclude").flatMap { UInt32($0) }
    }

    private mutating func readMembership(_ call: CampaignCall) {
        list = Self.positive(call.value("listid"))
        tag = Self.positive(call.value("tagid"))
        automation = Self.positive(call.value("seriesid"))
        isImpossible = Self.positive(call.value("formid")) != nil || Self.positive(call.value("waitid")) != nil
        status = call.value("status").flatMap { UInt8($0) }
        segment = Self.positive(call.value("segmentid"))
        forcesQuery = call.value("forceQuery") == "1"
    }

    private mutating func readOrder(_ call: CampaignCall, byUpdateTime: Bool) {
        guard let item = call.query.first(where: { $0.name.hasPrefix("orders[") }) else { return }
        switch item.name {
        case "orders[id]": order = .id
        case "orders[cdate]": order = .cdate
        case "orders[email]": order = .email
        case "orders[first_name]": order = .firstName
        case "orders[last_name]", "orders[name]": order = .lastName
        case "orders[udate]" where byUpdateTime, "orders[updated_timestamp]" where byUpdateTime: order = .udate
        default: return
        }
        isDescending = item.value.uppercased() == "DESC"
    }

    private mutating func readTimes(_ call: CampaignCall, state: CampaignState) -> Bool {
        guard let created = Self.range(call, "created", state), let changed = Self.range(call, "updated", state)
        else { return false }
        self.created = created
        self.changed = changed
        return true
    }

    /// The stamps between `filters[x_after]` and `filters[x_before]`; nil when one of them is no time.
    private static func range(_ call: CampaignCall, _ kind: String, _ state: CampaignState) -> ClosedRange<UInt32>? {
        var low = 0
        var high = Int(UInt32.max)
        var after = call.value("filters[\(kind)_after]")
        if kind == "updated", state.options.takesUpdatedTimestampFilter {
            after = after ?? call.value("filters[updated_timestamp]")
        }
        if let text = after {
            guard let instant = instant(text, state) else { return nil }
            low = state.options.afterIsInclusive ? instant : instant + 1
        }
        if let text = call.value("filters[\(kind)_before]") {
            guard let instant = instant(text, state) else { return nil }
            high = instant - 1
        }
        let lower = UInt32(clamping: low)
        // An empty range is spelled as the one second that no stamp has.
        return low > high ? 0...0 : lower...max(lower, UInt32(clamping: high))
    }

    private static func instant(_ text: String, _ state: CampaignState) -> Int? {
        CampaignInstant.parse(text, zone: state.zone, naiveIsUTC: state.options.naiveFilterTimesAreUTC)
    }

    /// A replica that lags does not show the newest changes to filters and searches.
    private mutating func applyReadLag(state: CampaignState) {
        let isLagging = changed != 0...(.max) || search != nil || emailLike != nil
        guard state.options.readLagSeconds > 0, isLagging else { return }
        let seen = UInt32(clamping: Int(clampingDouble: state.instant - state.options.readLagSeconds))
        let high = min(changed.upperBound, seen)
        changed = changed.lowerBound > high ? 0...0 : changed.lowerBound...high
    }

    private static func positive(_ text: String?) -> UInt32? {
        text.flatMap { UInt32($0) }.flatMap { $0 == 0 ? nil : $0 }
    }
}

extension CampaignState {
    /// The contacts of one page and how many match in all.
    func select(_ query: CampaignContactQuery) -> (page: [UInt32], total: Int) {
        if query.isPlainWalk { return selectPlainly(query) }
        guard query.order == .id else { return selectSorted(query) }
        var page: [UInt32] = []
        var total = 0
        forEachMatch(query, descending: query.isDescending) { id in
            if total >= query.page.offset, page.count < query.page.limit { page.append(id) }
            total += 1
        }
        return (page, total)
    }

    private func selectPlainly(_ query: CampaignContactQuery) -> (page: [UInt32], total: Int) {
        var page: [UInt32] = []
        var skipped = 0
        contacts.walk(after: query.after, before: query.before, changed: query.changed, descending: query.isDescending)
        {
            if skipped < query.page.offset { skipped += 1 } else { page.append($0) }
            return page.count < query.page.limit
        }
        return (page, contacts.liveCount(after: query.after, before: query.before))
    }

    private func selectSorted(_ query: CampaignContactQuery) -> (page: [UInt32], total: Int) {
        var all: [UInt32] = []
        forEachMatch(query, descending: false) { all.append($0) }
        let sorted = all.sorted { first, second in
            query.isDescending ? isOrdered(second, first, query.order) : isOrdered(first, second, query.order)
        }
        return (Array(sorted.page(query.page)), all.count)
    }

    private func isOrdered(_ first: UInt32, _ second: UInt32, _ order: CampaignContactQuery.Order) -> Bool {
        let (left, right) = (contacts[first], contacts[second])
        switch order {
        case .id: return first < second
        case .cdate: return (left.cdate, first) < (right.cdate, second)
        case .udate: return (contacts.udate(of: first), first) < (contacts.udate(of: second), second)
        case .email: return (left.email, first) < (right.email, second)
        case .firstName: return (left.firstName, first) < (right.firstName, second)
        case .lastName: return (left.lastName, left.firstName, first) < (right.lastName, right.firstName, second)
        }
    }

    private func forEachMatch(_ query: CampaignContactQuery, descending: Bool, _ body: (UInt32) -> Void) {
        guard !query.isImpossible else { return }
        let isDecided = query.isDecidedWithoutRow
        guard let candidates = candidates(query) else {
            contacts.walk(
                after: query.after, before: query.before, changed: query.changed, descending: descending
            ) { id in
                if isDecided || matches(id, query) { body(id) }
                return true
            }
            return
        }
        for id in descending ? candidates.reversed() : candidates {
            guard contacts.contains(id), id > query.after, id < query.before,
                query.changed.contains(contacts.udate(of: id)), isDecided || matches(id, query)
            else { continue }
            body(id)
        }
    }

    /// The few contacts a narrow filter leaves, ascending; nil when all have to be walked.
    private func candidates(_ query: CampaignContactQuery) -> [UInt32]? {
        if query.segment != nil { return query.members ?? [] }
        if let email = query.email {
            guard let id = contacts.find(email: email) else { return [] }
            return options.emailFilterIgnoresCase || contacts[id].email == email ? [id] : []
        }
        if let ids = query.ids { return ids }
        if let tag = query.tag {
            guard tags.contains(tag) else { return [] }
            let carriers = tags[tag].contacts
            let first = CampaignTagTable.place(of: query.after &+ 1, in: carriers)
            return Array(carriers[first...])
        }
        return nil
    }

    private func matches(_ id: UInt32, _ query: CampaignContactQuery) -> Bool {
        let row = contacts[id]
        if id == query.excluded || !query.created.contains(row.cdate) { return false }
        if let ids = query.ids, !ids.contains(id) { return false }
        if query.segment != nil, let email = query.email, row.email.lowercased() != email.lowercased() { return false }
        if let tag = query.tag, taggingID(of: id, tag: tag) == nil { return false }
        if let automation = query.automation,
            !(automations.entries[id] ?? []).contains(where: { $0.automation == automation })
        {
            return false
        }
        if query.list != nil || query.status != nil, !hasMembership(id, query) { return false }
        if let part = query.emailLike, !row.email.lowercased().contains(part) { return false }
        if let prefix = query.phone, !row.phone.hasPrefix(prefix) { return false }
        if let part = query.search {
            let account = customers.account(of: id).map { customers.accounts[$0].name } ?? ""
            let text = [row.email, row.firstName, row.lastName, row.phone, account].joined(separator: " ").lowercased()
            if !text.contains(part) { return false }
        }
        return true
    }

    private func hasMembership(_ id: UInt32, _ query: CampaignContactQuery) -> Bool {
        memberships.chain(from: contacts[id].firstMembership).contains { membership in
            let row = memberships[membership]
            return (query.list ?? row.list) == row.list && (query.status ?? row.status) == row.status
        }
    }
}
