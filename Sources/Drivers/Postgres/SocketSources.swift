import Dispatch
import Foundation

/// Readiness of one socket, reported on one queue.
///
/// The sources watch duplicates of the descriptor, each closed by its own source's cancel handler, as Dispatch
/// demands; so the C library may close its own descriptor at any moment. Lives inside one actor.
final class SocketSources {
    private let queue: DispatchQueue
    private let read: any DispatchSourceRead
    private var write: (any DispatchSourceWrite)?
    private var isWriteArmed = false
    private let socket: Int32
    private let onWritable: @Sendable () -> Void

    /// Starts watching.
    /// - Parameters:
    ///   - socket: the descriptor; nil is returned when it can't be duplicated.
    ///   - onReadable: runs on `queue` while there is something to read, or the peer has gone.
    ///   - onWritable: runs on `queue` while there is room, after `wantsWrite(true)`.
    init?(
        socket: Int32, queue: DispatchQueue, onReadable: @escaping @Sendable () -> Void,
        onWritable: @escaping @Sendable () -> Void
    ) {
        let duplicate = dup(socket)
        guard duplicate >= 0 else { return nil }
        self.socket = duplicate
        self.queue = queue
        self.onWritable = onWritable
        read = DispatchSource.makeReadSource(fileDescriptor: duplicate, queue: queue)
        read.setEventHandler(handler: onReadable)
        read.setCancelHandler { close(duplicate) }
        read.activate()
    }

    /// Bytes that wait in the socket; 0 when that can't be told.
    var readableBytes: Int {
        var count: Int32 = 0
        return ioctl(socket, UInt(FIONREAD), &count) == 0 ? Int(count) : 0
    }

    /// Turns reports of room on or off.
    func wantsWrite(_ wanted: Bool) {
        guard wanted != isWriteArmed else { return }
        if wanted {
            guard let source = write ?? makeWriteSource() else { return }
            source.resume()
        } else {
            write?.suspend()
        }
        isWriteArmed = wanted
    }

    private func makeWriteSource() -> (any DispatchSourceWrite)? {
        let duplicate = dup(socket)
        guard duplicate >= 0 else { return nil }
        let source = DispatchSource.makeWriteSource(fileDescriptor: duplicate, queue: queue)
        source.setEventHandler(handler: onWritable)
        source.setCancelHandler { close(duplicate) }
        write = source
        return source
    }

    deinit {
        read.cancel()
        // A suspended source must run before it may go, or Dispatch traps.
        if let write, !isWriteArmed { write.resume() }
        write?.cancel()
    }
}

/// One timer of one actor, armed for one instant at a time.
final class DeadlineTimer {
    private let source: any DispatchSourceTimer

    /// Makes a timer that is not armed; `onFire` runs on `queue`.
    init(queue: DispatchQueue, onFire: @escaping @Sendable () -> Void) {
        source = DispatchSource.makeTimerSource(queue: queue)
        source.setEventHandler(handler: onFire)
        source.schedule(deadline: .distantFuture)
        source.activate()
    }

    /// Fires once, `delay` from now, unless armed anew or disarmed before.
    func arm(after delay: Duration) {
        source.schedule(deadline: .now() + delay.dispatchInterval, leeway: .milliseconds(1))
    }

    func disarm() { source.schedule(deadline: .distantFuture) }

    deinit { source.cancel() }
}
