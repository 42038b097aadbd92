package import Drivers

/// Why the queue did not do what it was asked.
package struct JobQueueError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of failure.
    package enum Code: Hashable, Sendable {
        /// The generation mark is missing: this Redis was wiped and must be rebuilt (`adopt`).
        case generationLost
        /// Redis did not answer, or refused.
        case redis(RedisError)
        /// A script answered what it never should.
        case unexpectedReply
        /// An argument is out of its bounds.
        case badArgument
        /// The epochs that a token can hold are used up.
        case epochsExhausted
    }

    /// The kind of failure.
    package let code: Code
    /// For a human; without secrets.
    package let message: String

    /// Makes an error.
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Whether the same call may work later. All calls of the queue may be repeated: enqueueing is coalesced,
    /// settling checks its token, leases whose grant was lost come back.
    package var isRetryable: Bool {
        switch code {
        case .generationLost: true
        case .redis(let error): error.retryability != .never || error.code == .cancelled
        case .unexpectedReply, .badArgument, .epochsExhausted: false
        }
    }

    package var description: String { "job queue: \(message)" }

    init(_ error: RedisError) {
        if error.code == .server("GENERATION") {
            self = JobQueue.wiped
        } else {
            self.init(.redis(error), error.description)
        }
    }
}
