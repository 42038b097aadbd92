/// Why one record was not written: an element of `errors[]` in a collections answer.
package struct RecordError: Error, Sendable, Equatable {
    /// `REQUIRED_FIELD_MISSING`, …
    package let code: String
    /// The platform's text.
    package let message: String
    /// Fields the error is about.
    package let fields: [String]
    /// HTTP status when the record was the only one of its request.
    let status: Int
    /// Whether the record could not even be read, so that a whole collections request is refused with it.
    let failsRequest: Bool
    /// What a duplicate rule found; only answers about single records show it.
    let duplicateResult: WireJSON?

    init(
        _ code: String, _ message: String, fields: [String] = [], status: Int = 400, failsRequest: Bool = false,
        duplicateResult: WireJSON? = nil
    ) {
        self.duplicateResult = duplicateResult
        self.failsRequest = failsRequest
        self.code = code
        self.message = message
        self.fields = fields
        self.status = status
    }

    /// The element of `errors[]`, where the key is `statusCode`.
    var collectionJSON: WireJSON {
        ["statusCode": .string(code), "message": .string(message), "fields": .array(fields.map(WireJSON.string))]
    }

    /// The element of a whole request's error array, where the key is `errorCode`.
    var requestJSON: WireJSON {
        if let duplicateResult {
            return ["duplicateResult": duplicateResult, "errorCode": .string(code), "message": .string(message)]
        }
        var object = WireObject([("message", .string(message)), ("errorCode", .string(code))])
        if !fields.isEmpty || status == 400 { object["fields"] = .array(fields.map(WireJSON.string)) }
        return .object(object)
    }

    static func deleted() -> RecordError { RecordError("ENTITY_IS_DELETED", "entity is deleted", status: 404) }

    static func convertedLead() -> RecordError {
        RecordError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
    }

    static func malformedID(_ object: String, _ id: String, field: String = "Id") -> RecordError {
        RecordError("MALFORMED_ID", "\(object) ID: id value of incorrect type: \(id)", fields: [field])
    }

    static func invalidCrossReference() -> RecordError {
        RecordError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    }

    static func unknownField(_ name: String, _ object: String) -> RecordError {
        RecordError("INVALID_FIELD", "No such column '\(name)' on sobject of type \(object)", fields: [])
    }

    static func rolledBack() -> RecordError {
        RecordError(
            "ALL_OR_NONE_OPERATION_ROLLED_BACK",
            "Record rolled back because not all records were valid and the request was using AllOrNone header")
    }
}

extension RecordError {
    /// Rows kept failing in the third attempt at a batch.
    static func tooManyRetries() -> RecordError {
        RecordError(
            "UNKNOWN_EXCEPTION", "Too many batch retries in the presence of Apex triggers and partial failures.")
    }
}

/// Everything that kept one record from being written.
package struct SaveRefusal: Error {
    /// One or more.
    package let errors: [RecordError]

    init(_ errors: [RecordError]) {
        self.errors = errors
    }

    init(_ error: RecordError) {
        errors = [error]
    }
}

/// Why a whole request, or a whole subrequest, was refused.
struct RequestError: Error {
    let status: Int
    let code: String
    let message: String

    init(_ status: Int, _ code: String, _ message: String) {
        self.status = status
        self.code = code
        self.message = message
    }

    /// The error array data APIs answer with.
    var json: WireJSON {
        [["message": .string(message), "errorCode": .string(code)]]
    }

    static func invalidSession() -> RequestError {
        RequestError(401, "INVALID_SESSION_ID", "Session expired or invalid")
    }

    static func notFound() -> RequestError {
        RequestError(404, "NOT_FOUND", "The requested resource does not exist")
    }

    static func unknownObject(_ name: String) -> RequestError {
        RequestError(404, "NOT_FOUND", "The requested resource does not exist")
    }

    static func methodNotAllowed(_ method: String) -> RequestError {
        RequestError(
            405, "METHOD_NOT_ALLOWED", "HTTP Method '\(method)' not allowed. Allowed are GET,POST,PATCH,DELETE")
    }

    static func json(_ message: String) -> RequestError {
        RequestError(400, "JSON_PARSER_ERROR", message)
    }
}
