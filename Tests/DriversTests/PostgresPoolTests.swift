import Drivers
import Foundation
import Testing

@Suite(.timeLimit(.minutes(3))) struct PostgresPoolTests {
    @Test func aThousandCallersShareEightConnections() async throws {
        let pool = try PostgresTestServer.pool(maximum: 8)
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<1_000 {
                group.addTask { try await pool.query("SELECT $1 + 1 AS n", [.int(number)]).only().get("n") }
            }
            return try await group.reduce(0, +)
        }
        #expect(sum == 500_500)
        let census = await pool.census()
        #expect(census.total <= 8)
        #expect(census.leased == 0)
        #expect(census.waiting == 0)
        await pool.close()
    }

    @Test func theCallerBeyondTheBoundIsRefusedAtOnce() async throws {
        let pool = try PostgresTestServer.pool(maximum: 1) { $0.maximumWaiters = 1 }
        try await pool.withConnection { session in
            let first = Task { try await pool.query("SELECT 1") }
            try await postgresEventually { await pool.census().waiting == 1 }
            let refused = try await postgresError { try await pool.query("SELECT 1") }
            #expect(refused.code == .poolFull)
            #expect(refused.fate == .notSent)
            first.cancel()
            let cancelled = try await postgresError { try await first.value }
            #expect(cancelled.code == .cancelled)
        }
        #expect(await pool.census().waiting == 0)
        await pool.close()
    }

    @Test func aCallerDoesNotWaitForever() async throws {
        let pool = try PostgresTestServer.pool(maximum: 1) { $0.leaseTimeout = .milliseconds(500) }
        try await postgresEventually { (try? await pool.query("SELECT 1")) != nil }
        try await pool.withConnection { _ in
            let refused = try await postgresError { try await pool.query("SELECT 1") }
            #expect(refused.code == .leaseTimeout)
            #expect(refused.retryability == .safe)
        }
        await pool.close()
    }

    @Test func aTransactionCommitsOrLeavesNothing() async throws {
        let pool = try PostgresTestServer.pool()
        try await pool.script("CREATE TABLE transaction_test (n int4 PRIMARY KEY)")
        try await pool.withTransaction { transaction in
            try await transaction.query("INSERT INTO transaction_test VALUES (1)")
        }
        struct Stop: Error {}
        await #expect(throws: Stop.self) {
            try await pool.withTransaction { transaction in
                try await transaction.query("INSERT INTO transaction_test VALUES (2)")
                throw Stop()
            }
        }
        let refused = try await postgresError {
            try await pool.withTransaction { transaction in
                try await transaction.query("INSERT INTO transaction_test VALUES (3)")
                try await transaction.query("INSERT INTO transaction_test VALUES (1)")
            }
        }
        #expect(refused.sqlState == .uniqueViolation)
        #expect(refused.constraint == "transaction_test_pkey")
        #expect(refused.table == "transaction_test")
        #expect(refused.fate == .rolledBack)
        let numbers = try await pool.query("SELECT n FROM transaction_test").decode { try $0.get("n", as: Int.self) }
        #expect(numbers == [1])
        await pool.close()
    }

    @Test func aSwallowedErrorDoesNotLookLikeACommit() async throws {
        let pool = try PostgresTestServer.pool()
        let error = try await postgresError {
            try await pool.withTransaction { transaction in
                _ = try? await transaction.query("SELECT 1 / 0")
            }
        }
        #expect(error.code == .transactionAborted)
        #expect(error.fate == .rolledBack)
        await pool.close()
    }

    @Test func aPipelineStopsAtTheFirstFailureAndSaysWhich() async throws {
        let pool = try PostgresTestServer.pool(maximum: 1)
        try await pool.script("CREATE TABLE pipeline_test (n int4 PRIMARY KEY)")
        let insert = "INSERT INTO pipeline_test VALUES ($1)"
        let answers = try await pool.transact([
            PostgresStatement(insert, [.int4(1)]), PostgresStatement("SELECT count(*) AS n FROM pipeline_test"),
            PostgresStatement(insert, [.int4(2)]),
        ])
        #expect(answers.map(\.affected) == [1, 1, 1])
        #expect(try answers[1].only().get("n", as: Int.self) == 1)
        let refused = try await postgresError {
            try await pool.transact([
                PostgresStatement(insert, [.int4(3)]), PostgresStatement(insert, [.int4(1)]),
                PostgresStatement(insert, [.int4(4)]),
            ])
        }
        #expect(refused.statementIndex == 1)
        #expect(refused.fate == .rolledBack)
        #expect(refused.sqlState == .uniqueViolation)
        _ = try await postgresError {
            try await pool.withTransaction { transaction in
                let refused = try await postgresError {
                    try await transaction.pipeline([
                        PostgresStatement(insert, [.int4(3)]), PostgresStatement("SELECT nothing_of_this_name"),
                        PostgresStatement("INSERT INTO pipeline_test VALUES (99)"),
                    ])
                }
                #expect(refused.statementIndex == 1)
                let dead = try await postgresError { try await transaction.query("SELECT 1") }
                #expect(dead.sqlState?.rawValue == "25P02")
                throw refused
            }
        }
        let count = try await pool.query("SELECT count(*) AS n FROM pipeline_test").only().get("n", as: Int.self)
        #expect(count == 2)
        #expect(await pool.census().total == 1, "the connection outlives the failures")
        await pool.close()
    }

    @Test func anErrorAtCommitIsAnError() async throws {
        let pool = try PostgresTestServer.pool(maximum: 1)
        try await pool.script(
            """
            CREATE TABLE parents (id int4 PRIMARY KEY);
            CREATE TABLE children (parent int4 CONSTRAINT "a child has a parent" REFERENCES parents
                DEFERRABLE INITIALLY DEFERRED);
            """)
        let orphan = PostgresStatement("INSERT INTO children VALUES (1)")
        for _ in 0..<2 {
            let single = try await postgresError { try await pool.query(orphan.sql) }
            #expect(single.constraint == "a child has a parent")
            let pipelined = try await postgresError { try await pool.transact([orphan]) }
            #expect(pipelined.constraint == "a child has a parent")
            #expect(pipelined.fate == .rolledBack)
            let interactive = try await postgresError {
                try await pool.withTransaction { try await $0.query(orphan.sql) }
            }
            #expect(interactive.constraint == "a child has a parent")
            #expect(interactive.fate == .rolledBack)
        }
        #expect(try await pool.query("SELECT FROM children").affected == 0)
        await pool.close()
    }

    @Test func preparedStatementsAreBoundedOnTheServerToo() async throws {
        let pool = try PostgresTestServer.pool(maximum: 1)
        for number in 0..<PostgresLimits.preparedStatements + 50 {
            try await pool.query("SELECT \(number) AS n")
        }
        // One more exchange that prepares carries the drops of the one before.
        let count = try await pool.query("SELECT count(*) AS n FROM pg_prepared_statements").only()
        #expect(try count.get("n", as: Int.self) <= PostgresLimits.preparedStatements + 1)
        await pool.close()
    }

    @Test func aChangedTableOnlyCostsANewPreparation() async throws {
        let pool = try PostgresTestServer.pool(maximum: 1)
        try await pool.script("CREATE TABLE changing (a int4); INSERT INTO changing VALUES (1)")
        #expect(try await pool.query("SELECT * FROM changing").columnNames == ["a"])
        try await pool.script("ALTER TABLE changing ADD COLUMN b text")
        #expect(try await pool.query("SELECT * FROM changing").columnNames == ["a", "b"])
        try await pool.query("DEALLOCATE ALL")
        #expect(try await pool.query("SELECT * FROM changing").columnNames == ["a", "b"])
        await pool.close()
    }

    @Test func scriptsAndQueriesTakeTurns() async throws {
        let pool = try PostgresTestServer.pool(maximum: 1)
        try await pool.withTransaction { transaction in
            try await transaction.script("CREATE TABLE turns (n int4); INSERT INTO turns VALUES (1), (2);")
            try await transaction.query("INSERT INTO turns VALUES (3)")
            try await transaction.script("INSERT INTO turns VALUES (4)")
        }
        #expect(try await pool.query("SELECT n FROM turns").count == 4)
        let wrong = try await postgresError { try await pool.script("INSERT INTO turns VALUES (5); SELECT 1 / 0;") }
        #expect(wrong.sqlState?.rawValue == "22012")
        #expect(try await pool.query("SELECT n FROM turns").count == 4)
        await pool.close()
    }

    @Test func idleConnectionsAreClosedAfterTheirTime() async throws {
        let pool = try PostgresTestServer.pool(maximum: 4) {
            $0.minimumConnections = 1
            $0.idleLifetime = .milliseconds(50)
        }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 { group.addTask { _ = try? await pool.query("SELECT pg_sleep (0.05)") } }
        }
        try await postgresEventually { await pool.census().total == 1 }
        await pool.close()
    }

    @Test func aClosedPoolRefuses() async throws {
        let pool = try PostgresTestServer.pool()
        try await pool.query("SELECT 1")
        await pool.close()
        let refused = try await postgresError { try await pool.query("SELECT 1") }
        #expect(refused.code == .poolClosed)
    }

    @Test func twoExchangesOfOneTransactionAtATimeAreMisuse() async throws {
        let pool = try PostgresTestServer.pool(maximum: 1)
        try await pool.withTransaction { transaction in
            async let slow = transaction.query("SELECT pg_sleep (0.2)")
            async let other = transaction.query("SELECT pg_sleep (0.2)")
            let errors = [try? await slow, try? await other].filter { $0 == nil }
            #expect(errors.count == 1)
        }
        await pool.close()
    }
}
