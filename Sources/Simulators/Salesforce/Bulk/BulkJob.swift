import Foundation

/// One job of the Bulk API 2.0 (reference section 11): what was asked, how far it is, and what came of it.
struct BulkJob {
    enum State: String {
        case open = "Open"
        case uploadComplete = "UploadComplete"
        case inProgress = "InProgress"
        case complete = "JobComplete"
        case failed = "Failed"
        case aborted = "Aborted"

        /// Whether nothing more happens to the job.
        var isFinal: Bool { self == .complete || self == .failed || self == .aborted }
    }

    enum Operation: String {
        case insert, update, upsert, delete, hardDelete, query, queryAll

        var isQuery: Bool { self == .query || self == .queryAll }
    }

    let id: String
    let operation: Operation
    /// API name of the object written or read.
    let object: String
    let format: DelimitedFormat
    /// Version in the path of the call that made it; every other call must use the same.
    let version: String
    let created: Double
    let createdBy: String
    /// Field of an upsert.
    var externalField: String?
    /// Whether assignment rules run: only when the job names one.
    var assigns = false
    /// Text of a query.
    var query: String?

    private(set) var state = State.open
    /// When the state last changed.
    private(set) var changed: Double
    /// When the next step is due, while the job is queued or under way.
    private(set) var due = Double.infinity
    private var started: Double?
    private(set) var errorMessage: String?

    /// The rows as uploaded; empty until then.
    var upload = Data()
    /// How far the upload has been read.
    var position = 0
    /// The columns of the upload.
    var columns: [String] = []
    /// What became of each row that was processed, in order.
    var outcomes: [BulkOutcome] = []
    var failures = 0
    /// What a query found.
    var results = BulkQueryResults()
    /// Whether the query has been run.
    var isRun = false

    init(
        id: String, operation: Operation, object: String, format: DelimitedFormat, version: String, now: Double,
        createdBy: String
    ) {
        self.id = id
        self.operation = operation
        self.object = object
        self.format = format
        self.version = version
        self.createdBy = createdBy
        created = now
        changed = now
    }

    // MARK: - States

    /// Everything is uploaded, or a query is asked: the job waits for its first step.
    mutating func queue(now: Double, firstStep: Double) {
        state = .uploadComplete
        changed = now
        due = firstStep
    }

    /// The first step ran.
    mutating func start(now: Double) {
        guard state == .uploadComplete else { return }
        state = .inProgress
        changed = now
        started = now
    }

    /// The next step is due at an instant.
    mutating func schedule(_ instant: Double) { due = instant }

    /// Nothing more happens.
    mutating func end(_ state: State, now: Double, message: String? = nil) {
        self.state = state
        changed = now
        due = .infinity
        errorMessage = message
    }

    // MARK: - Answers

    /// The job as creating, closing and aborting show it.
    var summary: WireJSON { .object(head) }

    /// The job as asking for it shows it.
    var details: WireJSON {
        var object = head
        let milliseconds = Int(((started.map { max(changed, $0) - $0 }) ?? 0) * 1000)
        object["retries"] = 0
        object["totalProcessingTime"] = .int(milliseconds)
        object["numberRecordsProcessed"] = .int(operation.isQuery ? results.count : outcomes.count)
        if !operation.isQuery {
            object["apiActiveProcessingTime"] = .int(milliseconds)
            object["apexProcessingTime"] = 0
            object["numberRecordsFailed"] = .int(failures)
        }
        if let errorMessage { object["errorMessage"] = .string(errorMessage) }
        return .object(object)
    }

    private var head: WireObject {
        var object = WireObject([
            ("id", .string(id)), ("operation", .string(operation.rawValue)), ("object", .string(self.object)),
            ("createdById", .string(createdBy)), ("createdDate", .string(Timestamp.json(Int(created)))),
            ("systemModstamp", .string(Timestamp.json(Int(changed)))), ("state", .string(state.rawValue)),
            ("concurrencyMode", "Parallel"), ("contentType", "CSV"), ("apiVersion", .double(Double(version) ?? 0)),
            ("lineEnding", .string(format.lineEndingName)), ("columnDelimiter", .string(format.delimiterName)),
        ])
        object["jobType"] = operation.isQuery ? "V2Query" : "V2Ingest"
        if let externalField { object["externalIdFieldName"] = .string(externalField) }
        if !operation.isQuery, state == .open {
            object["contentUrl"] = .string("services/data/v\(version)/jobs/ingest/\(id)/batches")
        }
        return object
    }
}

/// What became of one uploaded row.
struct BulkOutcome {
    /// Offset of the row in the upload.
    let position: Int
    /// Record written; empty when none.
    let id: String
    let isCreated: Bool
    /// `CODE:message:fields --`; `nil` when it was written.
    let error: String?

    init(_ result: WriteResult, position: Int, isInsert: Bool) {
        self.position = position
        id = result.succeeded ? result.id ?? "" : ""
        isCreated = result.created ?? isInsert
        error = result.errors.first.map(Self.text)
    }

    private static func text(_ error: RecordError) -> String {
        let fields = error.fields.joined(separator: ",")
        let end = fields.isEmpty ? "--" : "\(fields) --"
        // A value of the wrong type makes JSON unreadable, but only the one row of an upload.
        guard !error.failsRequest || error.code == "INVALID_FIELD" else {
            return "INVALID_TYPE_ON_FIELD_IN_RECORD:\(fields): value not of required type:\(end)"
        }
        return "\(error.code):\(error.message):\(end)"
    }
}

/// The rows a query job found, as they were when it ran.
struct BulkQueryResults {
    private var bytes: [UInt8] = []
    /// Where each row ends.
    private var ends: [Int] = []
    private var header: [UInt8] = []

    var count: Int { ends.count }

    /// Begins with the columns' names.
    mutating func begin(_ names: [String], format: DelimitedFormat) {
        var writer = DelimitedWriter(format)
        writer.write(names)
        header = writer.bytes
    }

    /// Adds one row.
    mutating func add(_ fields: [String], format: DelimitedFormat) {
        var writer = DelimitedWriter(format)
        writer.write(fields)
        bytes.append(contentsOf: writer.bytes)
        ends.append(bytes.count)
    }

    /// Rows from one on, the header before them, and the first row of the next page, `nil` at the end.
    func page(from first: Int, atMost rows: Int) -> (text: Data, count: Int, next: Int?) {
        let last = min(first + rows, ends.count)
        let from = first == 0 ? 0 : ends[first - 1]
        let upTo = last == 0 ? 0 : ends[last - 1]
        return (Data(header + bytes[from..<upTo]), last - first, last < ends.count ? last : nil)
    }
}
