/// One statement with its parameters.
package struct PostgresStatement: Sendable {
    package let sql: String
    package let values: [PostgresValue]
    /// Whether the connection keeps it prepared for the next time; false for statements made on the spot.
    package let isCached: Bool

    /// Makes a statement.
    /// - Parameters:
    ///   - sql: one statement with `$1`, `$2`, … for parameters; never text with values pasted in.
    ///   - values: the parameters.
    ///   - isCached: false when this text will hardly come again.
    package init(_ sql: String, _ values: [PostgresValue] = [], isCached: Bool = true) {
        self.sql = sql
        self.values = values
        self.isCached = isCached
    }

    /// What a prepared statement is found by: the text and the parameters' types.
    var key: Key { Key(sql: sql, types: values.map(\.type)) }

    struct Key: Hashable, Sendable {
        let sql: String
        let types: [PostgresType]
    }
}
