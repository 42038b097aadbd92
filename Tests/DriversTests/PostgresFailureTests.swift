import Drivers
import Embedded
import Foundation
import Testing

@Suite(.serialized, .timeLimit(.minutes(3))) struct PostgresFailureTests {
    @Test func aServerKilledUnderAStatementLeavesItsFateUnknown() async throws {
        let server = try await PostgresTestServer.start()
        let pool = try PostgresTestServer.pool(on: server, maximum: 2)
        let watcher = try PostgresTestServer.pool(on: server, maximum: 1)
        let victim = Task { try await pool.query("SELECT pg_sleep (60)") }
        try await postgresEventually {
            try await watcher.query(
                "SELECT FROM pg_stat_activity WHERE query = 'SELECT pg_sleep (60)' AND state = 'active'"
            )
            .affected == 1
        }
        try server.server.signal(SIGKILL)
        let error = try await postgresError { try await victim.value }
        #expect(error.code == .connectionLost)
        #expect(error.fate == .unknown)
        #expect(error.retryability == .ifIdempotent)
        await pool.close()
        await watcher.close()
    }

    @Test func aPoolOutlivesARestart() async throws {
        let folder = PostgresTestServer.freshFolder()
        let server = try await PostgresTestServer.start(folder: folder)
        let pool = try PostgresTestServer.pool(on: server, maximum: 4) { $0.minimumConnections = 2 }
        try await pool.query("SELECT 1")
        try await PostgresTestServer.stop(server)
        try await postgresEventually { await pool.census().idle == 0 }
        let waiting = Task { try await pool.query("SELECT 42 AS n").only().get("n", as: Int.self) }
        _ = try await PostgresTestServer.start(folder: folder)
        #expect(try await waiting.value == 42)
        await pool.close()
    }

    @Test func aTransactionUnderARestartIsKnownToBeRolledBack() async throws {
        let server = try await PostgresTestServer.start()
        let pool = try PostgresTestServer.pool(on: server, maximum: 2)
        let error = try await postgresError {
            try await pool.withTransaction { transaction in
                try await transaction.query("CREATE TABLE lost (n int4)")
                try await PostgresTestServer.stop(server)
                try await transaction.query("INSERT INTO lost VALUES (1)")
            }
        }
        #expect(error.fate == .rolledBack || error.fate == .notSent)
        #expect(error.retryability == .safe)
        await pool.close()
    }

    @Test func aCommitWithoutAnswerSaysSo() async throws {
        let server = try await PostgresTestServer.start()
        let pool = try PostgresTestServer.pool(on: server, maximum: 1)
        // A deferred trigger sleeps inside COMMIT, so that the server can be killed right there.
        try await pool.script(
            """
            CREATE TABLE slow (n int4);
            CREATE FUNCTION sleep_long() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep (60); RETURN NULL; END';
            CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION sleep_long();
            """)
        let watcher = try PostgresTestServer.pool(on: server, maximum: 1)
        let victim = Task {
            try await pool.withTransaction { try await $0.query("INSERT INTO slow VALUES (1)") }
        }
        try await postgresEventually {
            try await watcher.query("SELECT FROM pg_stat_activity WHERE query = 'COMMIT' AND state = 'active'")
                .affected == 1
        }
        try server.server.signal(SIGKILL)
        let error = try await postgresError { try await victim.value }
        #expect(error.code == .connectionLost)
        #expect(error.fate == .unknown)
        await pool.close()
        await watcher.close()
    }

    @Test func aHalfOpenConnectionEndsAtTheDeadline() async throws {
        let pool = try PostgresTestServer.pool(maximum: 1)
        let process = try await pool.withConnection { try #require(await $0.serverProcess()) }
        kill(Int32(process), SIGSTOP)
        defer { kill(Int32(process), SIGCONT) }
        let error = try await postgresError { try await pool.query("SELECT 1", timeout: .milliseconds(100)) }
        #expect(error.code == .deadline)
        #expect(error.fate == .unknown)
        // Its place is taken by a fresh connection.
        let other = try await pool.withConnection { await $0.serverProcess() }
        #expect(other != process)
        await pool.close()
    }

    @Test func aServerThatDoesNotAcceptEndsAtTheConnectTimeout() async throws {
        let server = try await PostgresTestServer.start()
        try server.server.signal(SIGSTOP)
        let pool = try PostgresTestServer.pool(on: server, maximum: 1) {
            $0.connectTimeout = .milliseconds(100)
            $0.leaseTimeout = .milliseconds(500)
        }
        let error = try await postgresError { try await pool.query("SELECT 1") }
        #expect(error.code == .deadline)
        #expect(error.fate == .notSent)
        try server.server.signal(SIGCONT)
        #expect(try await pool.query("SELECT 1").affected == 1)
        await pool.close()
    }

    @Test func aStatementBeyondItsDeadlineIsCancelledAndTheConnectionKept() async throws {
        let pool = try PostgresTestServer.pool(maximum: 1)
        let before = try await pool.withConnection { await $0.serverProcess() }
        let error = try await postgresError { try await pool.query("SELECT pg_sleep (60)", timeout: .milliseconds(50)) }
        #expect(error.code == .deadline)
        #expect(error.fate == .rolledBack)
        let after = try await pool.withConnection { await $0.serverProcess() }
        #expect(after == before)
        await pool.close()
    }

    @Test func aCancelledTaskStopsItsStatementOnTheServer() async throws {
        let pool = try PostgresTestServer.pool(maximum: 2)
        let sql = "SELECT pg_sleep (61)"
        let victim = Task { try await pool.query(sql) }
        let running = "SELECT FROM pg_stat_activity WHERE query = $1 AND state = 'active'"
        try await postgresEventually { try await pool.query(running, [.text(sql)]).affected == 1 }
        victim.cancel()
        let error = try await postgresError { try await victim.value }
        #expect(error.code == .cancelled)
        #expect(try await pool.query(running, [.text(sql)]).affected == 0)
        await pool.close()
    }

    @Test func aCancelledTransactionIsRolledBackAndItsConnectionServesOn() async throws {
        let pool = try PostgresTestServer.pool(maximum: 1)
        let started = AsyncStream.makeStream(of: Void.self)
        let victim = Task {
            try await pool.withTransaction { transaction in
                try await transaction.query("CREATE TABLE never_there (n int4)")
                started.continuation.finish()
                try await transaction.query("SELECT pg_sleep (62)")
            }
        }
        for await _ in started.stream {}
        victim.cancel()
        let error = try await postgresError { try await victim.value }
        #expect(error.code == .cancelled)
        let row = try await pool.query("SELECT to_regclass('never_there') IS NULL AS gone").only()
        #expect(try row.get("gone") == true)
        await pool.close()
    }

    @Test(arguments: [
        "SELECT repeat('x', 1000) AS x FROM generate_series(1, 1000000)",
        "SELECT repeat('x', 100000000) AS x",
    ])
    func aHugeAnswerIsRefused(sql: String) async throws {
        let pool = try PostgresTestServer.pool(maximum: 1) { $0.resultBytes = 1 << 20 }
        let error = try await postgresError { try await pool.query(sql) }
        #expect(error.code == .resultTooLarge)
        #expect(error.retryability == .never)
        #expect(try await pool.query("SELECT 1").affected == 1)
        await pool.close()
    }

    @Test func anAnswerJustWithinTheBoundIsRead() async throws {
        let pool = try PostgresTestServer.pool(maximum: 1) { $0.resultBytes = 8 << 20 }
        let rows = try await pool.query("SELECT repeat('x', 1000) AS x FROM generate_series(1, 7000)")
        #expect(rows.count == 7_000)
        #expect(try rows[6_999].get("x", as: String.self).utf8.count == 1_000)
        await pool.close()
    }

    @Test func largeParametersGoOutWhileAnswersComeIn() async throws {
        let pool = try PostgresTestServer.pool(maximum: 1)
        let blob = [UInt8](repeating: 0xA5, count: 4 << 20)
        let echo = PostgresStatement("SELECT $1 AS blob", [.bytea(blob)])
        let answers = try await pool.transact([echo, echo, echo, echo])
        for rows in answers { #expect(try rows.only().get("blob", as: [UInt8].self) == blob) }
        await pool.close()
    }

    @Test func aKilledSessionIsReplacedUnnoticed() async throws {
        let pool = try PostgresTestServer.pool(maximum: 1)
        let other = try PostgresTestServer.pool(maximum: 1)
        for _ in 0..<20 {
            let process = try await pool.withConnection { try #require(await $0.serverProcess()) }
            try await other.query("SELECT pg_terminate_backend($1, 5000)", [.int4(Int32(process))])
            #expect(try await pool.query("SELECT 1").affected == 1)
        }
        await pool.close()
        await other.close()
    }

    @Test func aMissingDatabaseIsToldAtOnce() async throws {
        var configuration = try PostgresConfiguration(url: PostgresTestServer.shared.get().url(database: "nowhere"))
        configuration.maximumConnections = 1
        let pool = PostgresPool(configuration)
        let error = try await postgresError { try await pool.query("SELECT 1") }
        #expect(error.code == .connectFailed)
        #expect(error.message.contains("nowhere"))
        await pool.close()
    }

    @Test(arguments: [
        "mysql://x", "postgresql://u:geheim@h/db?nonsense=1", "postgresql://u:geheim@[::1/db",
        "postgresql://u:ge%heim@h/db",
    ])
    func aBadURLIsNamedWithoutItsPassword(url: String) async throws {
        let error = try await postgresError { try PostgresConfiguration(url: url) }
        #expect(error.code == .configuration)
        #expect(!"\(error)".contains("geheim"))
    }

    @Test func thePasswordIsNeverPrinted() throws {
        let configuration = try PostgresConfiguration(url: "postgresql://u:geheim@h/db?sslmode=require")
        #expect(!"\(configuration)".contains("geheim"))
        #expect("\(configuration)".contains("sslmode=require"))
    }

    @Test func aHostNobodyKnowsIsAConnectFailure() async throws {
        var configuration = try PostgresConfiguration(url: "postgresql://u@no-such-host.invalid/db")
        configuration.connectTimeout = .milliseconds(500)
        configuration.leaseTimeout = .seconds(3)
        let pool = PostgresPool(configuration)
        let error = try await postgresError { try await pool.query("SELECT 1") }
        #expect(error.code == .connectFailed)
        #expect(error.fate == .notSent)
        await pool.close()
    }
}
