import Drivers

extension Store {
    /// Tenants' ids by their numbers; numbers nobody has any more are missing.
    /// - Throws: `StoreError`.
    package func tenantNames(_ numbers: Set<Int32>) async throws -> [Int32: String] {
        guard !numbers.isEmpty else { return [:] }
        let rows = try await query(
            "SELECT number, id FROM ferry.tenants WHERE number = ANY ($1)", [.array(numbers.sorted())])
        let pairs = try decode(rows) { (try $0.get("number", as: Int32.self), try $0.get("id", as: String.self)) }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }
}
