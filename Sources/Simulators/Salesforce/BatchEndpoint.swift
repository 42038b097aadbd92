/// `/composite/batch`: up to 25 independent calls in one request, each counted (reference section 5.2).
extension OrgState {
    mutating func compositeBatch(_ request: APIRequest, now: Double) throws(RequestError) -> APIReply {
        guard request.method == "POST" else { throw .methodNotAllowed(request.method) }
        let body = try request.object()
        guard let entries = body["batchRequests"]?.arrayValue else {
            throw RequestError(400, "INVALID_INPUT", "batchRequests is required")
        }
        guard entries.count <= SimulatorsLimits.compositeSubrequests else {
            throw RequestError(400, "LIMIT_EXCEEDED", "A batch holds at most 25 subrequests")
        }
        let halts = body["haltOnError"]?.boolValue ?? false
        var hasErrors = false
        var results: [WireJSON] = []
        for entry in entries {
            let reply = halts && hasErrors ? Self.haltedItem() : runBatchItem(entry, now: now)
            if reply.status >= 400 { hasErrors = true }
            results.append(["statusCode": .int(reply.status), "result": reply.body ?? .null])
            records.database.commit()
        }
        return .ok(["hasErrors": .bool(hasErrors), "results": .array(results)])
    }

    private mutating func runBatchItem(_ entry: WireJSON, now: Double) -> APIReply {
        guard let method = entry["method"]?.stringValue, let url = entry["url"]?.stringValue else {
            return APIReply(RequestError(400, "INVALID_INPUT", "method and url are required in a subrequest"))
        }
        let target = RequestTarget(url.hasPrefix("/") ? url : "/services/data/" + url)
        let body = entry["richInput"].map { Result<WireJSON, RequestError>.success($0) }
        guard
            let inner = APIRequest(method: method, path: target.path, query: target.query, headers: [:], body: body),
            inner.segments.first != "jobs",
            inner.segments.first != "composite" || inner.segments.dropFirst().first == "sobjects"
        else { return APIReply(.notFound()) }
        return route(inner, now: now)
    }

    private static func haltedItem() -> APIReply {
        APIReply(
            RequestError(
                412, "BATCH_PROCESSING_HALTED", "Batch processing is halted, because an earlier subrequest failed"))
    }
}
