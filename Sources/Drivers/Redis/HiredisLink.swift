import CHiredis
import Dispatch
import Foundation

/// One socket with hiredis' buffers on both sides, and the sources that tell when it can be read or written.
///
/// Not `Sendable`: it lives in one `RedisConnection` and is touched on its queue only. The common subset of hiredis
/// 0.14 and 1.x is used: a plain context in non-blocking mode, driven by us.
final class HiredisLink {
    /// What a read brought.
    enum Arrival {
        /// Nothing more to read for now.
        case drained
        /// There may be more; ask again.
        case more
    }

    private let context: UnsafeMutablePointer<redisContext>
    private let reading: any DispatchSourceRead
    private let descriptor: OwnedDescriptor
    private let queue: DispatchQueue
    private var writing: (any DispatchSourceWrite)?
    private let replyBytes: Int
    /// Bytes received since the last complete reply.
    private var unfinished = 0
    /// Whether `append` was called since the buffer was last empty.
    private(set) var hasOutput = false

    /// Starts to connect; `writable` tells when to look whether it worked (`checkConnected`).
    /// - Parameter place: a unix path or a **numeric** address: hiredis resolves names with a blocking call.
    init(
        _ place: RedisAddress.Place, queue: DispatchQueue, replyBytes: Int,
        readable: @escaping @Sendable () -> Void
    ) throws(RedisError) {
        _ = Self.ignoreBrokenPipes
        let made =
            switch place {
            case .tcp(let host, let port): redisConnectNonBlock(host, Int32(port))
            case .unix(let path): redisConnectUnixNonBlock(path)
            case .sentinel, .cluster: preconditionFailure("a place is resolved before it is connected to")
            }
        guard let made else { throw Self.failure("hiredis is out of memory") }
        guard made.pointee.err == 0 else {
            defer { redisFree(made) }
            throw Self.failure(Self.text(made))
        }
        context = made
        self.queue = queue
        self.replyBytes = replyBytes
        let descriptor = OwnedDescriptor(made.pointee.fd)
        self.descriptor = descriptor
        reading = DispatchSource.makeReadSource(fileDescriptor: made.pointee.fd, queue: queue)
        reading.setEventHandler(handler: readable)
        // The descriptor may be closed only after the source has let go of it.
        reading.setCancelHandler { withExtendedLifetime(descriptor) {} }
    }

    deinit {
        reading.activate()
        reading.cancel()
        writing?.cancel()
        // Frees the buffers; the descriptor is closed when the last source has let go of it.
        _ = redisFreeKeepFd(context)
    }

    // MARK: - Connecting

    /// Calls `handler` once when the socket can be written: connected, or failed to.
    func whenWritable(_ handler: @escaping @Sendable () -> Void) {
        guard writing == nil else { return }
        let source = DispatchSource.makeWriteSource(fileDescriptor: descriptor.raw, queue: queue)
        source.setEventHandler(handler: handler)
        source.setCancelHandler { [descriptor] in withExtendedLifetime(descriptor) {} }
        writing = source
        source.activate()
    }

    /// Ends the wait for writability.
    func stopWaitingForWritable() {
        writing?.cancel()
        writing = nil
    }

    /// Whether the connection stands; call when writable for the first time.
    func checkConnected() throws(RedisError) {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor.raw, SOL_SOCKET, SO_ERROR, &code, &length) == 0, code == 0 else {
            throw Self.failure(String(cString: strerror(code == 0 ? errno : code)))
        }
        if context.pointee.connection_type == REDIS_CONN_TCP {
            // Notices a peer that vanished while nothing is asked of it.
            _ = redisEnableKeepAlive(context)
        }
        reading.activate()
    }

    // MARK: - Writing

    /// Puts a command into the output buffer.
    func append(_ command: RedisCommand) {
        hasOutput = true
        for part in [command.header, command.body] {
            part.withUnsafeBytes { bytes in
                // Only fails when memory is exhausted, which ends the process anyway.
                _ = redisAppendFormattedCommand(
                    context, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
            }
        }
    }

    /// Writes what the socket takes.
    /// - Returns: whether the output buffer is empty now.
    func flush() throws(RedisError) -> Bool {
        var done: Int32 = 0
        guard redisBufferWrite(context, &done) == REDIS_OK else { throw broken() }
        hasOutput = done == 0
        return done == 1
    }

    // MARK: - Reading

    /// Reads once, at most 16 KiB.
    /// - Throws: `connectionLost` at the end of the stream, `replyTooLarge` when a reply outgrows the bound.
    func read() throws(RedisError) -> Arrival {
        guard let reader = context.pointee.reader else { throw Self.failure("no reader") }
        let before = reader.pointee.len
        guard redisBufferRead(context) == REDIS_OK else { throw broken() }
        let arrived = reader.pointee.len - before
        unfinished += arrived
        return arrived < 16_384 ? .drained : .more
    }

    /// The next complete reply, nil when there is none yet.
    func nextReply() throws(RedisError) -> RESPValue? {
        guard let reader = context.pointee.reader else { throw Self.failure("no reader") }
        var raw: UnsafeMutableRawPointer?
        guard redisGetReplyFromReader(context, &raw) == REDIS_OK else { throw broken() }
        guard let raw else {
            guard unfinished <= replyBytes else {
                throw RedisError(.replyTooLarge, fate: .unknown, "the reply is longer than \(replyBytes) bytes")
            }
            return nil
        }
        // What is left in the buffer belongs to the next reply.
        unfinished = Int(reader.pointee.len) - Int(reader.pointee.pos)
        defer { freeReplyObject(raw) }
        return RESPValue(copying: raw.assumingMemoryBound(to: redisReply.self))
    }

    // MARK: - Errors

    private func broken() -> RedisError {
        let isProtocol = context.pointee.err == REDIS_ERR_PROTOCOL
        return RedisError(isProtocol ? .protocolViolation : .connectionLost, fate: .unknown, Self.text(context))
    }

    private static func failure(_ message: String) -> RedisError {
        RedisError(.notConnected, fate: .notSent, "can't connect: \(message)")
    }

    private static func text(_ context: UnsafeMutablePointer<redisContext>) -> String {
        withUnsafeBytes(of: context.pointee.errstr) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// hiredis writes with plain write(2), which kills a process that does not ignore SIGPIPE.
    private static let ignoreBrokenPipes: Void = { _ = signal(SIGPIPE, SIG_IGN) }()
}

/// A file descriptor that is closed when nobody holds it any more.
final class OwnedDescriptor: Sendable {
    let raw: Int32

    init(_ raw: Int32) { self.raw = raw }

    deinit { close(raw) }
}

extension RESPValue {
    /// Copies a reply tree; hiredis bounds its depth (`RedisLimits.replyDepth`).
    init(copying reply: UnsafeMutablePointer<redisReply>) {
        let reply = reply.pointee
        switch reply.type {
        case REDIS_REPLY_STRING: self = .bytes(Self.bytes(reply))
        case REDIS_REPLY_STATUS: self = .status(Self.line(reply))
        case REDIS_REPLY_ERROR: self = .error(RedisError(serverLine: Self.line(reply)))
        case REDIS_REPLY_INTEGER: self = .integer(reply.integer)
        case REDIS_REPLY_ARRAY:
            var elements: [RESPValue] = []
            elements.reserveCapacity(Int(reply.elements))
            for index in 0..<Int(reply.elements) {
                guard let element = reply.element?[index] else { continue }
                elements.append(RESPValue(copying: element))
            }
            self = .array(elements)
        default: self = .null
        }
    }

    private static func bytes(_ reply: redisReply) -> [UInt8] {
        guard let start = reply.str else { return [] }
        return [UInt8](UnsafeRawBufferPointer(start: start, count: Int(reply.len)))
    }

    private static func line(_ reply: redisReply) -> String {
        String(decoding: bytes(reply), as: UTF8.self)
    }
}
