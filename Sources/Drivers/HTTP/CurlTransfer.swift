import CCurl
import Foundation

/// One request inside libcurl: the easy handle, what it still has to send and what it received.
///
/// Lives in the loop actor. libcurl holds an unretained pointer to it as callback data; the loop keeps the object
/// until the handle is cleaned up, so the pointer never outlives it.
final class CurlTransfer {
    let id: UInt64
    let easy: UnsafeMutableRawPointer
    let connectionKey: String
    private let url: CurlURL
    private let mustBeLoopback: Bool
    private let mustBePublic: Bool
    private let maxBodyBytes: Int
    private let timeoutMilliseconds: Int
    private let uploadBody: Data
    private var uploaded = 0
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private var headerBytes = 0
    private var headers = HTTPHeaders()
    private var body = Data()
    /// Why this side broke the transfer off, when it did.
    private(set) var ownFailure: HTTPError.Code?
    /// Sockets opened for this transfer.
    private(set) var socketsOpened = 0

    /// Sets up a handle that is not running yet.
    /// - Parameter timeout: what is left of the request's total time.
    init(
        id: UInt64, request: HTTPRequest, target: RequestTarget, url: CurlURL, options: HTTPOptions,
        timeout: Duration
    ) throws(HTTPError) {
        guard let easy = curl_easy_init() else { throw HTTPError(.internal, "out of memory") }
        self.id = id
        self.easy = easy
        self.url = url
        connectionKey = target.connectionKey
        mustBeLoopback = target.scheme == "http"
        mustBePublic = !options.allowPrivateAddresses
        maxBodyBytes = request.maxBodyBytes
        timeoutMilliseconds = max(1, timeout.wholeMilliseconds)
        let isCompressed = request.gzipBody && request.body.count >= HTTPLimits.gzipFloorBytes
        let compressed = isCompressed ? Gzip.compress(request.body) : nil
        uploadBody = compressed ?? request.body
        setConnection(options, idleTimeout: request.idleTimeout)
        setMethod(request)
        setHeaders(request, isCompressed: compressed != nil, options: options)
        setCallbacks(isRepeatable: request.isRepeatable)
    }

    deinit {
        curl_easy_cleanup(easy)
        curl_slist_free_all(headerList)
    }

    // MARK: - Setting up

    private func setConnection(_ options: HTTPOptions, idleTimeout: Duration) {
        ferry_easy_set_url(easy, url.handle)
        ferry_easy_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https")
        ferry_easy_set_long(easy, CURLOPT_FOLLOWLOCATION, 0)
        // A proxy named in the environment would connect where the address check cannot see it.
        ferry_easy_set_string(easy, CURLOPT_PROXY, "")
        // "If this option is set, libcurl does not use any functions that install signal handlers" (manual).
        ferry_easy_set_long(easy, CURLOPT_NOSIGNAL, 1)
        ferry_easy_set_long(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        ferry_easy_set_long(easy, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        ferry_easy_set_long(easy, CURLOPT_SSL_VERIFYPEER, 1)
        ferry_easy_set_long(easy, CURLOPT_SSL_VERIFYHOST, 2)
        if let caFile = options.caFile {
            ferry_easy_set_string(easy, CURLOPT_CAINFO, caFile)
            ferry_easy_set_string(easy, CURLOPT_CAPATH, nil)
        }
        ferry_easy_set_long(easy, CURLOPT_TCP_KEEPALIVE, 1)
        ferry_easy_set_long(easy, CURLOPT_TIMEOUT_MS, timeoutMilliseconds)
        ferry_easy_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, max(1, options.connectTimeout.wholeMilliseconds))
        ferry_easy_set_long(easy, CURLOPT_LOW_SPEED_LIMIT, HTTPLimits.idleBytesPerSecond)
        ferry_easy_set_long(easy, CURLOPT_LOW_SPEED_TIME, max(1, idleTimeout.wholeMilliseconds / 1_000))
        ferry_easy_set_string(easy, CURLOPT_ACCEPT_ENCODING, "gzip")
        ferry_easy_set_large(easy, CURLOPT_MAXFILESIZE_LARGE, maxBodyBytes)
    }

    private func setMethod(_ request: HTTPRequest) {
        switch request.method {
        case .get where request.body.isEmpty: ferry_easy_set_long(easy, CURLOPT_HTTPGET, 1)
        case .head: ferry_easy_set_long(easy, CURLOPT_NOBODY, 1)
        case .delete where request.body.isEmpty: ferry_easy_set_string(easy, CURLOPT_CUSTOMREQUEST, "DELETE")
        default:
            ferry_easy_set_long(easy, CURLOPT_POST, 1)
            ferry_easy_set_large(easy, CURLOPT_POSTFIELDSIZE_LARGE, uploadBody.count)
            ferry_easy_set_string(easy, CURLOPT_CUSTOMREQUEST, request.method.rawValue)
        }
        // libcurl repeats a request on a fresh connection when a kept one died before any answer. With a body it
        // must rewind first, which `setCallbacks` forbids; without one only a fresh connection rules it out.
        if !request.isRepeatable, uploadBody.isEmpty { ferry_easy_set_long(easy, CURLOPT_FRESH_CONNECT, 1) }
    }

    private func setHeaders(_ request: HTTPRequest, isCompressed: Bool, options: HTTPOptions) {
        for field in request.headers.fields {
            // "Name;" is libcurl's spelling of a field without a value; "Name:" would remove it.
            append(field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)")
        }
        if request.headers["User-Agent"] == nil { append("User-Agent: \(options.userAgent)") }
        if request.headers["Content-Type"] == nil { append("Content-Type:") }
        if isCompressed { append("Content-Encoding: gzip") }
        append("Expect:")
        ferry_easy_set_list(easy, CURLOPT_HTTPHEADER, headerList)
    }

    private func append(_ line: String) {
        headerList = curl_slist_append(headerList, line)
    }

    private func setCallbacks(isRepeatable: Bool) {
        // Safe because the loop keeps this object for as long as the handle exists (see the type's comment).
        let pointer = Unmanaged.passUnretained(self).toOpaque()
        ferry_easy_set_transfer_function(easy, CURLOPT_WRITEFUNCTION) { bytes, size, count, data in
            CurlTransfer.of(data).receiveBody(bytes, size * count)
        }
        ferry_easy_set_pointer(easy, CURLOPT_WRITEDATA, pointer)
        ferry_easy_set_transfer_function(easy, CURLOPT_HEADERFUNCTION) { bytes, size, count, data in
            CurlTransfer.of(data).receiveHeader(bytes, size * count)
        }
        ferry_easy_set_pointer(easy, CURLOPT_HEADERDATA, pointer)
        ferry_easy_set_transfer_function(easy, CURLOPT_READFUNCTION) { bytes, size, count, data in
            CurlTransfer.of(data).produceBody(bytes, size * count)
        }
        ferry_easy_set_pointer(easy, CURLOPT_READDATA, pointer)
        ferry_easy_set_open_socket_function(easy) { data, _, address in
            guard let address else { return CURL_SOCKET_BAD }
            return CurlTransfer.of(data).openSocket(address)
        }
        ferry_easy_set_pointer(easy, CURLOPT_OPENSOCKETDATA, pointer)
        guard isRepeatable else { return }
        ferry_easy_set_seek_function(easy) { data, offset, origin in
            CurlTransfer.of(data).seek(to: offset, from: origin)
        }
        ferry_easy_set_pointer(easy, CURLOPT_SEEKDATA, pointer)
    }

    private static func of(_ pointer: UnsafeMutableRawPointer?) -> CurlTransfer {
        guard let pointer else { preconditionFailure("libcurl lost its callback data") }
        return Unmanaged<CurlTransfer>.fromOpaque(pointer).takeUnretainedValue()
    }

    // MARK: - Callbacks, on the loop's queue

    /// Returning another count than given makes libcurl end with `CURLE_WRITE_ERROR`.
    private func receiveBody(_ bytes: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
        guard count > 0, let bytes else { return count }
        guard count <= maxBodyBytes - body.count else {
            ownFailure = .tooLarge
            return 0
        }
        body.append(UnsafeRawPointer(bytes).assumingMemoryBound(to: UInt8.self), count: count)
        return count
    }

    private func receiveHeader(_ bytes: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
        guard count > 0, let bytes else { return count }
        headerBytes += count
        guard headerBytes <= HTTPLimits.responseHeaderBytes else {
            ownFailure = .tooLarge
            return 0
        }
        let line = UnsafeRawBufferPointer(start: bytes, count: count)
        if line.starts(with: "HTTP/".utf8) {
            // A new status line: what came before was an interim answer (1xx).
            headers = HTTPHeaders()
        } else if let colon = line.firstIndex(of: UInt8(ascii: ":")) {
            headers.add(Self.text(line[..<colon]), Self.text(line[(colon + 1)...]))
        }
        return count
    }

    private static func text(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d || $0 == 0x0a }
        let trimmed = bytes.drop(while: isSpace)
        let end = trimmed.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? trimmed.startIndex
        return String(decoding: trimmed[..<end], as: UTF8.self)
    }

    private func produceBody(_ bytes: UnsafeMutablePointer<CChar>?, _ capacity: Int) -> Int {
        let count = min(capacity, uploadBody.count - uploaded)
        guard count > 0, let bytes else { return 0 }
        let start = uploadBody.startIndex + uploaded
        let target = UnsafeMutableRawPointer(bytes).assumingMemoryBound(to: UInt8.self)
        uploadBody.copyBytes(to: target, from: start..<start + count)
        uploaded += count
        return count
    }

    private func seek(to offset: curl_off_t, from origin: Int32) -> Int32 {
        guard origin == SEEK_SET, offset >= 0, offset <= uploadBody.count else { return CURL_SEEKFUNC_CANTSEEK }
        uploaded = Int(offset)
        return CURL_SEEKFUNC_OK
    }

    private func openSocket(_ address: UnsafeMutablePointer<curl_sockaddr>) -> curl_socket_t {
        let raw = UnsafeRawPointer(address).advanced(by: MemoryLayout<curl_sockaddr>.offset(of: \.addr) ?? 0)
        let socketAddress = raw.assumingMemoryBound(to: sockaddr.self)
        let isRefused =
            (mustBeLoopback && !AddressGuard.isLoopback(socketAddress))
            || (mustBePublic && !AddressGuard.isPublic(socketAddress))
        guard !isRefused else {
            ownFailure = .addressRefused
            return CURL_SOCKET_BAD
        }
        ownFailure = nil
        socketsOpened += 1
        let type = address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue)
        return socket(address.pointee.family, type, address.pointee.protocol)
    }

    // MARK: - Ending

    /// What the finished handle amounts to.
    func result(_ code: CURLcode) -> Result<HTTPResponse, HTTPError> {
        let status = long(CURLINFO_RESPONSE_CODE)
        if code == CURLE_OK, ownFailure == nil {
            return .success(HTTPResponse(status: status, headers: headers, body: body))
        }
        let failure = ownFailure ?? (wasIdle(code) ? .idle : CurlFailure.code(code, hasSent: hasSent))
        let text = ownFailure.map(CurlFailure.text) ?? String(cString: curl_easy_strerror(code))
        return .failure(HTTPError(failure, text, fate: fate))
    }

    /// What became of the request so far.
    var fate: HTTPFate {
        let status = long(CURLINFO_RESPONSE_CODE)
        if status >= 200 { return .answered(status: status) }
        return hasSent ? .unknown : .notSent
    }

    /// Whether any byte of the request was given to a socket.
    private var hasSent: Bool { long(CURLINFO_REQUEST_SIZE) > 0 }

    /// libcurl has one code for all its timeouts: it was the low-speed one if the total time is not over.
    private func wasIdle(_ code: CURLcode) -> Bool {
        guard code == CURLE_OPERATION_TIMEDOUT, hasSent else { return false }
        var microseconds: curl_off_t = 0
        ferry_easy_get_large(easy, CURLINFO_TOTAL_TIME_T, &microseconds)
        return microseconds / 1_000 < timeoutMilliseconds
    }

    private func long(_ info: CURLINFO) -> Int {
        var value = 0
        ferry_easy_get_long(easy, info, &value)
        return value
    }
}

/// libcurl's result codes in this module's words.
enum CurlFailure {
    /// The kind of failure behind a result code.
    /// - Parameter hasSent: whether bytes of the request were written.
    static func code(_ code: CURLcode, hasSent: Bool) -> HTTPError.Code {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: return .dns
        case CURLE_COULDNT_CONNECT: return .connect
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE,
            CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR, CURLE_USE_SSL_FAILED:
            return .tls
        case CURLE_OPERATION_TIMEDOUT: return .timeout
        case CURLE_FILESIZE_EXCEEDED: return .tooLarge
        case CURLE_URL_MALFORMAT: return .invalidRequest
        case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_SEND_FAIL_REWIND:
            return hasSent ? .connectionLost : .connect
        case CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING, CURLE_UNSUPPORTED_PROTOCOL:
            return .badResponse
        default: return .internal
        }
    }

    /// Words for a transfer that this side broke off.
    static func text(_ code: HTTPError.Code) -> String {
        switch code {
        case .tooLarge: return "the answer is over its bound"
        case .addressRefused: return "the host's address is not a public one"
        default: return code.rawValue
        }
    }
}

extension Duration {
    /// Milliseconds, cut off; far future stays within 32 bits, which is what libcurl's `long` holds everywhere.
    var wholeMilliseconds: Int {
        let (seconds, attoseconds) = components
        guard seconds < Int64(Int32.max) / 1_000 else { return Int(Int32.max) }
        return Int(seconds) * 1_000 + Int(attoseconds / 1_000_000_000_000_000)
    }
}
