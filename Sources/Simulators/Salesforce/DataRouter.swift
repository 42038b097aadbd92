/// The data API's paths (reference section 2).
extension OrgState {
    /// Runs one call or subrequest.
    mutating func route(_ request: APIRequest, now: Double) -> APIReply {
        do throws(RequestError) {
            try APIVersion.check(request.version)
            switch request.segments.first {
            case nil: return .ok(APIVersion.resources(request.version))
            case "query", "queryAll": return try query(request, now: now)
            case "composite": return try composite(request, now: now)
            case "sobjects": return try sobjects(request, now: now)
            case "jobs": return try jobs(request, now: now)
            case "limits": return .ok(limits(now: now))
            default: throw .notFound()
            }
        } catch {
            return APIReply(error)
        }
    }

    private mutating func composite(_ request: APIRequest, now: Double) throws(RequestError) -> APIReply {
        switch request.segments.dropFirst().first {
        case nil: return try compositeSeries(request, now: now)
        case "batch": return try compositeBatch(request, now: now)
        case "graph": return try compositeGraph(request, now: now)
        case "tree": return try compositeTree(request, now: now)
        case "sobjects": return try collections(request, now: now)
        default: throw .notFound()
        }
    }

    private mutating func sobjects(_ request: APIRequest, now: Double) throws(RequestError) -> APIReply {
        let segments = request.segments
        guard segments.count > 1 else { return describeGlobal(request) }
        guard let table = records.database.table(segments[1]) else { throw .notFound() }
        if segments.count == 2 { return try objectRoot(request, table: table, now: now) }
        if segments.count == 3 {
            switch segments[2] {
            case "describe": return try describe(request, table: table)
            case "updated": return try updated(request, table: table, now: now)
            case "deleted": return try deleted(request, table: table, now: now)
            default: return try row(request, id: segments[2], table: table, now: now)
            }
        }
        // A value may contain slashes; the path was decoded before it was cut.
        let value = segments[3...].joined(separator: "/")
        return try externalRow(request, field: segments[2], value: value, table: table, now: now)
    }
}

/// Versions of the API this simulator speaks.
enum APIVersion {
    static let supported = [
        ("60.0", "Spring '24"), ("61.0", "Summer '24"), ("62.0", "Winter '25"), ("63.0", "Spring '25"),
        ("64.0", "Summer '25"), ("65.0", "Winter '26"), ("66.0", "Spring '26"), ("67.0", "Summer '26"),
    ]

    /// Refuses versions that are retired or not there.
    static func check(_ version: String) throws(RequestError) {
        guard let number = Double(version) else { throw .notFound() }
        if (7...30).contains(number) {
            throw RequestError(410, "UNSUPPORTED_API_VERSION", "The requested API version is retired")
        }
        guard number >= 31, number <= 67, number.rounded() == number else { throw .notFound() }
    }

    /// The answer to `/services/data`.
    static var list: WireJSON {
        .array(
            supported.map { version, label in
                ["label": .string(label), "url": .string("/services/data/v\(version)"), "version": .string(version)]
            })
    }

    /// The answer to `/services/data/vNN.N`.
    static func resources(_ version: String) -> WireJSON {
        let names = ["sobjects", "query", "queryAll", "composite", "limits", "jobs"]
        return .object(WireObject(names.map { ($0, .string("/services/data/v\(version)/\($0)")) }))
    }
}
