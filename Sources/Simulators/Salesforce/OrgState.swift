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
        } else {
            reply = APIReply(RequestError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."))
        }
        reply.headers.append(("Sforce-Limit-Info", limitInfo(now: now)))
        return reply
    }

    /// `api-usage=10018/100000`, on every answer, errors included.
    mutating func limitInfo(now: Double) -> String {
        "api-usage=\(allocation.used(now: now))/\(allocation.limit)"
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

    /// The org id as access tokens begin with it.
    var shortID: String { String(id.prefix(15)) }
    /// Id of the integration user.
    var userID: String { RecordID.make(prefix: "005", org: number, sequence: Int(OrgRecords.integrationUser)) }
}
