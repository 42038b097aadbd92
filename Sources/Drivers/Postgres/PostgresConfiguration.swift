import CLibpq

/// How a pool reaches its server, and its bounds.
package struct PostgresConfiguration: Sendable {
    /// libpq's connection parameters from the URL, the password among them; never printed.
    let parameters: [String: String]
    /// Shown in `pg_stat_activity`.
    package var applicationName = "ferry"
    /// Connections kept open even when nobody needs them; ≥ 0.
    package var minimumConnections = 0
    /// Connections open at most; ≥ 1.
    package var maximumConnections = 8
    /// From the first look-up of the host to a usable session.
    package var connectTimeout = PostgresLimits.connectTimeout
    /// Wait for a connection of the pool.
    package var leaseTimeout = PostgresLimits.leaseTimeout
    /// From send to last answer, unless a call says otherwise.
    package var statementTimeout = PostgresLimits.statementTimeout
    /// An idle connection above the minimum is closed after this time.
    package var idleLifetime = PostgresLimits.idleLifetime
    /// Callers that may wait for a connection.
    package var maximumWaiters = PostgresLimits.waiters
    /// Bytes of all values in one answer.
    package var resultBytes = PostgresLimits.resultBytes
    /// Waits between tries to connect.
    package var reconnect = Backoff(base: PostgresLimits.reconnectBase, cap: PostgresLimits.reconnectCap)

    /// Reads a libpq connection URL, for example
    /// `postgresql://user:password@host:5432/database?sslmode=verify-full&sslrootcert=/etc/ferry/ca.pem`
    /// or `postgresql://user@/database?host=/run/postgresql`.
    /// - Throws: `PostgresError` with code `configuration`; its message never repeats the URL.
    package init(url: String) throws(PostgresError) {
        guard url.hasPrefix("postgresql://") || url.hasPrefix("postgres://") else {
            throw PostgresError(
                .configuration, "the PostgreSQL URL must start with postgresql://", fate: .notSent)
        }
        parameters = try Self.parse(url)
    }

    /// Lets libpq itself read the URL, so that every option it knows is known here.
    private static func parse(_ url: String) throws(PostgresError) -> [String: String] {
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(url, &message) else {
            let text = message.map { String(cString: $0) } ?? ""
            PQfreemem(message)
            throw PostgresError(.configuration, explain(text), fate: .notSent)
        }
        defer { PQconninfoFree(options) }
        var parameters: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { parameters[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        return parameters
    }

    /// libpq's complaint where it names an option only; others may quote the password.
    private static func explain(_ text: String) -> String {
        let harmless = ["invalid URI query parameter", "missing \"=\"", "extra key/value separator"]
        let line = text.split(separator: "\n").first.map(String.init) ?? ""
        guard harmless.contains(where: line.hasPrefix) else { return "the PostgreSQL URL can't be read" }
        return "the PostgreSQL URL can't be read: \(line)"
    }

    /// What goes to libpq: the URL's parameters, our defaults where it says nothing, and numeric addresses.
    func connectionParameters(addresses: [PostgresAddress]) -> [String: String] {
        var all = Self.defaults
        all["fallback_application_name"] = applicationName
        all.merge(parameters) { _, own in own }
        all["host"] = addresses.map(\.host).joined(separator: ",")
        all["hostaddr"] = addresses.map(\.numeric).joined(separator: ",")
        all["port"] = addresses.map(\.port).joined(separator: ",")
        return all
    }

    private static let defaults: [String: String] = [
        "client_encoding": "UTF8",
        // GSS would look for tickets on disk and on the network, blocking.
        "gssencmode": "disable",
        "tcp_user_timeout": String(PostgresLimits.tcpUserTimeoutMilliseconds),
        "options":
            "-c idle_in_transaction_session_timeout=\(PostgresLimits.idleInTransactionSeconds)s -c TimeZone=UTC",
    ]
}

extension PostgresConfiguration: CustomStringConvertible {
    package var description: String {
        let shown = parameters.filter { $0.key != "password" && $0.key != "sslpassword" }
        return "postgresql(" + shown.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
            + ")"
    }
}
