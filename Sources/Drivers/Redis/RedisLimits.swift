/// Every bound of the Redis client, in one place.
package enum RedisLimits {
    /// Connections a client opens unless told otherwise.
    package static let connections = 2
    /// Most connections a client may be told to open.
    package static let maxConnections = 64
    /// Commands that may wait on one connection, sent or unsent; one more is refused with `tooManyWaiting`.
    package static let waitingCommands = 16_384
    /// Bytes of commands that may wait on one connection, sent or unsent.
    package static let waitingBytes = 64 << 20
    /// Bytes of one command.
    package static let commandBytes = 16 << 20
    /// Bytes of one reply; a longer one costs the connection and is refused with `replyTooLarge`.
    package static let replyBytes = 16 << 20
    /// Levels of arrays inside arrays that a reply may have (hiredis 0.14 reads seven).
    package static let replyDepth = 7
    /// Bytes appended to the output buffer before it must have been written once.
    package static let writeBytes = 1 << 20
    /// Reads of 16 KiB in one turn, so that one busy connection can't keep its queue for ever.
    package static let readsPerTurn = 64
    /// Time for resolving, connecting, AUTH, SELECT and the first PING together.
    package static let connectTimeout = Duration.seconds(3)
    /// Time a command may take, waiting for a connection included; also the silence after which a connection counts
    /// as half-open.
    package static let commandTimeout = Duration.seconds(5)
    /// Grace a blocking command gets over its own timeout before its connection counts as half-open.
    package static let blockingGrace = Duration.seconds(2)
    /// Longest timeout of a blocking command.
    package static let maxBlocking = Duration.seconds(300)
    /// Sentinels or cluster nodes that an address may name.
    package static let seeds = 16
    /// Time one sentinel has to connect, and again to answer; then the next one is asked.
    package static let sentinelTimeout = Duration.milliseconds(500)
    /// Time a cluster has to say who has which slots.
    package static let topologyTimeout = Duration.seconds(2)
    /// Times a command is sent to another node because its slot is there now.
    package static let redirects = 5
    /// Waits while a slot is between two nodes.
    package static let redirectPause = Backoff(base: .milliseconds(20), cap: .milliseconds(200))
    /// Least time between two looks at a cluster's topology that nobody's MOVED asked for.
    package static let topologyAge = Duration.milliseconds(500)
    /// Hash slots of a cluster.
    package static let slots = 16_384
    /// Waits between attempts to connect.
    package static let reconnect = Backoff(base: .milliseconds(50), cap: .seconds(2), floor: .milliseconds(5))
    /// Characters of a server's error message that are kept.
    package static let errorMessageLength = 200
}
