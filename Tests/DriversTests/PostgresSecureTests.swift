import Drivers
import Embedded
import Foundation
import Testing

@Suite(.timeLimit(.minutes(2))) struct PostgresSecureTests {
    /// A server on a loopback address of its own, with certificates made by openssl.
    struct SecureServer {
        let server: EmbeddedPostgres
        let address: String
        let authority: String
        let foreignAuthority: String
    }

    static let shared = Result { try make() }

    private static func make() throws -> SecureServer {
        let folder = PostgresTestServer.freshFolder()
        let address = "127.\(Int.random(in: 1...250)).\(Int.random(in: 1...250)).\(Int.random(in: 1...250))"
        try certificates(in: folder, address: address)
        let server = try PostgresTestServer.launch(
            in: folder,
            arguments: [
                "-c", "ssl=on", "-c", "ssl_cert_file=\(folder.path)/server.crt",
                "-c", "ssl_key_file=\(folder.path)/server.key", "-c", "listen_addresses=\(address)",
            ])
        return SecureServer(
            server: server, address: address, authority: "\(folder.path)/ca.crt",
            foreignAuthority: "\(folder.path)/foreign.crt")
    }

    private static func certificates(in folder: URL, address: String) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let script = """
            set -e; cd '\(folder.path)'
            for name in ca foreign; do
                openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$name" -keyout $name.key -out $name.crt
            done
            openssl req -newkey rsa:2048 -nodes -subj /CN=ferry -keyout server.key -out server.csr
            printf 'subjectAltName=IP:\(address),DNS:localhost' > names
            openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -days 2 -extfile names -out server.crt
            chmod 600 server.key
            if [ "$(id -u)" = 0 ]; then chown postgres server.key server.crt; fi
            """
        try Program.run(["/bin/sh", "-c", script])
    }

    private func pool(_ query: String) throws -> PostgresPool {
        let server = try Self.shared.get()
        var configuration = try PostgresConfiguration(url: "postgresql://ferry@\(server.address)/postgres?\(query)")
        configuration.maximumConnections = 1
        return PostgresPool(configuration)
    }

    @Test func theServerIsCheckedAgainstTheGivenAuthority() async throws {
        let server = try Self.shared.get()
        let pool = try pool("sslmode=verify-full&sslrootcert=\(server.authority)")
        let row = try await pool.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").only()
        #expect(try row.get("ssl") == true)
        await pool.close()
    }

    @Test func aForeignAuthorityIsRefused() async throws {
        let server = try Self.shared.get()
        let pool = try pool("sslmode=verify-full&sslrootcert=\(server.foreignAuthority)")
        let error = try await postgresError { try await pool.query("SELECT 1") }
        #expect(error.code == .connectFailed)
        #expect(error.message.contains("certificate verify failed"))
        await pool.close()
    }

    /// Bytes that OpenSSL holds back while the socket is empty must not stall an answer.
    @Test func largeAnswersArriveWholeOverTLS() async throws {
        let pool = try pool("sslmode=require")
        for size in [1, 8_191, 8_192, 16_383, 16_384, 16_385, 40_000, 3_000_000] {
            let row = try await pool.query("SELECT repeat('x', $1) AS x", [.int4(Int32(size))], timeout: .seconds(20))
                .only()
            #expect(try row.get("x", as: String.self).utf8.count == size)
        }
        let rows = try await pool.query("SELECT repeat('y', 700) AS y FROM generate_series(1, 20000)")
        #expect(rows.count == 20_000)
        await pool.close()
    }
}

@Suite(.timeLimit(.minutes(1))) struct PostgresListenerTests {
    @Test func notificationsArriveAndABreakIsReported() async throws {
        let pool = try PostgresTestServer.pool(maximum: 1)
        let configuration = try PostgresConfiguration(url: PostgresTestServer.shared.get().url(database: "postgres"))
        var events = PostgresListener(configuration, channels: ["ferry_test", "with \"quotes\""]).events()
            .makeAsyncIterator()
        #expect(await events.next() == .listening)
        try await pool.query("SELECT pg_notify('ferry_test', 'one')")
        #expect(await events.next() == .notification(channel: "ferry_test", payload: "one"))
        try await pool.query("SELECT pg_notify('with \"quotes\"', '')")
        #expect(await events.next() == .notification(channel: "with \"quotes\"", payload: ""))
        try await pool.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN %'")
        #expect(await events.next() == .listening)
        await pool.close()
    }
}
