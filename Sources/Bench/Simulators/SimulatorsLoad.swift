import ArgumentParser
import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// The load on a simulator server: raw sockets, one thread, one request in flight on each connection.
///
/// Cheap on purpose: it looks for the end of an answer and its status and reads nothing else, so that on two cores the
/// server has one for itself.
struct SimulatorsLoad: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulators-load", abstract: "The load generator of `bench simulators`.", shouldDisplay: false)

    @Option(help: "Port on 127.0.0.1.")
    var port: Int

    @Option(help: "Open connections.")
    var connections: Int

    @Option(help: "Seconds to send for; nothing when --requests is given.")
    var seconds = 0.0

    @Option(help: "Requests to send.")
    var requests = 0

    @Option(help: "Paths to GET; connection n takes path n modulo their number.")
    var path: [String]

    @Option(help: "A header line for each path.")
    var header: [String]

    @Flag(help: "POST composites that upsert 1,000 new contacts instead.")
    var composite = false

    func run() throws {
        var connections = try (0..<connections).map { number in
            try LoadConnection(port: port, request: request(number % path.count, round: 0))
        }
        var polls = connections.map { pollfd(fd: $0.socket, events: Int16(POLLIN), revents: 0) }
        var latencies: [Double] = []
        var sent = connections.count
        let start = LoadConnection.now()
        let deadline = start + (requests > 0 ? .greatestFiniteMagnitude : seconds)
        for index in connections.indices { try connections[index].send() }
        var open = connections.count
        while open > 0 {
            guard poll(&polls, nfds_t(polls.count), 30_000) > 0 else { throw ValidationError("no answer in 30 s") }
            for index in polls.indices where polls[index].revents != 0 {
                guard let latency = try connections[index].receive() else { continue }
                latencies.append(latency)
                let goesOn = requests > 0 ? sent < requests : LoadConnection.now() < deadline
                if goesOn {
                    if composite { connections[index].request = request(0, round: sent) }
                    try connections[index].send()
                    sent += 1
                } else {
                    polls[index].fd = -1
                    open -= 1
                }
            }
        }
        let took = LoadConnection.now() - start
        latencies.sort()
        let result = LoadResult(
            perSecond: Double(latencies.count) / took, medianMilliseconds: latencies[latencies.count / 2] * 1_000,
            p99Milliseconds: latencies[latencies.count * 99 / 100] * 1_000)
        FileHandle.standardOutput.write(try JSONEncoder().encode(result))
    }

    private func request(_ index: Int, round: Int) -> [UInt8] {
        let head = "Host: 127.0.0.1:\(port)\r\n\(header[index % header.count])\r\n"
        guard composite else { return Array("GET \(path[index]) HTTP/1.1\r\n\(head)\r\n".utf8) }
        let body = Self.compositeBody(round: round)
        return Array(
            """
            POST \(path[index]) HTTP/1.1\r
            \(head)Content-Type: application/json\r
            Content-Length: \(body.utf8.count)\r
            \r
            \(body)
            """.utf8)
    }

    /// Five collections of 200, as Ferry sends them.
    private static func compositeBody(round: Int) -> String {
        let parts = (0..<5).map { part in
            let records = (0..<200).map { index in
                let number = round * 1_000 + part * 200 + index + 1
                return """
                    {"attributes":{"type":"Contact"},"AC_Contact_Id__c":"\(number)","FirstName":"First \(index)",\
                    "LastName":"Last \(number)","Email":"person\(number)@bench.example","Phone":"+1 312 \(number)"}
                    """
            }
            return """
                {"method":"PATCH","url":"/services/data/v65.0/composite/sobjects/Contact/AC_Contact_Id__c",\
                "referenceId":"part\(part)","body":{"allOrNone":false,"records":[\(records.joined(separator: ","))]}}
                """
        }
        return #"{"allOrNone":false,"compositeRequest":["# + parts.joined(separator: ",") + "]}"
    }
}
