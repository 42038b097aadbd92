import Foundation
import TestSupport
import Testing

@testable import Drivers

/// A child process; Foundation's `Process` can miss a child's end when many threads fork at once.
private struct Child {
    let id: pid_t

    init(_ arguments: [String], output: Int32? = nil) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        if let output { posix_spawn_file_actions_adddup2(&actions, output, 1) }
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        var id = pid_t()
        guard posix_spawnp(&id, arguments[0], &actions, nil, &words, environ) == 0 else { throw POSIXError(.ENOENT) }
        self.id = id
    }

    @discardableResult func wait() -> Bool {
        var status: Int32 = 0
        while waitpid(id, &status, 0) < 0 && errno == EINTR {}
        return status == 0
    }
}

/// `openssl s_server` with a certificate for 127.0.0.1 from a certificate authority of its own.
private final class TLSServer {
    let port: Int
    let caFile: String
    private let folder: URL
    private let child: Child

    init() throws {
        let name = "ferry-tls-\(UInt32.random(in: 0...UInt32.max))"
        folder = FileManager.default.temporaryDirectory.appending(path: name)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        caFile = folder.appending(path: "ca.pem").path
        let free = try RawServer { _ in }
        port = free.port
        free.stop()
        let folder = folder
        func openssl(_ words: String) throws {
            let child = try Child(Self.words("openssl " + words, in: folder))
            guard child.wait() else { throw POSIXError(.EINVAL) }
        }
        try openssl("req -x509 -newkey rsa:2048 -nodes -keyout @ca.key -out @ca.pem -days 2 -subj /CN=FerryTestCA")
        try openssl("req -newkey rsa:2048 -nodes -keyout @s.key -out @s.csr -subj /CN=ferry")
        try Data("subjectAltName=IP:127.0.0.1".utf8).write(to: folder.appending(path: "ext"))
        try openssl("x509 -req -in @s.csr -CA @ca.pem -CAkey @ca.key -CAcreateserial -out @s.pem -days 2 -extfile @ext")
        child = try Self.start(folder, port)
    }

    /// The words of a command; `@` stands for the folder.
    private static func words(_ command: String, in folder: URL) -> [String] {
        command.split(separator: " ").map { String($0).replacing("@", with: folder.path + "/") }
    }

    /// Returns once the server says that it accepts connections.
    private static func start(_ folder: URL, _ port: Int) throws -> Child {
        let output = Pipe()
        let command = words("openssl s_server -accept 127.0.0.1:\(port) -cert @s.pem -key @s.key -www", in: folder)
        let child = try Child(command, output: output.fileHandleForWriting.fileDescriptor)
        try output.fileHandleForWriting.close()
        var text = ""
        while !text.contains("ACCEPT") {
            let chunk = output.fileHandleForReading.availableData
            guard !chunk.isEmpty else { throw POSIXError(.ECONNREFUSED) }
            text += String(decoding: chunk, as: UTF8.self)
        }
        return child
    }

    func stop() {
        kill(child.id, SIGKILL)
        child.wait()
        try? FileManager.default.removeItem(at: folder)
    }
}

@Suite(.timeLimit(.minutes(2))) struct HTTPTLSTests {
    @Test func aPrivateAuthorityIsTrustedOnlyWhenItsFileIsGiven() async throws {
        let server = try TLSServer()
        defer { server.stop() }
        var options = HTTPOptions.loopback
        options.caFile = server.caFile
        let trusting = try HTTPClient(options: options)
        let response = try await trusting.send(HTTPRequest(.get, "https://127.0.0.1:\(server.port)/"))
        #expect(response.status == 200)

        let strict = try HTTPClient(options: .loopback)
        let refused = await #expect(throws: HTTPError.self) {
            _ = try await strict.send(HTTPRequest(.get, "https://127.0.0.1:\(server.port)/"))
        }
        #expect(refused?.code == .tls && refused?.fate == .notSent)

        let wrongName = await #expect(throws: HTTPError.self) {
            _ = try await trusting.send(HTTPRequest(.get, "https://localhost:\(server.port)/"))
        }
        #expect(wrongName?.code == .tls)
    }
}

struct AddressGuardTests {
    @Test(
        arguments: [
            [8, 8, 8, 8], [1, 1, 1, 1], [172, 15, 0, 1], [172, 32, 0, 1], [100, 63, 0, 1], [192, 167, 0, 1],
            [223, 255, 0, 1],
        ] as [[UInt8]])
    func ordinaryIPv4AddressesArePublic(address: [UInt8]) {
        #expect(AddressGuard.isPublicIPv4(address))
    }

    @Test(
        arguments: [
            [0, 0, 0, 0], [10, 255, 0, 1], [100, 64, 0, 1], [100, 127, 9, 9], [127, 0, 0, 53], [169, 254, 169, 254],
            [172, 16, 0, 1], [172, 31, 255, 255], [192, 168, 0, 1], [198, 18, 0, 1], [224, 0, 0, 1],
            [255, 255, 255, 255],
        ] as [[UInt8]])
    func specialIPv4AddressesAreNot(address: [UInt8]) {
        #expect(!AddressGuard.isPublicIPv4(address))
    }

    @Test func ipv6CountsByItsPrefixAndByWhatItWraps() {
        func bytes(_ prefix: [UInt8], _ suffix: [UInt8] = []) -> [UInt8] {
            prefix + [UInt8](repeating: 0, count: 16 - prefix.count - suffix.count) + suffix
        }
        #expect(AddressGuard.isPublicIPv6(bytes([0x26, 0x06, 0x47], [1])))
        #expect(!AddressGuard.isPublicIPv6(bytes([], [1])))
        #expect(!AddressGuard.isPublicIPv6(bytes([0xfe, 0x80], [1])))
        #expect(!AddressGuard.isPublicIPv6(bytes([0xfd, 0x00], [1])))
        #expect(!AddressGuard.isPublicIPv6(bytes([0x20, 0x02, 10, 0, 0, 1])))
        #expect(!AddressGuard.isPublicIPv6(bytes([], [0xff, 0xff, 127, 0, 0, 1])))
        #expect(AddressGuard.isPublicIPv6(bytes([], [0xff, 0xff, 8, 8, 8, 8])))
        #expect(!AddressGuard.isPublicIPv6(bytes([0x00, 0x64, 0xff, 0x9b], [10, 0, 0, 1])))
    }
}
