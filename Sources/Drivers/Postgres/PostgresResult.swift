import CLibpq

/// Reads what libpq hands out, and frees it.
enum PostgresResult {
    /// Fields of an error report, as the protocol letters them.
    private enum Field {
        static let severity = Int32(UInt8(ascii: "V"))
        static let state = Int32(UInt8(ascii: "C"))
        static let message = Int32(UInt8(ascii: "M"))
        static let schema = Int32(UInt8(ascii: "s"))
        static let table = Int32(UInt8(ascii: "t"))
        static let column = Int32(UInt8(ascii: "c"))
        static let constraint = Int32(UInt8(ascii: "n"))
    }

    /// What one result means.
    enum Meaning {
        /// Something for the exchange.
        case event(PostgresExchange.Event)
        /// One row; it has been added to the builder.
        case row
        /// The session is over.
        case lost(PostgresError)
        /// A kind of result nobody asked for (COPY).
        case unexpected
    }

    /// Reads a result into the exchange's builder or into an event.
    static func read(_ result: OpaquePointer, into builder: inout PostgresRowsBuilder) -> Meaning {
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: return .event(completed(result))
        case PGRES_TUPLES_OK:
            append(result, to: &builder)
            return .event(completed(result))
        case PGRES_SINGLE_TUPLE:
            append(result, to: &builder)
            return .row
        case PGRES_PIPELINE_SYNC: return .event(.synced)
        case PGRES_PIPELINE_ABORTED: return .event(.skipped)
        case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE: return failed(result)
        default: return .unexpected
        }
    }

    private static func completed(_ result: OpaquePointer) -> PostgresExchange.Event {
        let tag = PQcmdStatus(result).map { String(cString: $0) } ?? ""
        let affected = PQcmdTuples(result).flatMap { Int(String(cString: $0)) } ?? 0
        return .completed(affected: affected, command: String(tag.prefix { $0 != " " }))
    }

    private static func append(_ result: OpaquePointer, to builder: inout PostgresRowsBuilder) {
        let columns = PQnfields(result)
        builder.declare(
            (0..<columns).map { column in
                PostgresColumn(
                    name: PQfname(result, column).map { String(cString: $0) } ?? "",
                    type: PostgresType(rawValue: PQftype(result, column)))
            })
        for row in 0..<PQntuples(result) {
            for column in 0..<columns {
                guard PQgetisnull(result, row, column) == 0 else {
                    builder.append(nil)
                    continue
                }
                let length = Int(PQgetlength(result, row, column))
                builder.append(UnsafeRawBufferPointer(start: PQgetvalue(result, row, column), count: length))
            }
        }
    }

    /// An error of FATAL severity ends the session, and so does one without a code: that one is libpq's own.
    private static func failed(_ result: OpaquePointer) -> Meaning {
        let severity = field(result, Field.severity) ?? ""
        guard let code = field(result, Field.state), severity == "ERROR" || severity.isEmpty else {
            let text = field(result, Field.message) ?? "the server closed the connection"
            var lost = PostgresError(.connectionLost, text, fate: .unknown)
            lost.sqlState = field(result, Field.state).map(SQLState.init)
            return .lost(lost)
        }
        let state = SQLState(rawValue: code)
        var error = PostgresError(.server, message(result, state: state), fate: .answered)
        error.sqlState = state
        error.constraint = field(result, Field.constraint)
        error.schema = field(result, Field.schema)
        error.table = field(result, Field.table)
        error.column = field(result, Field.column)
        return .event(.failed(error))
    }

    /// The server's primary message, cut where it would quote a value (class 22: `invalid input syntax for type
    /// integer: "…"`).
    private static func message(_ result: OpaquePointer, state: SQLState) -> String {
        let text = field(result, Field.message) ?? "no message"
        guard state.quotesValues, let quote = text.firstIndex(of: "\"") else { return text }
        return text[..<quote] + "…"
    }

    private static func field(_ result: OpaquePointer, _ field: Int32) -> String? {
        PQresultErrorField(result, field).map { String(cString: $0) }
    }
}
