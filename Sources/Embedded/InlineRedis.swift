import Foundation

/// Single commands to a Redis of our own over its unix socket, in the inline protocol; for setting servers up.
enum InlineRedis {
    /// Time a command may take, in seconds.
    private static let patience = 10

    /// Sends one command and returns what came until the server had nothing more to say.
    /// - Throws: `EmbeddedError` when there is no answer, or an error.
    @discardableResult
    static func send(_ command: String, to path: String) throws -> String {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0, Readiness.connect(descriptor, unixSocket: path) else {
            throw EmbeddedError("can't connect to \(path)")
        }
        defer { close(descriptor) }
        var timeout = timeval(tv_sec: patience, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        let line = command + "\r\nQUIT\r\n"
        guard Foundation.send(descriptor, line, line.utf8.count, Int32(MSG_NOSIGNAL)) == line.utf8.count else {
            throw EmbeddedError("can't write to \(path)")
        }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            text += buffer[..<count]
        }
        let answer = String(decoding: text, as: UTF8.self)
        guard !answer.isEmpty, !answer.hasPrefix("-") else {
            throw EmbeddedError("\(command.prefix { $0 != " " }) was refused: \(answer.prefix(200))")
        }
        return answer
    }
}
