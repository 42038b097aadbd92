import Foundation

/// The body that creates an ingest job: JSON, or a form of two parts, `job` and `content`, that also uploads and closes
/// it.
enum BulkParts {
    /// The job's settings, and its rows where they came along.
    static func read(_ request: APIRequest) throws(RequestError) -> (settings: WireObject, content: Data?) {
        let type = request.headers["content-type"] ?? ""
        guard type.lowercased().hasPrefix("multipart/form-data") else { return (try request.object(), nil) }
        guard let boundary = boundary(type) else { throw .json("multipart/form-data without a boundary") }
        var settings: WireObject?
        var content: Data?
        for part in parts(of: request.payload, boundary: boundary) {
            switch part.name {
            case "job": settings = (try? WireJSON(parsing: part.body))?.objectValue
            case "content": content = part.body
            default: break
            }
        }
        guard let settings else { throw .json("the part named job must be a JSON object") }
        return (settings, content)
    }

    private static func boundary(_ type: String) -> String? {
        for parameter in type.split(separator: ";").dropFirst() {
            let trimmed = parameter.trimming { $0 == " " }
            guard trimmed.lowercased().hasPrefix("boundary=") else { continue }
            return String(trimmed.dropFirst("boundary=".count).trimming { $0 == "\"" })
        }
        return nil
    }

    private static func parts(of body: Data, boundary: String) -> [(name: String, body: Data)] {
        let marker = Data("--\(boundary)".utf8)
        var parts: [(name: String, body: Data)] = []
        var from = body.range(of: marker)?.upperBound
        while let start = from, let end = body.range(of: marker, in: start..<body.endIndex) {
            if let part = part(body[start..<end.lowerBound]) { parts.append(part) }
            from = end.upperBound
        }
        return parts
    }

    /// One part between two markers: head, blank line, body, line break.
    private static func part(_ bytes: Data) -> (name: String, body: Data)? {
        let blank = bytes.range(of: Data("\r\n\r\n".utf8)) ?? bytes.range(of: Data("\n\n".utf8))
        guard let blank else { return nil }
        let head = String(decoding: bytes[..<blank.lowerBound], as: UTF8.self)
        guard let name = head.firstRange(of: "name=\"") else { return nil }
        var body = bytes[blank.upperBound...]
        if body.last == UInt8(ascii: "\n") { body.removeLast() }
        if body.last == UInt8(ascii: "\r") { body.removeLast() }
        return (String(head[name.upperBound...].prefix { $0 != "\"" }), Data(body))
    }
}
