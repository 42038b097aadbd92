/// Why a Redis command has no answer, and whether the server may have carried it out.
///
/// Never holds a key, an argument or a password.
package struct RedisError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of failure.
    package enum Code: Hashable, Sendable {
        /// No connection could be made before the command's deadline.
        case notConnected
        /// The connection broke while the command was under way.
        case connectionLost
        /// The deadline passed.
        case timeout
        /// The calling task was cancelled.
        case cancelled
        /// `RedisLimits.waitingCommands` or `waitingBytes` is reached.
        case tooManyWaiting
        /// The command is longer than `RedisLimits.commandBytes`.
        case commandTooLarge
        /// The reply is longer than the client accepts; its connection was closed.
        case replyTooLarge
        /// What came was not RESP.
        case protocolViolation
        /// The server refused AUTH or SELECT.
        case authentication
        /// The client was closed.
        case closed
        /// The address can't be read or its scheme is not served.
        case badAddress
        /// The server answered with an error; the prefix is its first word, for example `NOSCRIPT`.
        case server(String)
    }

    /// What became of the command.
    package enum Fate: Hashable, Sendable {
        /// Not one byte of it left this process.
        case notSent
        /// It was sent and no answer came: the server may have carried it out, or may yet.
        case unknown
        /// The server answered.
        case answered
    }

    /// Whether sending the command again makes sense.
    package enum Retryability: Hashable, Sendable {
        /// It was not carried out; again, after a wait.
        case safe
        /// It may have been carried out; again only if twice is as good as once.
        case ifIdempotent
        /// It would fail again.
        case never
    }

    /// The kind of failure.
    package let code: Code
    /// What became of the command.
    package let fate: Fate
    /// For a human; without keys, arguments or secrets.
    package let message: String

    /// Makes an error.
    package init(_ code: Code, fate: Fate, _ message: String) {
        self.code = code
        self.fate = fate
        self.message = message
    }

    /// Whether sending the command again makes sense.
    package var retryability: Retryability {
        switch code {
        case .commandTooLarge, .replyTooLarge, .authentication, .closed, .badAddress, .cancelled:
            .never
        case .server(let prefix):
            Self.passingConditions.contains(prefix) ? .safe : .never
        case .notConnected, .connectionLost, .timeout, .tooManyWaiting, .protocolViolation:
            fate == .notSent ? .safe : .ifIdempotent
        }
    }

    /// True when the server can't serve this client where it is now: another node has the data, or it is not ready.
    /// The connection is replaced and the name resolved anew.
    package var wantsReconnect: Bool {
        if case .server(let prefix) = code { Self.wrongServer.contains(prefix) } else { false }
    }

    package var description: String { "Redis: \(message) (\(code), \(fate))" }

    private static let wrongServer: Set<String> = ["READONLY", "MOVED", "LOADING", "MASTERDOWN", "UNBLOCKED"]
    private static let passingConditions = wrongServer.union([
        "ASK", "TRYAGAIN", "CLUSTERDOWN", "BUSY", "NOSCRIPT", "OOM", "MISCONF", "NOREPLICAS",
    ])

    /// The error a server's `-PREFIX message` line stands for.
    init(serverLine line: String) {
        let prefix = line.prefix { $0 != " " }
        // "unknown command 'x', with args beginning with: …" would carry arguments into logs.
        let harmless = line.firstRange(of: ", with args").map { line[..<$0.lowerBound] } ?? line[...]
        self.init(
            .server(String(prefix)), fate: .answered,
            String(harmless.prefix(RedisLimits.errorMessageLength)))
    }
}
