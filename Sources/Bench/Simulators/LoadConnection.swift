import ArgumentParser
import Dispatch
import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// One connection of the load generator.
struct LoadConnection {
    let socket: Int32
    var request: [UInt8]
    private var buffer: [UInt8] = []
    /// Bytes of the answer being read; nil until its head is whole.
    private var expected: Int?
    private var sentAt = 0.0
    private var chunk = [UInt8](repeating: 0, count: 65_536)

    /// Connects.
    init(port: Int, request: [UInt8]) throws {
        self.request = request
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let socket = socket
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw ValidationError("cannot connect") }
        var on: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Seconds of a clock that never goes back.
    static func now() -> Double {
        Double(DispatchTime.now().uptimeNanoseconds) / 1e9
    }

    /// Sends the request whole.
    mutating func send() throws {
        buffer.removeAll(keepingCapacity: true)
        expected = nil
        sentAt = Self.now()
        var sent = 0
        while sent < request.count {
            let count = request.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress.map { $0 + sent }, request.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw ValidationError("cannot send") }
            sent += count
        }
    }

    /// Takes what has come; the answer's latency in seconds once it is whole.
    mutating func receive() throws -> Double? {
        let count = recv(socket, &chunk, chunk.count, 0)
        guard count > 0 else { throw ValidationError("the server closed a connection") }
        buffer.append(contentsOf: chunk[..<count])
        if expected == nil { expected = try Self.length(of: buffer) }
        guard let expected, buffer.count >= expected else { return nil }
        return Self.now() - sentAt
    }

    /// Length of an answer whose head is whole. Anything but success, or a record that is not there, fails the run.
    private static func length(of buffer: [UInt8]) throws -> Int? {
        guard let end = headEnd(of: buffer), buffer.count > 12 else { return nil }
        let status = buffer[9..<12]
        guard status.elementsEqual("200".utf8) || status.elementsEqual("404".utf8) else {
            throw ValidationError(String(decoding: buffer.prefix(200), as: UTF8.self))
        }
        guard let length = contentLength(in: buffer[..<end]) else { throw ValidationError("no content-length") }
        return end + length
    }

    /// Found byte by byte: Foundation's search would cost more than the server's answer.
    private static func contentLength(in head: ArraySlice<UInt8>) -> Int? {
        let name = Array("content-length:".utf8)
        var line = head.startIndex
        while line < head.endIndex {
            let end = head[line...].firstIndex(of: 0x0A) ?? head.endIndex
            let isMatch =
                end - line > name.count
                && zip(head[line...], name).allSatisfy { $0 == $1 || ($0 | 0x20) == $1 }
            if isMatch {
                return head[(line + name.count)..<end].reduce(into: 0) { number, byte in
                    if (0x30...0x39).contains(byte) { number = number * 10 + Int(byte - 0x30) }
                }
            }
            line = end + 1
        }
        return nil
    }

    /// Where the empty line after the head ends.
    private static func headEnd(of buffer: [UInt8]) -> Int? {
        buffer.withUnsafeBufferPointer { bytes in
            var index = 3
            while index < bytes.count {
                if bytes[index] == 0x0A, bytes[index - 1] == 0x0D, bytes[index - 2] == 0x0A { return index + 1 }
                index += 1
            }
            return nil
        }
    }
}
