/// A five-character SQLSTATE as PostgreSQL reports it, comparable by class with `~=`.
package struct SQLState: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: String

    package init(rawValue: String) { self.rawValue = rawValue }

    private init(_ code: String) { rawValue = code }

    package var description: String { rawValue }

    /// The first two characters: what kind of error it is.
    package var classCode: String { String(rawValue.prefix(2)) }

    package static let uniqueViolation = SQLState("23505")
    package static let checkViolation = SQLState("23514")
    package static let foreignKeyViolation = SQLState("23503")
    package static let notNullViolation = SQLState("23502")
    package static let serializationFailure = SQLState("40001")
    package static let deadlockDetected = SQLState("40P01")
    package static let lockNotAvailable = SQLState("55P03")
    package static let queryCanceled = SQLState("57014")
    package static let adminShutdown = SQLState("57P01")
    package static let readOnlyTransaction = SQLState("25006")
    package static let featureNotSupported = SQLState("0A000")
    package static let invalidStatementName = SQLState("26000")
    package static let duplicateStatement = SQLState("42P05")
    package static let raisedException = SQLState("P0001")

    /// Class 23: a constraint said no.
    package var isConstraintViolation: Bool { classCode == "23" }
    /// Class 28: wrong user, password or pg_hba.conf entry.
    package var isAuthorizationFailure: Bool { classCode == "28" }
    /// Class 22: a value did not fit; the message quotes the value.
    package var quotesValues: Bool { classCode == "22" }

    /// Nothing was applied and the same statement may well succeed in a moment: conflicts with others (class 40),
    /// resources (53), a lock not to be had, a server that starts or stops (57P…), a cancel.
    package var isTransient: Bool {
        switch classCode {
        case "08", "40", "53", "57": true
        default: self == .lockNotAvailable
        }
    }
}
