package import Drivers

/// Why the store could not do what it was asked to.
package struct StoreError: Error, Sendable {
    package enum Code: String, Sendable {
        /// A constraint refused a row; the message is its sentence.
        case constraint
        /// There is no tenant of this name or number.
        case unknownTenant
        /// A migration that was applied has another content now.
        case migrationChanged
        /// The database has migrations this program does not know.
        case databaseNewer
        /// A row holds what this program can't read.
        case unreadable
        /// The caller passed more than allowed.
        case tooMuch
        /// PostgreSQL could not do it; see `underlying`.
        case database
    }

    package let code: Code
    package let message: String
    package let underlying: PostgresError?

    init(_ code: Code, _ message: String, underlying: PostgresError? = nil) {
        self.code = code
        self.message = message
        self.underlying = underlying
    }

    /// Turns a violated constraint into its sentence; triggers say more than their constraint's name.
    init(_ error: PostgresError) {
        let isViolation = error.sqlState?.isConstraintViolation == true
        guard isViolation, let constraint = error.constraint else {
            self.init(isViolation ? .constraint : .database, error.message, underlying: error)
            return
        }
        let isGenerated = error.message.contains("\"\(constraint)\"")
        self.init(.constraint, isGenerated ? constraint : error.message, underlying: error)
    }

    /// Whether to try again; what PostgreSQL says of its own errors.
    package var retryability: PostgresError.Retryability { underlying?.retryability ?? .never }
}

extension StoreError: CustomStringConvertible {
    package var description: String {
        guard code == .database, let underlying else { return message }
        return message == underlying.message ? underlying.description : "\(message) (\(underlying))"
    }
}
