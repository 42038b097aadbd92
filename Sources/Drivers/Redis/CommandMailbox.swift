import Synchronization

/// Where callers on any thread put commands for a connection.
///
/// The first caller after a pick-up wakes the connection's queue, the others only append: a thousand callers cost one
/// hop, and their commands travel in one write.
final class CommandMailbox: Sendable {
    typealias Entry = CommandLedger<ReplyTarget>.Entry

    /// What was put in since the last pick-up.
    struct Post: Sendable {
        var entries: [Entry] = []
        var cancelled: Set<UInt64> = []
    }

    /// What a caller has to do after it posted.
    enum Waking {
        /// Nothing: the connection will look.
        case none
        /// Wake the connection's queue.
        case queue
        /// Nobody else waits on this connection: the caller may take the connection's turn itself and spare a hop.
        case direct
    }

    private struct State: Sendable {
        var post = Post()
        var isAwake = false
        var isClosed = false
        var waiting = CommandLedger<ReplyTarget>.Room()
    }

    private let state = Mutex(State())
    private let maxCommands: Int
    private let maxBytes: Int

    init(maxCommands: Int, maxBytes: Int) {
        self.maxCommands = maxCommands
        self.maxBytes = maxBytes
    }

    /// Puts commands in, all or none.
    /// - Returns: how the connection gets to know.
    /// - Throws: `tooManyWaiting`, `closed`.
    func post(_ entries: [Entry], bytes: Int) throws(RedisError) -> Waking {
        try state.withLock { state throws(RedisError) in
            guard !state.isClosed else { throw Self.closedError }
            guard state.waiting.commands + entries.count <= maxCommands, state.waiting.bytes + bytes <= maxBytes else {
                throw RedisError(.tooManyWaiting, fate: .notSent, "too many commands wait on this connection")
            }
            state.waiting.commands += entries.count
            state.waiting.bytes += bytes
            state.post.entries += entries
            guard Self.wake(&state) else { return .none }
            return state.waiting.commands == entries.count ? .direct : .queue
        }
    }

    /// Asks for commands to be cancelled.
    /// - Returns: whether the caller must wake the connection.
    func cancel(_ ids: Range<UInt64>) -> Bool {
        state.withLock { state in
            state.post.cancelled.formUnion(ids)
            return Self.wake(&state)
        }
    }

    /// Takes everything out; the next post wakes the connection again.
    func pickUp() -> Post {
        state.withLock { state in
            state.isAwake = false
            let post = state.post
            state.post = Post()
            return post
        }
    }

    /// Gives room back.
    func release(_ room: CommandLedger<ReplyTarget>.Room) {
        guard room.commands > 0 else { return }
        state.withLock { state in
            state.waiting.commands -= room.commands
            state.waiting.bytes -= room.bytes
        }
    }

    /// Refuses all further posts.
    func close() {
        state.withLock { $0.isClosed = true }
    }

    static let closedError = RedisError(.closed, fate: .notSent, "the client is closed")

    private static func wake(_ state: inout State) -> Bool {
        defer { state.isAwake = true }
        return !state.isAwake
    }
}

/// Who gets an answer.
enum ReplyTarget: Sendable {
    /// One waiting caller.
    case one(CheckedContinuation<Result<RESPValue, RedisError>, Never>)
    /// A place in a pipeline's answers.
    case member(ReplyGroup, Int)

    func resume(_ result: Result<RESPValue, RedisError>) {
        switch self {
        case .one(let continuation): continuation.resume(returning: result)
        case .member(let group, let index): group.fill(index, result)
        }
    }
}

/// Collects the answers of one pipeline and resumes its caller with the last of them.
final class ReplyGroup: Sendable {
    private struct State {
        var results: [Result<RESPValue, RedisError>]
        var missing: Int
    }

    private let state: Mutex<State>
    private let continuation: CheckedContinuation<[Result<RESPValue, RedisError>], Never>

    init(count: Int, _ continuation: CheckedContinuation<[Result<RESPValue, RedisError>], Never>) {
        state = Mutex(State(results: Array(repeating: .success(.null), count: count), missing: count))
        self.continuation = continuation
    }

    func fill(_ index: Int, _ result: Result<RESPValue, RedisError>) {
        let all: [Result<RESPValue, RedisError>]? = state.withLock { state in
            state.results[index] = result
            state.missing -= 1
            return state.missing == 0 ? state.results : nil
        }
        if let all { continuation.resume(returning: all) }
    }
}
