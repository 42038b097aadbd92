import Drivers
import Foundation
import Testing

@testable import Store

@Suite(.timeLimit(.minutes(2))) struct MigrationTests {
    @Test func tenAtOnceMigrateOnce() async throws {
        let pool = try await StoreTestDatabase.emptyPool(connections: 10)
        let applied = try await withThrowingTaskGroup(of: [String].self) { group in
            for _ in 0..<10 { group.addTask { try await Store(pool: pool, clock: .system).migrate() } }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(applied.sorted() == Migration.all.map(\.name))
        #expect(try await Store(pool: pool, clock: .system).migrate().isEmpty)
        await pool.close()
    }

    @Test func aChangedFileIsNamed() async throws {
        let pool = try await StoreTestDatabase.emptyPool()
        let first = Migration("m0001_first", Array("CREATE TABLE one (n int)".utf8))
        _ = try await Migrator(pool: pool, migrations: [first]).migrate()
        let changed = Migration("m0001_first", Array("CREATE TABLE one (n bigint)".utf8))
        let error = try await storeError { try await Migrator(pool: pool, migrations: [changed]).migrate() }
        #expect(error.code == .migrationChanged)
        #expect(error.message.contains("m0001_first.sql"))
        await pool.close()
    }

    @Test func aNewerDatabaseIsLeftAlone() async throws {
        let pool = try await StoreTestDatabase.emptyPool()
        let two = [
            Migration("m0001_first", Array("SELECT 1".utf8)), Migration("m0002_second", Array("SELECT 2".utf8)),
        ]
        _ = try await Migrator(pool: pool, migrations: two).migrate()
        let error = try await storeError { try await Migrator(pool: pool, migrations: [two[0]]).migrate() }
        #expect(error.code == .databaseNewer)
        await pool.close()
    }

    @Test func aFailingFileLeavesNothingAndIsNamed() async throws {
        let pool = try await StoreTestDatabase.emptyPool()
        let broken = Migration("m0001_broken", Array("CREATE TABLE half (n int); SELECT nonsense".utf8))
        let error = try await storeError { try await Migrator(pool: pool, migrations: [broken]).migrate() }
        #expect(error.message.contains("m0001_broken.sql"))
        #expect(try await pool.query("SELECT to_regclass('half') IS NULL AS gone").only().get("gone") == true)
        await pool.close()
    }

    @Test func everyFileIsListed() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/Store/Migrations")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".sql") }
        #expect(files.sorted() == Migration.all.map { "\($0.name).sql" })
        // Numbers are given out before the work is done, so some may never be used.
        #expect(zip(Migration.all, Migration.all.dropFirst()).allSatisfy { $0.version < $1.version })
        for migration in Migration.all {
            let text = try String(contentsOf: folder.appending(path: "\(migration.name).sql"), encoding: .utf8)
            #expect(text == migration.sql, "\(migration.name) is bound to another file")
        }
    }

    @Test func everyConstraintOfAConfigTableIsASentence() async throws {
        let (_, pool) = try await StoreTestDatabase.make()
        let rows = try await pool.query(
            """
            SELECT conname::text AS name FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
            WHERE t.relnamespace = 'ferry'::regnamespace AND c.contype <> 't' AND t.relname IN
                ('tenants', 'connections', 'sync_settings', 'field_mappings', 'selection_criteria', 'api_budgets')
            """)
        #expect(rows.count > 40)
        for row in rows {
            let name: String = try row.get("name")
            #expect(name.contains(" "), "\(name) is no sentence")
            #expect(name.utf8.count < 63, "\(name) may have been cut")
        }
        await pool.close()
    }
}
