import Drivers
import Embedded
import Foundation
import JobQueue

/// A redis-server of a measurement's own, and what it says of itself.
struct BenchRedis {
    let server: EmbeddedRedis
    /// Of its unix socket, or of its port where it has one: some clients know no other.
    let url: String
    let client: RedisClient

    /// Runs `body` with a fresh server.
    static func with<Result>(
        isDurable: Bool = false, onPort: Bool = false, _ body: (BenchRedis) async throws -> Result
    ) async throws -> Result {
        let folder = URL(fileURLWithPath: "/tmp/ferry-bench-\(UInt32.random(in: 0 ... .max))")
        let port = onPort ? try LocalPort.free() : nil
        let server = try EmbeddedRedis(
            folder: folder, durable: isDurable,
            arguments: port.map { ["--port", "\($0)", "--bind", "127.0.0.1"] } ?? [])
        defer {
            server.stop()
            try? FileManager.default.removeItem(at: folder)
        }
        let url = port.map { "redis://127.0.0.1:\($0)/0" } ?? server.url
        return try await body(BenchRedis(server: server, url: url, client: try RedisClient(url: server.url)))
    }

    /// An adopted queue on it.
    func queue(_ adjust: (inout JobQueueOptions) -> Void = { _ in }) async throws -> JobQueue {
        var options = JobQueueOptions()
        adjust(&options)
        let queue = JobQueue(redis: client, clock: .system, options: options)
        try await queue.adopt(epoch: 1)
        return queue
    }

    /// CPU seconds of the server so far, user and system.
    func cpuSeconds() async throws -> Double {
        try await number("used_cpu_user", in: "cpu") + number("used_cpu_sys", in: "cpu")
    }

    /// Bytes the server holds.
    func usedMemory() async throws -> Double { try await number("used_memory", in: "memory") }

    private func number(_ name: String, in section: String) async throws -> Double {
        let info = try await client.send("INFO", section).text ?? ""
        let line = info.split(whereSeparator: \.isNewline).first { $0.hasPrefix(name + ":") }
        return line.flatMap { Double($0.dropFirst(name.count + 1)) } ?? 0
    }
}

/// `redis-benchmark` on the same machine in the same minute, so that figures can be compared across machines.
enum RedisBaseline {
    /// All of its figures.
    static func measure() throws {
        try measure(["set", "lpush"], [("unpipelined", "1"), ("pipelined_16", "16")], requests: 200_000, beside: "")
    }

    /// The one that says how fast the machine is just now.
    static func measure(beside part: String) throws {
        try measure(["set"], [("unpipelined", "1")], requests: 100_000, beside: "_beside_\(part)")
    }

    private static func measure(
        _ tests: [String], _ pipelines: [(name: String, depth: String)], requests: Int, beside suffix: String
    ) throws {
        let folder = URL(fileURLWithPath: "/tmp/ferry-bench-\(UInt32.random(in: 0 ... .max))")
        let server = try EmbeddedRedis(folder: folder, durable: false)
        defer {
            server.stop()
            try? FileManager.default.removeItem(at: folder)
        }
        for (name, depth) in pipelines {
            for test in tests {
                let command =
                    ["-s", server.socketPath, "-n", "\(requests)", "-c", "50", "--csv", "-t", test, "-P", depth]
                guard let line = try output(of: "redis-benchmark", command).last else { continue }
                let fields = line.split(separator: ",").map { $0.trimmingCharacters(in: ["\""]) }
                guard fields.count > 1, let rate = Double(fields[1]) else { continue }
                Report.figure("redis_benchmark_\(test)_\(name)\(suffix)_per_s", rate, "1/s")
            }
        }
    }

    private static func output(of program: String, _ arguments: [String]) throws -> [String] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline).map(String.init)
    }
}
