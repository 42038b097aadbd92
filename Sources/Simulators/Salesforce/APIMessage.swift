import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A call to the data API, or a subrequest of one: the path is cut up, the body read on demand.
struct APIRequest {
    var method: String
    /// Version in the path, `66.0`.
    var version: String
    /// Path segments after the version.
    var segments: [String]
    var query: [(name: String, value: String)]
    /// By lower-case name.
    var headers: [String: String]
    /// `nil` when there is no body; an error when it is no JSON.
    var body: Result<WireJSON, RequestError>?
    /// The body as it came, where it is no JSON: rows of a bulk job.
    var payload = Data()
    /// Whether the body may hold `@{…}`; most composite calls do not, and looking for it text by text takes long.
    var mayRefer = true

    /// A call whose path begins with `/services/data/vNN.N`; `nil` for any other path.
    init?(
        method: String, path: String, query: [(name: String, value: String)], headers: [String: String],
        body: Result<WireJSON, RequestError>?
    ) {
        let parts = path.split(separator: "/").map(String.init)
        guard parts.count >= 3, parts[0] == "services", parts[1] == "data", parts[2].hasPrefix("v") else { return nil }
        self.method = method
        version = String(parts[2].dropFirst())
        segments = Array(parts.dropFirst(3))
        self.query = query
        self.headers = headers
        self.body = body
    }

    /// The body of a data call as JSON; nothing when it is empty.
    static func parse(_ data: Data) -> Result<WireJSON, RequestError>? {
        guard !data.isEmpty else { return nil }
        do throws(WireJSONError) {
            return .success(try WireJSON(parsing: data))
        } catch {
            return .failure(.json("\(error.reason) at [line:1, column:\(error.offset + 1)]"))
        }
    }

    /// Whether there is a reference `@{…}` to another subrequest in a body, or an escape that could be part of one.
    static func mayRefer(_ body: Data) -> Bool {
        body.withUnsafeBytes { bytes in
            contains(bytes, UInt8(ascii: "@"), before: UInt8(ascii: "{"))
                || contains(bytes, UInt8(ascii: "\\"), before: UInt8(ascii: "u"))
        }
    }

    private static func contains(_ bytes: UnsafeRawBufferPointer, _ byte: UInt8, before next: UInt8) -> Bool {
        guard let base = bytes.baseAddress else { return false }
        var offset = 0
        while let found = memchr(base + offset, Int32(byte), bytes.count - offset) {
            offset = UnsafeRawPointer(found) - base + 1
            if offset < bytes.count, bytes[offset] == next { return true }
        }
        return false
    }

    /// The JSON body.
    func json() throws(RequestError) -> WireJSON {
        guard let body else { throw .json("The HTTP entity body is required, but this request has no entity body.") }
        return try body.get()
    }

    /// The JSON body, which must be an object.
    func object() throws(RequestError) -> WireObject {
        guard case .object(let object) = try json() else { throw .json("The HTTP entity body must be an object") }
        return object
    }

    /// The value of a query item.
    func item(_ name: String) -> String? {
        query.first { $0.name == name }?.value
    }
}

/// The answer to a call or subrequest.
struct APIReply {
    var status: Int
    var headers: [(name: String, value: String)] = []
    /// `nil` sends no body.
    var body: WireJSON?
    /// Rows of a bulk job, sent as `text/csv` instead of a body.
    var rows: Data?

    static func ok(_ body: WireJSON) -> APIReply { APIReply(status: 200, body: body) }
    static let noContent = APIReply(status: 204)

    static func csv(_ rows: Data) -> APIReply {
        var reply = APIReply(status: 200)
        reply.rows = rows
        return reply
    }

    init(status: Int, headers: [(name: String, value: String)] = [], body: WireJSON? = nil) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    init(_ error: RequestError) {
        self.init(status: error.status, body: error.json)
    }

    /// The answer to a row call whose record was refused.
    init(_ errors: [RecordError]) {
        self.init(status: errors.first?.status ?? 400, body: .array(errors.map(\.requestJSON)))
    }
}
