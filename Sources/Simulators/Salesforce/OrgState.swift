/// Everything one org knows; handled whole under the org's lock, one call at a time.
struct OrgState {
    let identity: OrgIdentity
    var records: OrgRecords
    var sessions: OrgSessions
    var allocation: APIAllocation
    var cursors = QueryCursors()
    var bulk = BulkJobs()
    /// Most rows of a query page, whatever is asked: wide rows shrink pages.
    var queryPageRows = SimulatorsLimits.queryPageRows
    /// Whether the edition has the API.
    var hasAPI = true
    /// What `Sforce-Limit-Info` showed last, and since when.
    var shownUsage = (used: 0, at: -Double.infinity)
    /// Requests of 20 seconds and more that others have running.
    var longRunningCalls = 0

    /// Runs a call to the data API that carries a valid token: counts it, routes it, shows the limits.
    mutating func answer(_ request: APIRequest, now: Double) -> APIReply {
        guard hasAPI else {
            return APIReply(
                RequestError(403, "API_DISABLED_FOR_ORG", "API is not enabled for this Organization or Partner"))
        }
        guard longRunningCalls < identity.edition.longRunningCalls else {
            var reply = APIReply(
                RequestError(
                    403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded."))
            reply.headers.append(("Sforce-Limit-Info", limitInfo(now: now)))
            return reply
        }
        var reply: APIReply
        if allocation.spend(CallClass.cost(of: request), now: now) {
            settle(now: now)
            reply = route(request, now: now)
            records.database.commit()
            if isFree(reply) { allocation.add(-CallClass.cost(of: request), now: now) }
        } else {
            reply = APIReply(RequestError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."))
        }
        let texts = identity.unconfirmed.texts
        if !texts.isEmpty { reply.body = reply.body?.worded(by: texts) }
        reply.headers.append(("Sforce-Limit-Info", limitInfo(now: now)))
        return reply
    }

    /// Whether a call that was let through does not count after all.
    private func isFree(_ reply: APIReply) -> Bool {
        switch reply.status {
        case 304: !identity.unconfirmed.countsUnchanged
        case 400..<500: !identity.unconfirmed.countsFailedCalls
        default: false
        }
    }

    /// `api-usage=10018/100000`, on every answer, errors included; behind by as much as the org's switch says.
    mutating func limitInfo(now: Double) -> String {
        if now - shownUsage.at >= identity.unconfirmed.usageLagSeconds {
            shownUsage = (allocation.used(now: now), now)
        }
        return "api-usage=\(shownUsage.used)/\(allocation.limit)"
    }

    /// Catches up with everything that was due before `now`.
    mutating func settle(now: Double) {
        runJobs(now: now)
        for table in records.database.tables.indices {
            records.database.withTable(table) { $0.settle(now: now) }
        }
        cursors.expire(now: now)
    }
}

/// The names and secrets one org is told apart by.
struct OrgIdentity: Sendable {
    let number: Int
    let name: String
    /// 18-character org id.
    let id: String
    let edition: SalesforceEdition
    let isSandbox: Bool
    let username: String
    let clientID: String
    let clientSecret: String
    /// Whether a password is enough, without the security token.
    var trustsNetwork = false
    /// Facts nobody could confirm, as this org has them.
    var unconfirmed = SalesforceUnconfirmed()

    /// The org id as access tokens begin with it.
    var shortID: String { String(id.prefix(15)) }
    /// Id of the integration user.
    var userID: String { RecordID.make(prefix: "005", org: number, sequence: Int(OrgRecords.integrationUser)) }
}
