/// The classes calls are counted under, and what each costs.
enum CallClass {
    /// The class of a path and method: `composite`, `collections`, `retrieve`, `query`, `row`, `describe`, `token`, ….
    static func name(method: String, path: String) -> String {
        let parts = path.split(separator: "/")
        if parts.count >= 2, parts[1] == "oauth2" { return parts.last == "token" ? "token" : "oauth" }
        if parts.count >= 2, parts[1] == "Soap" { return "token" }
        guard parts.count > 3 else { return "versions" }
        return name(method: method, segments: parts.dropFirst(3).map(String.init))
    }

    /// The class of a call by its path after the version.
    static func name(method: String, segments: [String]) -> String {
        switch segments.first {
        case "query", "queryAll": return "query"
        case "composite":
            guard segments.count > 1 else { return "composite" }
            guard segments[1] == "sobjects" else { return segments[1] }
            let retrieves = segments.count == 3 && (method == "GET" || method == "POST")
            return retrieves ? "retrieve" : "collections"
        case "sobjects":
            if segments.count == 1 || segments.last == "describe" { return "describe" }
            if segments.count == 3, segments[2] == "updated" || segments[2] == "deleted" { return "changes" }
            return "row"
        case "limits": return "limits"
        case "jobs": return "bulk"
        default: return "other"
        }
    }

    /// Calls a request counts as: one, except a batch, which counts each subrequest.
    static func cost(of request: APIRequest) -> Int {
        guard request.segments.count == 2, request.segments[0] == "composite", request.segments[1] == "batch",
            case .success(let body)? = request.body
        else { return 1 }
        return max(body["batchRequests"]?.arrayValue?.count ?? 1, 1)
    }
}
