/// How a client behaves; every value has a default and a unit.
package struct RedisOptions: Sendable {
    /// Connections for ordinary commands, 1...`RedisLimits.maxConnections`.
    package var connections = RedisLimits.connections
    /// Time for resolving, connecting and logging in together.
    package var connectTimeout = RedisLimits.connectTimeout
    /// Time a command may take; also the silence after which a connection is replaced.
    package var commandTimeout = RedisLimits.commandTimeout
    /// Waits between attempts to connect.
    package var reconnect = RedisLimits.reconnect
    /// Commands that may wait on one connection.
    package var waitingCommands = RedisLimits.waitingCommands
    /// Bytes of commands that may wait on one connection.
    package var waitingBytes = RedisLimits.waitingBytes
    /// Bytes of one reply.
    package var replyBytes = RedisLimits.replyBytes

    /// Whether the server is one node of a cluster, whose MOVED answers `RedisFleet` follows.
    var isClusterNode = false

    /// The defaults.
    package init() {}
}
