import Foundation
import Synchronization

/// One thing a process needs to be of use.
package struct ReadinessCheck: Sendable {
    /// The word in the answer: `postgres`.
    package let name: String
    /// Returns why it is not there; nil when it is.
    package let failure: @Sendable () async -> String?

    /// Makes a check.
    package init(_ name: String, failure: @escaping @Sendable () async -> String?) {
        self.name = name
        self.failure = failure
    }
}

/// Whether a process can do its work now. Asked often by supervisors, so an answer holds for a moment, and a check that
/// hangs counts as failed.
package final class Readiness: Sendable {
    private let checks: [ReadinessCheck]
    private let last = Mutex<(at: ContinuousClock.Instant, failures: [String: String])?>(nil)

    /// Makes a readiness of checks.
    package init(_ checks: [ReadinessCheck]) { self.checks = checks }

    /// What is not there, by check; empty when the process is ready.
    package func failures() async -> [String: String] {
        if let last = last.withLock({ $0 }), ContinuousClock.now - last.at < OperationsLimits.checkLife {
            return last.failures
        }
        var failures: [String: String] = [:]
        await withTaskGroup { group in
            for check in checks { group.addTask { (check.name, await Self.bounded(check)) } }
            for await (name, failure) in group { failures[name] = failure }
        }
        last.withLock { $0 = (ContinuousClock.now, failures) }
        return failures
    }

    private static func bounded(_ check: ReadinessCheck) async -> String? {
        await withTaskGroup { group in
            group.addTask { await check.failure() }
            group.addTask {
                try? await Task.sleep(for: OperationsLimits.check)
                return Task.isCancelled ? nil : "no answer within \(OperationsLimits.check)"
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }
}
