package import Dispatch

/// Runs one actor's jobs on one serial `DispatchQueue`, so that a C handle, its readiness sources and the actor
/// that owns them share a thread of control.
///
/// `DispatchSerialQueue` does not exist on Linux; these lines stand in for it. `checkIsolated` lets a source's
/// event handler, which already runs on the queue, enter the actor with `assumeIsolated` and no hop.
package final class QueueExecutor: SerialExecutor {
    /// The serial queue every job of the actor runs on; readiness sources must target it.
    package let queue: DispatchQueue

    /// Makes an executor over a new serial queue.
    /// - Parameter label: the queue's name in a debugger, for example `ferry.redis`.
    package init(label: String) {
        queue = DispatchQueue(label: label)
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        let executor = asUnownedSerialExecutor()
        queue.async { unowned.runSynchronously(on: executor) }
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    package func checkIsolated() {
        dispatchPrecondition(condition: .onQueue(queue))
    }
}
