import Synchronization

/// A Redis server, over a few connections that open when needed and come back by themselves.
///
/// Commands of one `pipeline` go over one connection in order; between calls there is no order.
package final class RedisClient: Sendable {
    /// Where the server is.
    package let address: RedisAddress
    private let options: RedisOptions
    private let connections: [RedisConnection]
    private let turn = Atomic<Int>(0)

    /// Makes a client; nothing is opened before the first command.
    package init(address: RedisAddress, options: RedisOptions = RedisOptions()) {
        precondition((1...RedisLimits.maxConnections).contains(options.connections), "1...64 connections")
        self.address = address
        self.options = options
        connections = (0..<options.connections).map { _ in RedisConnection(address: address, options: options) }
    }

    /// Makes a client for an address such as `redis://host:6379` or `unix:///run/redis.sock`.
    package convenience init(url: String, options: RedisOptions = RedisOptions()) throws(RedisError) {
        self.init(address: try RedisAddress(url), options: options)
    }

    /// Sends one command and returns its answer.
    /// - Parameter timeout: how long it may take, waiting for a connection included; nil for the client's default.
    /// - Throws: the server's error, or why there is no answer and what became of the command.
    package func send(_ command: RedisCommand, timeout: Duration? = nil) async throws(RedisError) -> RESPValue {
        try await next().send(command, timeout: timeout ?? options.commandTimeout)
    }

    /// Sends one command of text arguments.
    package func send(_ arguments: String...) async throws(RedisError) -> RESPValue {
        var command = RedisCommand()
        for argument in arguments { command.append(argument) }
        return try await send(command)
    }

    /// Sends commands one behind the other over one connection and returns their answers in order.
    package func pipeline(
        _ commands: [RedisCommand], timeout: Duration? = nil
    ) async -> [Result<RESPValue, RedisError>] {
        await next().pipeline(commands, timeout: timeout ?? options.commandTimeout)
    }

    /// A connection of its own for commands that block on the server.
    package func blockingChannel() -> RedisBlockingChannel {
        RedisBlockingChannel(RedisConnection(address: address, options: options, isBlocking: true))
    }

    /// Closes all connections; commands that wait fail, further ones are refused.
    package func close() async {
        for connection in connections { await connection.close() }
    }

    private func next() -> RedisConnection {
        if connections.count == 1 { return connections[0] }
        let number = turn.wrappingAdd(1, ordering: .relaxed).oldValue
        return connections[Int(UInt(bitPattern: number) % UInt(connections.count))]
    }
}

/// A connection for commands that wait on the server, such as BLPOP; one command at a time.
///
/// When the caller is cancelled, the link is closed, so that the server does not pop for nobody.
package final class RedisBlockingChannel: Sendable {
    private let connection: RedisConnection

    init(_ connection: RedisConnection) {
        self.connection = connection
    }

    /// Pops from the first list that has something, or gives up.
    /// - Parameter timeout: how long the server waits, at most `RedisLimits.maxBlocking`.
    /// - Returns: the list's key and the element; nil when nothing came.
    package func popFirst(
        of keys: [String], timeout: Duration
    ) async throws(RedisError) -> (key: String, element: RESPValue)? {
        let bounded = min(max(timeout, .milliseconds(1)), RedisLimits.maxBlocking)
        var command = RedisCommand("BLPOP")
        for key in keys { command.append(key) }
        let milliseconds = bounded.components.seconds * 1_000 + bounded.components.attoseconds / 1_000_000_000_000_000
        command.append("\(max(milliseconds, 1) / 1_000).\(Self.padded(max(milliseconds, 1) % 1_000))")
        let reply = try await send(command, timeout: bounded)
        guard let parts = reply.elements, parts.count == 2, let key = parts[0].text else { return nil }
        return (key, parts[1])
    }

    /// Sends a command that blocks on the server for at most `timeout`.
    package func send(_ command: RedisCommand, timeout: Duration) async throws(RedisError) -> RESPValue {
        try await connection.send(command, timeout: timeout + RedisLimits.blockingGrace)
    }

    /// Closes the connection.
    package func close() async {
        await connection.close()
    }

    private static func padded(_ number: Int64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: 3 - digits.count) + digits
    }
}
