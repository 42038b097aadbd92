import CCurl
import Glibc

/// Owns one multi handle and the epoll set that watches its sockets.
///
/// libcurl tells through two callbacks which sockets it waits for and when it wants to be called; both only write
/// down what they are told, because "you must not call libcurl from within the callback" (manual). One epoll set
/// stands for all sockets, so a socket is forgotten before libcurl closes it, with no asynchronous cancelling.
final class CurlMulti {
    let handle: UnsafeMutableRawPointer
    /// Readable when any socket is ready.
    let epoll: Int32
    /// Milliseconds until libcurl wants a call, counted from when it said so; nil for never.
    private(set) var timeout: Int?
    private var watched: Set<Int32> = []

    init() throws(HTTPError) {
        CurlGlobal.start()
        let epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0, let handle = curl_multi_init() else {
            if epoll >= 0 { close(epoll) }
            throw HTTPError(.internal, "no descriptors or memory left for libcurl")
        }
        self.handle = handle
        self.epoll = epoll
        // Safe because the callbacks run only inside calls made through this object, which owns the handle.
        let pointer = Unmanaged.passUnretained(self).toOpaque()
        ferry_multi_set_socket_function(handle) { _, socket, what, data, _ in
            CurlMulti.of(data).watch(socket, what)
            return 0
        }
        ferry_multi_set_pointer(handle, CURLMOPT_SOCKETDATA, pointer)
        ferry_multi_set_timer_function(handle) { _, milliseconds, data in
            CurlMulti.of(data).timeout = milliseconds < 0 ? nil : milliseconds
            return 0
        }
        ferry_multi_set_pointer(handle, CURLMOPT_TIMERDATA, pointer)
        ferry_multi_set_long(handle, CURLMOPT_MAXCONNECTS, HTTPLimits.idleConnections)
        ferry_multi_set_long(handle, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
    }

    /// The epoll set is closed by whoever watches it (`HTTPLoop`), after its source is cancelled.
    deinit {
        // Closing the kept connections must not touch the epoll set any more: its number may be someone else's.
        ferry_multi_set_socket_function(handle, nil)
        curl_multi_cleanup(handle)
    }

    private static func of(_ pointer: UnsafeMutableRawPointer?) -> CurlMulti {
        guard let pointer else { preconditionFailure("libcurl lost its callback data") }
        return Unmanaged<CurlMulti>.fromOpaque(pointer).takeUnretainedValue()
    }

    private func watch(_ socket: Int32, _ what: Int32) {
        guard what != CURL_POLL_REMOVE else {
            watched.remove(socket)
            ferry_epoll_set(epoll, EPOLL_CTL_DEL, socket, 0)
            return
        }
        var events: UInt32 = 0
        if what & CURL_POLL_IN != 0 { events |= EPOLLIN.rawValue }
        if what & CURL_POLL_OUT != 0 { events |= EPOLLOUT.rawValue }
        let isNew = watched.insert(socket).inserted
        ferry_epoll_set(epoll, isNew ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket, events)
    }

    // MARK: - Driving

    /// Starts a transfer; it moves at the next `runTimers()`.
    func add(_ transfer: CurlTransfer) -> Bool {
        curl_multi_add_handle(handle, transfer.easy) == CURLM_OK
    }

    /// Takes a transfer out, finished or not; an unfinished one's connection is closed.
    func remove(_ transfer: CurlTransfer) {
        curl_multi_remove_handle(handle, transfer.easy)
    }

    /// Does what is due by time.
    func runTimers() {
        timeout = nil
        var running: Int32 = 0
        curl_multi_socket_action(handle, CURL_SOCKET_TIMEOUT, 0, &running)
    }

    /// Does what is ready on the sockets. True when there may be more.
    func runReadySockets() -> Bool {
        var sockets = [Int32](repeating: 0, count: HTTPLimits.eventsPerLook)
        var events = [UInt32](repeating: 0, count: HTTPLimits.eventsPerLook)
        let count = Int(ferry_epoll_poll(epoll, &sockets, &events, Int32(HTTPLimits.eventsPerLook)))
        guard count > 0 else { return false }
        for index in 0..<count {
            var running: Int32 = 0
            curl_multi_socket_action(handle, sockets[index], Self.mask(events[index]), &running)
        }
        return count == HTTPLimits.eventsPerLook
    }

    private static func mask(_ events: UInt32) -> Int32 {
        var mask: Int32 = 0
        if events & EPOLLIN.rawValue != 0 { mask |= CURL_CSELECT_IN }
        if events & EPOLLOUT.rawValue != 0 { mask |= CURL_CSELECT_OUT }
        if events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 { mask |= CURL_CSELECT_ERR }
        return mask
    }

    /// The next finished transfer's handle and result code; nil when there is none.
    func nextFinished() -> (easy: UnsafeMutableRawPointer, code: CURLcode)? {
        var left: Int32 = 0
        while let message = curl_multi_info_read(handle, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            return (easy, message.pointee.data.result)
        }
        return nil
    }
}

/// What has to happen once in a process before libcurl is used.
enum CurlGlobal {
    private static let isStarted: Bool = {
        // A peer that closes while we write must be an error of that one write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        guard curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK else { return false }
        // Without its threaded resolver libcurl would block the loop for every name lookup.
        return ferry_resolves_in_background() != 0
    }()

    static func start() {
        precondition(isStarted, "this libcurl cannot be used: it does not start or resolves names in the foreground")
    }
}
