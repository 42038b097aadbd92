import Foundation

/// One answer before it gets the headers that all answers share.
struct CampaignAnswer {
    var status: Int
    var body: [UInt8]
    var contentType = "application/json"
    var headers: [(name: String, value: String)] = []

    init(status: Int, body: [UInt8] = [], contentType: String = "application/json") {
        self.status = status
        self.body = body
        self.contentType = contentType
    }

    init(status: Int = 200, _ json: CampaignJSON) {
        var writer = CampaignJSONWriter()
        writer.value(json)
        self.init(status: status, body: writer.bytes)
    }

    init(status: Int = 200, _ writer: CampaignJSONWriter) {
        self.init(status: status, body: writer.bytes)
    }

    // MARK: - Shapes of failure

    /// `{}`: the whole body of many 400s, and of a successful delete.
    static func emptyObject(_ status: Int = 200) -> CampaignAnswer {
        CampaignAnswer(status: status, .object([]))
    }

    /// `{"message": …}`
    static func message(_ status: Int, _ text: String) -> CampaignAnswer {
        CampaignAnswer(status: status, ["message": .string(text)])
    }

    /// 404 with ActiveCampaign's own name of the kind: `No Result found for Subscriber with id 1`.
    static func noResult(_ kind: String, _ id: String) -> CampaignAnswer {
        message(404, "No Result found for \(kind) with id \(id)")
    }

    /// 404 of an unknown resource.
    static let notFound = message(404, "Not Found")

    /// The list of errors with a code and a pointer, as contacts, accounts and fields answer.
    static func problem(
        _ title: String, detail: String = "", code: String, pointer: String? = nil, status: Int = 422
    ) -> CampaignAnswer {
        var error: CampaignJSON = ["title": .string(title), "detail": .string(detail), "code": .string(code)]
        if let pointer { error = error.setting("source", ["pointer": .string(pointer)]) }
        return CampaignAnswer(status: status, ["errors": [error]])
    }

    /// The list of errors that repeats the status, as newer resources answer.
    static func statusProblem(_ status: Int, _ title: String, detail: String? = nil, pointer: String? = nil)
        -> CampaignAnswer
    {
        var error: CampaignJSON = ["status": .int(status), "title": .string(title)]
        if let detail { error = error.setting("detail", .string(detail)) }
        if let pointer { error = error.setting("source", ["pointer": .string(pointer)]) }
        return CampaignAnswer(status: status, ["errors": [error]])
    }

    /// The database's own words, which ActiveCampaign hands through.
    static func databaseError(_ status: Int, _ text: String) -> CampaignAnswer {
        CampaignAnswer(status: status, ["message": "Could not process request", "error": .string(text)])
    }

    /// The importer's refusal.
    static func importRefused(
        _ message: String, reasons: [CampaignJSON] = [], status: Int = 400
    ) -> CampaignAnswer {
        CampaignAnswer(
            status: status, ["success": .int(0), "message": .string(message), "failureReasons": .array(reasons)])
    }

    /// A page of the edge in front of the service.
    static func edgePage(_ status: Int, _ title: String) -> CampaignAnswer {
        let page = """
            <html>\r
            <head><title>\(status) \(title)</title></head>\r
            <body>\r
            <center><h1>\(status) \(title)</h1></center>\r
            <hr><center>cloudflare</center>\r
            </body>\r
            </html>\r

            """
        return CampaignAnswer(status: status, body: Array(page.utf8), contentType: "text/html")
    }
}

/// One call as the routes see it.
struct CampaignCall {
    /// Upper-case method.
    let method: String
    /// Path components after `/api/3`.
    let path: [String]
    let query: [(name: String, value: String)]
    let body: Data
    /// First path components that the key's user may not use.
    var forbidden: Set<String> = []

    /// The first value of a query item, nil when missing or empty.
    func value(_ name: String) -> String? {
        query.first { $0.name == name }.flatMap { $0.value.isEmpty ? nil : $0.value }
    }

    /// An id in the path; nil when it is none.
    func pathID(_ index: Int) -> UInt32? {
        index < path.count ? UInt32(path[index]).flatMap { $0 == 0 ? nil : $0 } : nil
    }

    /// The body's member of that name; nil when the body is no JSON object or has no such member.
    func wrapped(_ key: String) -> CampaignJSON? {
        CampaignJSONParser.parse(body)?[key]
    }

    /// Whether the method changes something that exists.
    var isUpdate: Bool { method == "PUT" || method == "PATCH" }

    /// The first row and the number of rows asked for; nil when the account refuses the page size.
    /// - Parameter most: rows of the largest page; nil takes the account's switch for lists other than contacts.
    func page(
        _ options: ActiveCampaignOptions, default defaultRows: Int = SimulatorsLimits.ActiveCampaign.defaultPageRows,
        most: Int? = nil
    ) -> (offset: Int, limit: Int)? {
        let asked = value("limit").flatMap { Int($0) } ?? defaultRows
        let most = most ?? options.pageRowsElsewhere
        if asked > most, options.refusesLargePages { return nil }
        let offset = max(0, value("offset").flatMap { Int($0) } ?? 0)
        return (offset, asked <= 0 ? defaultRows : min(asked, most))
    }
}

extension Array {
    /// The elements of one page.
    func page(_ page: (offset: Int, limit: Int)) -> ArraySlice<Element> {
        guard page.offset < count else { return [] }
        return self[page.offset..<Swift.min(count, page.offset + page.limit)]
    }
}
