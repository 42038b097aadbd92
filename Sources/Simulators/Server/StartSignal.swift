import Synchronization

/// Hands the port from the server's start to whoever waits for it.
final class StartSignal: Sendable {
    private enum State {
        case waiting([CheckedContinuation<Int, any Error>])
        case listening(Int)
        case ended
    }

    private let state = Mutex(State.waiting([]))

    func port() async throws -> Int {
        try await withCheckedThrowingContinuation { continuation in
            let ready: Result<Int, any Error>? = state.withLock { state in
                switch state {
                case .waiting(let waiters):
                    state = .waiting(waiters + [continuation])
                    return nil
                case .listening(let port): return .success(port)
                case .ended: return .failure(SimulatorServerError.endedBeforeListening)
                }
            }
            if let ready { continuation.resume(with: ready) }
        }
    }

    func fulfil(_ port: Int) {
        finish(.listening(port), with: .success(port))
    }

    func fail() {
        finish(.ended, with: .failure(SimulatorServerError.endedBeforeListening))
    }

    private func finish(_ next: State, with result: Result<Int, any Error>) {
        let waiters = state.withLock { state in
            defer { state = next }
            if case .waiting(let waiters) = state { return waiters }
            return []
        }
        for waiter in waiters { waiter.resume(with: result) }
    }
}
