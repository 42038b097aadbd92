/// Which statements a connection has prepared, under which names, and which ones the server should forget.
///
/// A value type: the connection asks it what to send and tells it what the server confirmed.
struct PostgresStatementCache: Sendable {
    private struct Entry {
        let name: String
        var lastUse: UInt64
    }

    private let capacity: Int
    private var entries: [PostgresStatement.Key: Entry] = [:]
    private var uses: UInt64 = 0
    private var names: UInt64 = 0
    /// Names the server still holds and nobody uses.
    private(set) var doomed: [String] = []

    init(capacity: Int = PostgresLimits.preparedStatements) { self.capacity = capacity }

    var count: Int { entries.count }

    /// The name of a prepared statement; nil when it must be prepared first.
    mutating func name(of key: PostgresStatement.Key) -> String? {
        guard var entry = entries[key] else { return nil }
        uses += 1
        entry.lastUse = uses
        entries[key] = entry
        return entry.name
    }

    /// A name never used on this connection.
    mutating func freshName() -> String {
        names += 1
        return "ferry_\(names)"
    }

    /// Notes that the server prepared a statement; the least recently used one gives way when the cache is full.
    mutating func confirm(_ key: PostgresStatement.Key, name: String) {
        uses += 1
        if let replaced = entries.updateValue(Entry(name: name, lastUse: uses), forKey: key) {
            doomed.append(replaced.name)
        }
        guard entries.count > capacity, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) else {
            return
        }
        entries[oldest.key] = nil
        doomed.append(oldest.value.name)
    }

    /// Notes that the server let go of a name.
    mutating func confirmDeallocated(_ name: String) {
        doomed.removeAll { $0 == name }
    }

    /// Forgets everything, because a plan no longer fits its tables.
    /// - Parameter serverForgot: true when the server does not know the names either.
    mutating func forgetAll(serverForgot: Bool) {
        doomed = serverForgot ? [] : doomed + entries.values.map(\.name)
        entries = [:]
    }
}
