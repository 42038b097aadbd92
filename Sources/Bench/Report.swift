import Foundation

/// What a measurement prints: one JSON object a line, on standard output, as soon as it is known.
enum Report {
    private struct Figure: Encodable {
        let figure: String
        let value: Double
        let unit: String
        let goal: Double?
        let isMet: Bool?
    }

    private struct Environment: Encodable {
        let environment: Machine
    }

    private struct Machine: Encodable {
        let cores: Int
        let memoryBytes: UInt64
        let system: String
        let loadAverage: String
        let build: String
    }

    /// The first line of every run: what the figures were measured on.
    static func environment() {
        let process = ProcessInfo.processInfo
        let load = (try? String(contentsOfFile: "/proc/loadavg", encoding: .utf8)) ?? "unknown"
        #if DEBUG
            let build = "debug"
        #else
            let build = "release"
        #endif
        line(
            Environment(
                environment: Machine(
                    cores: process.activeProcessorCount, memoryBytes: process.physicalMemory,
                    system: process.operatingSystemVersionString,
                    loadAverage: load.trimmingCharacters(in: .whitespacesAndNewlines), build: build)))
    }

    /// One measured figure.
    /// - Parameters:
    ///   - goal: the most it should be, where something is said of it.
    ///   - isLeast: whether it is the least instead.
    /// - Returns: whether the goal is met; true without one.
    @discardableResult
    static func figure(
        _ name: String, _ value: Double, _ unit: String, goal: Double? = nil, isLeast: Bool = false
    ) -> Bool {
        let isMet = goal.map { isLeast ? value >= $0 : value <= $0 }
        line(
            Figure(figure: name, value: (value * 1_000).rounded() / 1_000, unit: unit, goal: goal, isMet: isMet))
        return isMet ?? true
    }

    /// Progress for a human, on standard error.
    static func progress(_ text: String) {
        FileHandle.standardError.write(Data("bench: \(text)\n".utf8))
    }

    private static func line(_ value: some Encodable) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else { return }
        FileHandle.standardOutput.write(data + Data("\n".utf8))
    }
}
