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

    /// When the stream is tried again.
    /// - Parameter failures: failures in a row, this one included.
    func delay(failures: Int) -> TimeInterval {
        switch kind {
        case .retry(let after?): max(1, after)
        case .retry(nil): ClusterLimits.streamRetry.delay(attempt: failures).seconds
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
