/// What went wrong with a statement, a transaction or a connection, and what is known about its effect.
///
/// No error carries a parameter, a row or a password: server messages that quote values are cut, and PostgreSQL's
/// DETAIL (which repeats whole rows) is never kept.
package struct PostgresError: Error, Sendable {
    /// What kind of failure it is.
    package enum Code: String, Sendable {
        /// The URL or an option in it is wrong.
        case configuration
        /// No session could be made.
        case connectFailed
        /// The session ended under the statement.
        case connectionLost
        /// The deadline passed first.
        case deadline
        /// The calling task was cancelled.
        case cancelled
        /// Too many callers wait already.
        case poolFull
        /// No connection became free in time.
        case leaseTimeout
        /// The pool was closed.
        case poolClosed
        /// The server answered with an error; see `sqlState`.
        case server
        /// The answer is larger than allowed.
        case resultTooLarge
        /// A column is missing, null or of another type than asked for.
        case decoding
        /// COMMIT found the transaction aborted by an earlier error that the caller had swallowed.
        case transactionAborted
        /// The caller broke a rule of the driver.
        case misuse
    }

    /// What is known about the statement's effect.
    package enum Fate: String, Sendable {
        /// It never reached the server.
        case notSent
        /// It was sent, but its transaction certainly did not commit.
        case rolledBack
        /// It may have been applied or not; only reading can tell.
        case unknown
        /// The server answered it.
        case answered
    }

    /// Whether to try again.
    package enum Retryability: Sendable {
        /// The same call fails again.
        case never
        /// Nothing was applied; the same call may succeed later.
        case safe
        /// It may have been applied: repeat only what does no harm twice.
        case ifIdempotent
    }

    package let code: Code
    package let message: String
    package var fate: Fate
    /// PostgreSQL's code, when the server answered.
    package var sqlState: SQLState?
    /// The name of the constraint that was violated.
    package var constraint: String?
    package var schema: String?
    package var table: String?
    package var column: String?
    /// Which statement of a pipeline failed, from 0.
    package var statementIndex: Int?
    package let file: String
    package let line: Int

    init(
        _ code: Code, _ message: String, fate: Fate, file: String = #fileID, line: Int = #line
    ) {
        self.code = code
        self.message = String(message.prefix(PostgresLimits.messageCharacters))
        self.fate = fate
        self.file = file
        self.line = line
    }

    package var retryability: Retryability {
        switch code {
        case .configuration, .resultTooLarge, .decoding, .transactionAborted, .misuse, .poolClosed: .never
        case .cancelled: .never
        case .connectFailed: sqlState?.isAuthorizationFailure == true ? .never : .safe
        case .poolFull, .leaseTimeout: .safe
        case .connectionLost, .deadline: fate == .unknown ? .ifIdempotent : .safe
        case .server: serverRetryability
        }
    }

    private var serverRetryability: Retryability {
        guard let sqlState, sqlState.isTransient else { return .never }
        return fate == .unknown ? .ifIdempotent : .safe
    }

    /// The same error, seen from outside the transaction it ended: nothing of that transaction was applied.
    func rolledBack() -> PostgresError {
        guard fate != .notSent else { return self }
        var copy = self
        copy.fate = .rolledBack
        return copy
    }

    /// The same error, pointing at a statement of a pipeline.
    func at(statement index: Int?) -> PostgresError {
        var copy = self
        copy.statementIndex = index
        return copy
    }

    /// The same error under another code, for a server error that is the echo of our own cancel request.
    func relabelled(_ code: Code, _ message: String) -> PostgresError {
        var copy = PostgresError(code, message, fate: fate)
        copy.sqlState = sqlState
        copy.statementIndex = statementIndex
        return copy
    }
}

extension PostgresError: CustomStringConvertible {
    package var description: String {
        var text = "postgres \(code.rawValue): \(message)"
        if let sqlState { text += " [\(sqlState)]" }
        if let constraint { text += " [constraint \"\(constraint)\"]" }
        if fate == .unknown { text += " [may have been applied]" }
        return text
    }
}

/// Lets a `catch` match a server error by its SQLSTATE: `catch let e as PostgresError where .deadlockDetected ~= e`.
package func ~= (state: SQLState, error: PostgresError) -> Bool {
    error.sqlState == state
}
