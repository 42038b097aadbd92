/// Every bound of the PostgreSQL driver, in one place.
package enum PostgresLimits {
    /// Connections one pool may open at most, whatever its configuration asks for.
    package static let connectionsPerPool = 200
    /// Callers that may wait for a connection of one pool; the next one is refused at once.
    package static let waiters = 10_000
    /// Time from the first look-up of the host to a usable session.
    package static let connectTimeout: Duration = .seconds(10)
    /// Time a caller waits for a connection of the pool.
    package static let leaseTimeout: Duration = .seconds(30)
    /// Time one exchange (a statement, or a pipeline) may take from send to last answer.
    package static let statementTimeout: Duration = .seconds(60)
    /// Time the server has to answer after it was asked to cancel; then the connection is dropped.
    package static let cancelGrace: Duration = .seconds(2)
    /// Time a ROLLBACK may take; then the connection is dropped, which rolls back too.
    package static let rollbackTimeout: Duration = .seconds(5)
    /// An idle connection above the pool's minimum is closed after this time.
    package static let idleLifetime: Duration = .seconds(300)
    /// How often a pool looks for connections idle for too long.
    package static let idleSweep: Duration = .seconds(15)
    /// Wait before the second try to connect, doubled from try to try.
    package static let reconnectBase: Duration = .milliseconds(50)
    /// No wait between two tries to connect is longer.
    package static let reconnectCap: Duration = .seconds(5)
    /// How often a statement is sent again because the connection was found dead before anything left.
    package static let deadConnectionRetries = 16
    /// Prepared statements kept per connection; the least recently used one makes room.
    package static let preparedStatements = 256
    /// Statements in one pipeline.
    package static let statementsPerPipeline = 512
    /// Parameters of one statement; the wire format's own bound.
    package static let parametersPerStatement = 65_535
    /// Bytes of all parameters of one exchange.
    package static let parameterBytes = 256 << 20
    /// Bytes of all result values of one exchange.
    package static let resultBytes = 64 << 20
    /// Notifications kept for a listener that is slower than they come; the oldest give way.
    package static let notificationBuffer = 4_096
    /// How often a listener asks its server whether it is still there.
    package static let listenerPing: Duration = .seconds(20)
    /// Time the server has for the answer.
    package static let listenerPingTimeout: Duration = .seconds(10)
    /// Channels one listener may listen to.
    package static let channelsPerListener = 64
    /// Addresses tried for one host name.
    package static let addressesPerHost = 4
    /// Hosts in one URL.
    package static let hosts = 8
    /// Bytes beyond twice `resultBytes` that may arrive without completing a row; socket buffers grow to 6 MiB.
    package static let rowAllowance = 16 << 20
    /// Threads that may be inside a blocking call (name look-up, cancel request) at one time.
    package static let blockingCalls = 32
    /// Reads of one socket before the loop looks at other work.
    package static let readsPerTurn = 64
    /// Characters of a server's message that an error keeps.
    package static let messageCharacters = 500
    /// In a transaction the server ends a session that stays silent for so long, so that a stopped process holds no locks.
    package static let idleInTransactionSeconds = 60
    /// TCP gives up on data that nobody acknowledges after this time.
    package static let tcpUserTimeoutMilliseconds = 30_000
}
