import DequeModule
package import Logging
import ServiceLifecycle
import Store
import Synchronization

/// One hint that a contact changed.
package struct ChangeHint: Sendable, Hashable {
    package let tenant: Int32
    package let contactID: Int64

    /// Makes a hint.
    package init(tenant: Int32, contactID: Int64) {
        self.tenant = tenant
        self.contactID = contactID
    }
}

/// Stores hints in groups: a webhook is answered only when its contact id is committed, and thousands of them a second
/// share a few statements.
///
/// When the process dies, hints not yet answered are lost with their requests; the next poll finds the changes.
package final class ChangeInbox: Service {
    private struct Waiter {
        let hint: ChangeHint
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var waiting = Deque<Waiter>()
        var isClosed = false
    }

    private let store: @Sendable ([ChangeHint]) async throws -> Void
    private let logger: Logger
    private let state = Mutex(State())
    private let bell = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    /// Makes an inbox.
    /// - Parameter store: commits a group of hints.
    package init(logger: Logger, store: @escaping @Sendable ([ChangeHint]) async throws -> Void) {
        self.logger = logger
        self.store = store
    }

    /// Stores a hint and returns when it is committed.
    /// - Returns: false when it could not be stored, or too many are waiting.
    package func post(_ hint: ChangeHint) async -> Bool {
        await withCheckedContinuation { continuation in
            let isTaken = state.withLock { state in
                guard !state.isClosed, state.waiting.count < ClusterLimits.webhookBacklog else { return false }
                state.waiting.append(Waiter(hint: hint, continuation: continuation))
                return true
            }
            if isTaken { bell.continuation.yield() } else { continuation.resume(returning: false) }
        }
    }

    package func run() async throws {
        await withGracefulShutdownHandler {
            for await _ in bell.stream {
                // A moment's patience lets a burst share one statement.
                try? await Task.sleep(for: ClusterLimits.webhookLinger)
                await drain()
            }
        } onGracefulShutdown: {
            self.bell.continuation.finish()
        }
        let left = state.withLock { state in
            state.isClosed = true
            defer { state.waiting.removeAll() }
            return Array(state.waiting)
        }
        await commit(left)
    }

    private func drain() async {
        while true {
            let group = state.withLock { state in
                let count = min(state.waiting.count, ClusterLimits.webhookGroup)
                defer { state.waiting.removeFirst(count) }
                return Array(state.waiting.prefix(count))
            }
            guard !group.isEmpty else { return }
            await commit(group)
        }
    }

    private func commit(_ group: [Waiter]) async {
        guard !group.isEmpty else { return }
        var isStored = true
        do {
            try await store(Array(Set(group.map(\.hint))))
        } catch {
            isStored = false
            logger.error("webhooks not stored", metadata: ["count": "\(group.count)", "error": "\(error)"])
        }
        for waiter in group { waiter.continuation.resume(returning: isStored) }
    }
}
