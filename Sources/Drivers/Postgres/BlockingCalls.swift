import Dispatch
import Synchronization

/// Runs calls that block (name look-up, libpq's cancel) on threads of their own, never on the cooperative pool.
///
/// The number of threads is bounded: a call that can't start is refused, not queued, because what blocks here may
/// block for minutes.
enum BlockingCalls {
    private static let queue = DispatchQueue(label: "ferry.blocking", attributes: .concurrent)
    private static let running = Mutex(0)

    /// Starts `work` on a thread that may block.
    /// - Returns: false when `PostgresLimits.blockingCalls` are under way already; then `work` never runs.
    static func start(_ work: @escaping @Sendable () -> Void) -> Bool {
        let admitted = running.withLock { count in
            guard count < PostgresLimits.blockingCalls else { return false }
            count += 1
            return true
        }
        guard admitted else { return false }
        queue.async {
            work()
            running.withLock { $0 -= 1 }
        }
        return true
    }
}

/// A continuation that several parties may resume; the first one wins.
final class FirstAnswer<Value: Sendable>: Sendable {
    private let continuation: Mutex<CheckedContinuation<Value, Never>?>

    init(_ continuation: CheckedContinuation<Value, Never>) {
        self.continuation = Mutex(continuation)
    }

    func resume(_ value: Value) {
        let waiting = continuation.withLock { slot in
            defer { slot = nil }
            return slot
        }
        waiting?.resume(returning: value)
    }
}
