import CLibpq
import Foundation

/// Owns one `PGconn`: whoever holds the last reference finishes it.
final class PostgresHandle {
    let raw: OpaquePointer

    /// Starts a connection; nil when libpq is out of memory.
    ///
    /// libpq's manual: `PQconnectStartParams` does not block when `hostaddr` keeps it from looking names up.
    init?(parameters: [String: String]) {
        let pairs = parameters.sorted { $0.key < $1.key }
        let keywords: [UnsafeMutablePointer<CChar>?] = pairs.map { strdup($0.key) } + [nil]
        let values: [UnsafeMutablePointer<CChar>?] = pairs.map { strdup($0.value) } + [nil]
        defer { for copy in keywords + values { free(copy) } }
        let constantKeywords = keywords.map { UnsafePointer<CChar>($0) }
        let constantValues = values.map { UnsafePointer<CChar>($0) }
        guard let started = PQconnectStartParams(constantKeywords, constantValues, 0) else { return nil }
        raw = started
        // The default processor prints to standard error.
        _ = PQsetNoticeProcessor(raw, { _, _ in }, nil)
    }

    deinit { PQfinish(raw) }

    var socket: Int32 { PQsocket(raw) }
    var isBad: Bool { PQstatus(raw) == CONNECTION_BAD }
    var usesTLS: Bool { PQsslInUse(raw) != 0 }

    /// libpq's last complaint, on one line.
    var message: String {
        let text = PQerrorMessage(raw).map { String(cString: $0) } ?? ""
        return text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    var standing: PostgresStanding {
        switch PQtransactionStatus(raw) {
        case PQTRANS_IDLE: .idle
        case PQTRANS_INTRANS: .inTransaction
        case PQTRANS_INERROR: .failedTransaction
        default: .broken
        }
    }
}

/// Where a connection stands after an exchange.
package enum PostgresStanding: Sendable {
    case idle
    case inTransaction
    /// The transaction accepts nothing but ROLLBACK.
    case failedTransaction
    /// The connection is of no more use.
    case broken
}

/// A connection's key to cancel what it runs; its call blocks.
///
/// `@unchecked Sendable` is safe because a `PGcancel` is a copy of address and key that nothing changes, and the
/// manual calls `PQcancel` safe in any thread.
final class PostgresCancelKey: @unchecked Sendable {
    private let raw: OpaquePointer

    init?(_ handle: PostgresHandle) {
        guard let key = PQgetCancel(handle.raw) else { return nil }
        raw = key
    }

    deinit { PQfreeCancel(raw) }

    /// Asks the server to cancel and returns when it has taken note. Blocks.
    func cancel() -> Bool {
        var buffer = [CChar](repeating: 0, count: 256)
        return PQcancel(raw, &buffer, Int32(buffer.count)) == 1
    }
}
