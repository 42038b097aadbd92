/// `/composite`: up to 25 subrequests as one counted call (reference section 5.1).
extension OrgState {
    mutating func compositeSeries(_ request: APIRequest, now: Double) throws(RequestError) -> APIReply {
        guard request.method == "POST" else { throw .methodNotAllowed(request.method) }
        let body = try request.object()
        let allOrNone = body["allOrNone"]?.boolValue ?? false
        let subrequests = try CompositeSubrequest.read(body["compositeRequest"]?.arrayValue)
        let savepoint = records.database.savepoint
        var series = CompositeSeries()
        for subrequest in subrequests {
            let reply: APIReply
            if allOrNone, series.hasFailed {
                reply = CompositeSeries.halted()
            } else if let resolved = request.mayRefer ? series.resolve(subrequest) : subrequest {
                reply = run(resolved, now: now)
            } else {
                reply = CompositeSeries.halted()
            }
            series.add(subrequest.referenceID, reply)
        }
        if allOrNone, series.hasFailed {
            records.database.rollback(to: savepoint)
            series.haltSuccesses()
        }
        return .ok(series.answer)
    }

    /// Runs one subrequest whose references are filled in.
    mutating func run(_ subrequest: CompositeSubrequest, now: Double) -> APIReply {
        let target = RequestTarget(subrequest.url)
        guard
            let inner = APIRequest(
                method: subrequest.method, path: target.path, query: target.query, headers: subrequest.headers,
                body: subrequest.body.map { .success($0) })
        else { return APIReply(.notFound()) }
        let isNested = inner.segments.first == "composite" && inner.segments.dropFirst().first != "sobjects"
        if isNested || inner.segments.first == "jobs" {
            return APIReply(
                RequestError(400, "INVALID_INPUT", "Subrequests of this kind are not allowed in a composite request"))
        }
        return route(inner, now: now)
    }
}

/// One subrequest as it was sent.
struct CompositeSubrequest {
    let method: String
    var url: String
    let referenceID: String
    let headers: [String: String]
    var body: WireJSON?

    /// Whether it is one of the kinds of which a call may hold five.
    private var isCollectionOrQuery: Bool {
        let path = RequestTarget(url).path
        return ["query", "collections", "retrieve"].contains(CallClass.name(method: method, path: path))
    }

    private static let forbiddenHeaders: Set<String> = ["accept", "authorization", "content-type"]

    /// Reads and checks `compositeRequest`; anything wrong in it refuses the whole call.
    static func read(_ entries: [WireJSON]?) throws(RequestError) -> [CompositeSubrequest] {
        guard let entries else { throw RequestError(400, "INVALID_INPUT", "compositeRequest is required") }
        guard entries.count <= SimulatorsLimits.compositeSubrequests else {
            throw RequestError(
                400, "LIMIT_EXCEEDED", "Limit of 25 reached for 'subrequest' in the composite request")
        }
        let subrequests = try readNodes(entries)
        guard subrequests.count(where: \.isCollectionOrQuery) <= SimulatorsLimits.compositeCollections else {
            throw RequestError(
                400, "LIMIT_EXCEEDED",
                "Limit of 5 reached for 'collections and query' subrequests in the composite request")
        }
        return subrequests
    }

    /// Reads subrequests without the bounds of a series; their references must differ.
    static func readNodes(_ entries: [WireJSON]?) throws(RequestError) -> [CompositeSubrequest] {
        guard let entries else { throw RequestError(400, "INVALID_INPUT", "compositeRequest is required") }
        var subrequests: [CompositeSubrequest] = []
        for entry in entries { subrequests.append(try read(entry)) }
        guard Set(subrequests.map(\.referenceID)).count == subrequests.count else {
            throw RequestError(400, "INVALID_INPUT", "Provide a unique referenceId for each subrequest")
        }
        return subrequests
    }

    private static func read(_ entry: WireJSON) throws(RequestError) -> CompositeSubrequest {
        guard let method = entry["method"]?.stringValue, let url = entry["url"]?.stringValue,
            let referenceID = entry["referenceId"]?.stringValue, !referenceID.isEmpty
        else { throw RequestError(400, "INVALID_INPUT", "method, url and referenceId are required in a subrequest") }
        guard ["GET", "POST", "PATCH", "DELETE"].contains(method) else { throw .methodNotAllowed(method) }
        var headers: [String: String] = [:]
        for (name, value) in entry["httpHeaders"]?.objectValue?.members ?? [] {
            guard !forbiddenHeaders.contains(name.lowercased()) else {
                throw RequestError(400, "INVALID_INPUT", "\(name) is not allowed in httpHeaders")
            }
            headers[name.lowercased()] = value.stringValue ?? ""
        }
        return CompositeSubrequest(
            method: method, url: url, referenceID: referenceID, headers: headers, body: entry["body"])
    }
}

/// The answers of a series so far, and what later subrequests refer to in them.
struct CompositeSeries {
    private var replies: [(referenceID: String, reply: APIReply)] = []
    private(set) var hasFailed = false

    /// Keeps the answer of a subrequest.
    mutating func add(_ referenceID: String, _ reply: APIReply) {
        replies.append((referenceID, reply))
        if !Self.succeeded(reply) { hasFailed = true }
    }

    /// The subrequest with its references filled in; `nil` when one leads to a failed subrequest.
    func resolve(_ subrequest: CompositeSubrequest) -> CompositeSubrequest? {
        var resolved = subrequest
        let bodies = replies.reduce(into: [String: WireJSON]()) { bodies, entry in
            if entry.reply.status < 300 { bodies[entry.referenceID] = entry.reply.body ?? .null }
        }
        let references = CompositeReferences(bodies: bodies)
        guard let url = references.fill(subrequest.url) else { return nil }
        resolved.url = url
        if let body = subrequest.body {
            guard let filled = references.fill(body) else { return nil }
            resolved.body = filled
        }
        return resolved
    }

    /// After a rollback: what had succeeded shows as halted.
    mutating func haltSuccesses() {
        for index in replies.indices where Self.succeeded(replies[index].reply) {
            replies[index].reply = Self.halted()
        }
    }

    /// The same answers in another order of references.
    func sorted(as references: [String]) -> CompositeSeries {
        let places = Dictionary(references.enumerated().map { ($1, $0) }) { first, _ in first }
        var copy = self
        copy.replies.sort { (places[$0.referenceID] ?? 0) < (places[$1.referenceID] ?? 0) }
        return copy
    }

    /// The whole answer.
    var answer: WireJSON {
        let entries = replies.map { referenceID, reply -> WireJSON in
            [
                "body": reply.body ?? .null,
                "httpHeaders": .object(WireObject(reply.headers.map { ($0.name, .string($0.value)) })),
                "httpStatusCode": .int(reply.status), "referenceId": .string(referenceID),
            ]
        }
        return ["compositeResponse": .array(entries)]
    }

    /// The answer to a subrequest that was not run, or was taken back.
    static func halted() -> APIReply {
        APIReply(
            RequestError(
                400, "PROCESSING_HALTED",
                "The transaction was rolled back since another operation in the same transaction failed."))
    }

    /// A status below 400, and no failed row inside.
    private static func succeeded(_ reply: APIReply) -> Bool {
        guard reply.status < 300 || reply.status == 304 else { return false }
        return !(reply.body?.arrayValue ?? []).contains { $0["success"] == .bool(false) }
    }
}
