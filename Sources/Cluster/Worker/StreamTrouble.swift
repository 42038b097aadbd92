import Drivers
import Foundation

/// Why a run stopped before its end, as the stream's row tells it.
struct StreamTrouble: Error, Sendable {
    enum Kind: Sendable {
        /// Passing; after this many seconds where the provider said so.
        case retry(after: TimeInterval?)
        /// Somebody must act: credentials, permissions, payment.
        case needsHuman
        /// A fault of ours or of the configuration, tried again slowly.
        case bug
    }

    let kind: Kind
    /// Stable code, `INVALID_SESSION_ID`.
    let code: String
    /// A sentence for people, with the remedy; no values, secrets or addresses.
    let message: String

    /// Whether the cause may be the one record a call was about: the server answered, and failed.
    var mayBeOneRecord: Bool {
        switch kind {
        case .retry: code == "server_error"
        case .bug: code.hasPrefix("http_")
        case .needsHuman: false
        }
    }

    /// When the stream is tried again.
    /// - Parameter failures: failures in a row, this one included.
    func delay(failures: Int) -> TimeInterval {
        switch kind {
        case .retry(let after):
            // What the provider asks for is the least; a provider that is down for hours is asked less and less often.
            max(
                min(after ?? 0, ClusterLimits.longestWait),
                ClusterLimits.streamRetry.delay(attempt: failures - 1).seconds)
        case .needsHuman, .bug: ClusterLimits.humanRetry
        }
    }

    /// The word of the stream's state.
    var state: String {
        switch kind {
        case .retry: "retrying"
        case .needsHuman, .bug: "needs attention"
        }
    }
}
