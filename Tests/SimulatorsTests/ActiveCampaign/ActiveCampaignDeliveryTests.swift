import Foundation
import Simulators
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// The default way to a webhook's receiver, over a real socket.
@Suite(.timeLimit(.minutes(1)))
struct ActiveCampaignDeliveryTests {
    /// Accepts one connection on a loopback port, reads one request and answers it.
    private struct OneShotServer {
        let descriptor: Int32
        let port: UInt16

        init() throws {
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let descriptor = descriptor
            let isBound = withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, length) == 0 && listen(descriptor, 1) == 0
                        && getsockname(descriptor, $0, &length) == 0
                }
            }
            try #require(isBound)
            port = UInt16(bigEndian: address.sin_port)
        }

        /// What the client sent.
        func answer(_ status: String) -> String {
            let connection = accept(descriptor, nil, nil)
            var request: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 4_096)
            while !String(decoding: request, as: UTF8.self).hasSuffix("contact%5Bid%5D=1") {
                let count = read(connection, &buffer, buffer.count)
                guard count > 0 else { break }
                request += buffer[0..<count]
            }
            let reply = Array("HTTP/1.1 \(status)\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".utf8)
            _ = write(connection, reply, reply.count)
            close(connection)
            close(descriptor)
            return String(decoding: request, as: UTF8.self)
        }
    }

    @Test func webhooksArePostedAsFormsAndTheStatusComesBack() async throws {
        let server = try OneShotServer()
        let url = try #require(URL(string: "http://127.0.0.1:\(server.port)/in/secret"))
        let body = Data("type=update&contact%5Bid%5D=1".utf8)
        var post = ActiveCampaignPost(url: url, body: body)
        post.headers = [("X-Auth", "s")]
        async let status = ActiveCampaignSimulator.deliverOverHTTP(post)
        let request = await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: server.answer("410 Gone")) }
        }
        #expect(await status == 410)
        #expect(request.hasPrefix("POST /in/secret HTTP/1.1\r\n"))
        #expect(request.lowercased().contains("content-type: application/x-www-form-urlencoded; charset=utf-8"))
        #expect(request.lowercased().contains("x-auth: s"))
    }

    @Test func anUnreachableReceiverHasNoStatus() async throws {
        let server = try OneShotServer()
        let url = try #require(URL(string: "http://127.0.0.1:\(server.port)/"))
        close(server.descriptor)
        #expect(await ActiveCampaignSimulator.deliverOverHTTP(ActiveCampaignPost(url: url, body: Data())) == nil)
    }
}
