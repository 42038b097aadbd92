import ArgumentParser
import Foundation
import Simulators

/// How fast the simulators answer and how much they hold, so that no other measurement measures them by mistake.
///
/// The server is this process; the load comes from child processes of the same executable (`bench simulators-load`),
/// over plain HTTP on loopback, so that neither side's work is in the other's time.
struct SimulatorsBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulators",
        abstract: "Measures the simulated providers: small requests, composites of 1,000 records, memory.")

    @Option(help: "Seconds of small requests.")
    var seconds = 5.0

    @Option(help: "Connections that send small requests, each its next one when the last is answered.")
    var connections = 8

    @Option(help: "Composite calls of 1,000 records; the median counts.")
    var composites = 40

    @Option(help: "Contacts of the account, and of the org, whose memory is measured.")
    var contacts = 1_000_000

    func validate() throws {
        guard (0.1...600).contains(seconds) else { throw ValidationError("--seconds: want 0.1 to 600") }
        guard (1...256).contains(connections) else { throw ValidationError("--connections: want 1 to 256") }
        guard (1...10_000).contains(composites) else { throw ValidationError("--composites: want 1 to 10000") }
        guard (1...5_000_000).contains(contacts) else { throw ValidationError("--contacts: want 1 to 5000000") }
    }

    func run() async throws {
        Report.environment()
        // First, while nothing else has been allocated and freed: what is free already would hide growth.
        try measureMemory()
        let world = try SimulatedWorld(name: "bench")
        let (account, org) = world.pairs[0]
        account.change { $0.rateLimit = nil }
        org.setAPILimit(Int(Int32.max))
        async let serving: Void = world.server.run()
        let port = try await world.server.port
        try await measureSmallRequests(port: port, account: account, org: org)
        try await measureComposites(port: port, org: org)
        await world.server.stop()
        try await serving
    }

    // MARK: - Small requests

    /// Half the connections ask ActiveCampaign who they are, half ask Salesforce for its versions' resources.
    private func measureSmallRequests(port: Int, account: ActiveCampaignAccount, org: SalesforceOrg) async throws {
        Report.progress("small requests for \(seconds) s over \(connections) connections")
        let mine = try await load([
            "--port", String(port), "--connections", String(connections), "--seconds", String(seconds), "--path",
            "/api/3/users/me", "--header", "Api-Token: \(account.token)", "--path",
            "/services/data/v65.0/sobjects/Account/001000100000000AAA", "--header",
            "Authorization: Bearer \(org.accessToken())",
        ])
        Report.figure("small_requests_per_s", mine.perSecond, "1/s")
        Report.figure("small_request_p99_ms", mine.p99Milliseconds, "ms")
    }

    // MARK: - Composites

    private func measureComposites(port: Int, org: SalesforceOrg) async throws {
        Report.progress("\(composites) composites of 1,000 records")
        let result = try await load([
            "--port", String(port), "--connections", "1", "--requests", String(composites), "--path",
            "/services/data/v65.0/composite", "--composite", "--header",
            "Authorization: Bearer \(org.accessToken())",
        ])
        Report.figure("composite_1000_ms", result.medianMilliseconds, "ms")
        let written = org.count("Contact")
        guard written > 0, written.isMultiple(of: 1_000) else {
            throw ValidationError("composites wrote \(written) contacts")
        }
    }

    // MARK: - Memory

    private func measureMemory() throws {
        Report.progress("seeding \(contacts) contacts on both sides")
        let world = try SimulatedWorld(name: "memory")
        let (account, org) = world.pairs[0]
        let before = try Self.residentBytes()
        let start = ContinuousClock.now
        for first in stride(from: 0, to: contacts, by: 10_000) {
            let count = min(10_000, contacts - first)
            _ = try account.seed(count: count)
            org.seed("Contact", count: count) { index in
                let number = first + index
                return [
                    "FirstName": .text("First \(number % 1_000)"), "LastName": .text("Last \(number)"),
                    "Email": .text("person\(number)@memory.example"), "Phone": .text("+1 312 \(1_000_000 + number)"),
                    "AC_Contact_Id__c": .text(String(number + 1)),
                ]
            }
        }
        let took = start.duration(to: .now)
        Report.figure("million_contacts_mb", Double(try Self.residentBytes() - before) / 1_000_000, "MB")
        Report.figure("million_contacts_seed_s", took / .seconds(1), "s")
        guard account.contactCount == contacts, org.count("Contact") == contacts else {
            throw ValidationError("not every contact was seeded")
        }
    }

    /// What of this process is in memory.
    private static func residentBytes() throws -> Int {
        let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { throw ValidationError("no /proc/self/statm") }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    // MARK: - Load

    /// Runs the load generator to its end.
    private func load(_ arguments: [String]) async throws -> LoadResult {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["simulators-load"] + arguments
        let output = Pipe()
        process.standardOutput = output
        // Waited for on a thread of its own: the pool also runs the server.
        return try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        try process.run()
                        let data = output.fileHandleForReading.readDataToEndOfFile()
                        process.waitUntilExit()
                        guard process.terminationStatus == 0 else { throw ValidationError("the load failed") }
                        return try JSONDecoder().decode(LoadResult.self, from: data)
                    })
            }
        }
    }
}

/// What the load generator saw.
struct LoadResult: Codable {
    let perSecond: Double
    let medianMilliseconds: Double
    let p99Milliseconds: Double
}
