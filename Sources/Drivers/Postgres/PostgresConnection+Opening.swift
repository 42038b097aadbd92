import CLibpq
import Dispatch

/// Making the session: libpq's connect poll, driven by readiness.
extension PostgresConnection {
    func connect(_ parameters: [String: String], timeout: Duration) async throws(PostgresError) {
        let failure: PostgresError? = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                opening = continuation
                arm(timeout)
                start(parameters)
            }
        } onCancel: {
            queue.async { [weak self] in
                self?.assumeIsolated {
                    $0.finishOpening(PostgresError(.cancelled, "connecting was cancelled", fate: .notSent))
                }
            }
        }
        if let failure { throw failure }
    }

    private func start(_ parameters: [String: String]) {
        if Task.isCancelled {
            return finishOpening(PostgresError(.cancelled, "connecting was cancelled", fate: .notSent))
        }
        guard let handle = PostgresHandle(parameters: parameters) else {
            return finishOpening(PostgresError(.connectFailed, "libpq is out of memory", fate: .notSent))
        }
        self.handle = handle
        guard !handle.isBad else { return finishOpening(refusal(handle)) }
        // The manual: before the first PQconnectPoll, behave as if it had asked for write-ready.
        wait(writable: true, handle)
    }

    /// Waits for one readiness, then polls on. The socket is watched anew at every step: libpq may have changed it,
    /// even for one with the same number.
    private func wait(writable: Bool, _ handle: PostgresHandle) {
        sources = SocketSources(
            socket: handle.socket, queue: queue,
            onReadable: { [weak self] in self?.assumeIsolated { if !writable { $0.poll() } } },
            onWritable: { [weak self] in self?.assumeIsolated { if writable { $0.poll() } } })
        guard let sources else {
            return finishOpening(PostgresError(.connectFailed, "out of file descriptors", fate: .notSent))
        }
        sources.wantsWrite(writable)
    }

    private func poll() {
        guard opening != nil, let handle else { return }
        sources = nil
        switch PQconnectPoll(handle.raw) {
        case PGRES_POLLING_READING: wait(writable: false, handle)
        case PGRES_POLLING_WRITING: wait(writable: true, handle)
        case PGRES_POLLING_OK: finishOpening(settle(handle))
        default: finishOpening(refusal(handle))
        }
    }

    /// Brings the fresh session into the state all exchanges start from.
    private func settle(_ handle: PostgresHandle) -> PostgresError? {
        guard PQsetnonblocking(handle.raw, 1) == 0, PQenterPipelineMode(handle.raw) == 1 else {
            return PostgresError(.connectFailed, handle.message, fate: .notSent)
        }
        cancelKey = PostgresCancelKey(handle)
        sources = SocketSources(
            socket: handle.socket, queue: queue,
            onReadable: { [weak self] in self?.assumeIsolated { $0.socketIsReady() } },
            onWritable: { [weak self] in self?.assumeIsolated { $0.socketIsReady() } })
        return sources == nil ? PostgresError(.connectFailed, "out of file descriptors", fate: .notSent) : nil
    }

    private func refusal(_ handle: PostgresHandle) -> PostgresError {
        PostgresError(.connectFailed, handle.message, fate: .notSent)
    }

    func finishOpening(_ failure: PostgresError?) {
        guard let continuation = opening else { return }
        opening = nil
        disarm()
        if failure != nil {
            sources = nil
            handle = nil
        }
        continuation.resume(returning: failure)
    }
}
