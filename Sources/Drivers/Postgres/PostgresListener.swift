import Synchronization

/// Listens to NOTIFY on a connection of its own and comes back by itself when that breaks.
///
/// Notifications are hints: those sent while the connection was away are lost, so each (re)start is reported and the
/// receiver must then look for itself.
package struct PostgresListener: Sendable {
    /// What a listener reports.
    package enum Event: Sendable, Equatable {
        /// Listening from now on; whatever happened before was not heard.
        case listening
        /// A NOTIFY.
        case notification(channel: String, payload: String)
    }

    private let configuration: PostgresConfiguration
    private let channels: [String]

    /// Makes a listener; `events` starts it.
    /// - Parameters:
    ///   - configuration: the server.
    ///   - channels: names as given to NOTIFY; at most `PostgresLimits.channelsPerListener`.
    package init(_ configuration: PostgresConfiguration, channels: [String]) {
        precondition(channels.count <= PostgresLimits.channelsPerListener, "too many channels for one listener")
        self.configuration = configuration
        self.channels = channels
    }

    /// Starts listening; ends when the sequence is no longer read. A slow reader loses the oldest notifications.
    package func events() -> AsyncStream<Event> {
        AsyncStream(bufferingPolicy: .bufferingNewest(PostgresLimits.notificationBuffer)) { continuation in
            let task = Task { await listen(continuation) }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    private func listen(_ continuation: AsyncStream<Event>.Continuation) async {
        var attempt = 0
        while !Task.isCancelled {
            let hasListened = await session(continuation)
            attempt = hasListened ? 0 : attempt + 1
            try? await Task.sleep(for: configuration.reconnect.delay(attempt: attempt))
        }
        continuation.finish()
    }

    /// One session, from connecting to its end.
    /// - Returns: whether it got as far as listening.
    private func session(_ continuation: AsyncStream<Event>.Continuation) async -> Bool {
        let (broken, breaking) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let opened = try? await PostgresConnection.open(configuration) { notice in
            switch notice {
            case .broken: breaking.finish()
            case .notification(let channel, let payload):
                continuation.yield(.notification(channel: channel, payload: payload))
            }
        }
        guard let connection = opened else { return false }
        let listens = channels.map { PostgresStatement("LISTEN \(Self.quoted($0))", isCached: false) }
        let report = await connection.run(.statements(listens), timeout: configuration.statementTimeout)
        if report.failure == nil {
            continuation.yield(.listening)
            await watch(connection, until: broken)
        }
        await connection.close()
        return report.failure == nil
    }

    /// Waits for the end of the session, asking now and then whether the server is still there: a half-open
    /// connection says nothing by itself.
    private func watch(_ connection: PostgresConnection, until broken: AsyncStream<Void>) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in broken {} }
            group.addTask {
                while !Task.isCancelled {
                    try? await Task.sleep(for: PostgresLimits.listenerPing)
                    let ping = await connection.run(
                        .statements([PostgresStatement("SELECT 1")]), timeout: PostgresLimits.listenerPingTimeout)
                    if ping.failure != nil { return }
                }
            }
            await group.next()
            group.cancelAll()
        }
    }

    private static func quoted(_ name: String) -> String {
        "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
