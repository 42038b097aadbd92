import Dispatch
import Glibc

/// The two dispatch sources of an HTTP loop: readiness of its epoll set, and its one timer.
///
/// `@unchecked Sendable` is safe because a dispatch source may be scheduled and cancelled from any thread, and
/// both properties never change.
final class LoopSources: @unchecked Sendable {
    private let readiness: any DispatchSourceRead
    private let timer: any DispatchSourceTimer
    private let epoll: Int32

    /// Takes over the epoll descriptor: it is closed once its source is cancelled.
    init(epoll: Int32, queue: DispatchQueue) {
        self.epoll = epoll
        readiness = DispatchSource.makeReadSource(fileDescriptor: epoll, queue: queue)
        timer = DispatchSource.makeTimerSource(queue: queue)
        readiness.setCancelHandler { _ = Glibc.close(epoll) }
    }

    deinit {
        readiness.cancel()
        timer.cancel()
    }

    /// Starts both; the handlers run on the queue.
    func activate(onReady: @escaping @Sendable () -> Void, onTime: @escaping @Sendable () -> Void) {
        readiness.setEventHandler(handler: onReady)
        timer.setEventHandler(handler: onTime)
        readiness.activate()
        timer.activate()
    }

    /// Replaces the timer's deadline.
    func schedule(_ deadline: DispatchTime) {
        timer.schedule(deadline: deadline)
    }
}
