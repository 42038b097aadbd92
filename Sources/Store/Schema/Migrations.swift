import Crypto
import Foundation

/// One migration: a file of `Migrations/`, embedded when the program is built.
struct Migration: Sendable {
    /// From the file's name, `m0003_…`: 3.
    let version: Int
    /// The file's name without its ending.
    let name: String
    let sql: String

    init(_ name: String, _ bytes: [UInt8]) {
        self.name = name
        version = Int(name.dropFirst().prefix(4)) ?? 0
        sql = String(decoding: bytes, as: UTF8.self)
    }

    /// SHA-256 of the text.
    var checksum: [UInt8] { Array(SHA256.hash(data: Array(sql.utf8))) }

    /// All of them, in order. Forward only: a file that was ever released is never changed.
    static let all = [
        Migration("m0001_tenants", PackageResources.m0001_tenants_sql),
        Migration("m0002_records", PackageResources.m0002_records_sql),
        Migration("m0003_history", PackageResources.m0003_history_sql),
        Migration("m0004_streams", PackageResources.m0004_streams_sql),
        Migration("m0005_run_requests", PackageResources.m0005_run_requests_sql),
        Migration("m0006_operations", PackageResources.m0006_operations_sql),
        Migration("m0007_opt_out", PackageResources.m0007_opt_out_sql),
        Migration("m0008_objects", PackageResources.m0008_objects_sql),
        Migration("m0009_entry", PackageResources.m0009_entry_sql),
        Migration("m0010_budgets", PackageResources.m0010_budgets_sql),
        Migration("m0011_streams_upkeep", PackageResources.m0011_streams_upkeep_sql),
        Migration("m0012_ownership", PackageResources.m0012_ownership_sql),
        Migration("m0021_fence_holders", PackageResources.m0021_fence_holders_sql),
        Migration("m0025_budgets_lost", PackageResources.m0025_budgets_lost_sql),
        Migration("m0029_budget_waits", PackageResources.m0029_budget_waits_sql),
        Migration("m0030_default_budgets", PackageResources.m0030_default_budgets_sql),
        Migration("m0033_update_modes", PackageResources.m0033_update_modes_sql),
        Migration("m0037_formula_sweeps", PackageResources.m0037_formula_sweeps_sql),
        Migration("m0041_decisions", PackageResources.m0041_decisions_sql),
    ]
}
