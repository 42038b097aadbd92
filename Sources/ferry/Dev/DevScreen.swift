import Foundation

/// Shows the demo live: a line a tenant and a bar until both sides agree. On a terminal the lines are drawn over; else
/// they are printed when something changed, so that a log stays readable.
struct DevScreen {
    /// What one tenant's line says.
    struct Line: Equatable {
        let tenant: String
        let pending: Int
        let toSalesforce: Int
        let toActiveCampaign: Int
        let conflicts: Int
        let failed: Int
        /// What the tenant's purses hold, `12/57500 full`; one that its first run is to open is missing.
        let salesforce: String
        let activeCampaign: String
        let agreed: Int
        let expected: Int
    }

    private static let barWidth = 24
    private let target: FileHandle
    private let isTerminal: Bool
    private var drawn = 0
    private var last: [Line] = []

    /// Makes an empty screen on standard output, or on standard error where output is kept for a document.
    init(isOnStandardError: Bool) {
        target = isOnStandardError ? .standardError : .standardOutput
        isTerminal = isatty(target.fileDescriptor) == 1
    }

    /// Draws all lines.
    mutating func draw(_ lines: [Line], phase: String) {
        guard isTerminal || lines != last else { return }
        last = lines
        var text = isTerminal && drawn > 0 ? "\u{1B}[\(drawn)A" : ""
        let rows = [phase, Self.heading] + lines.map(Self.row)
        for row in rows { text += (isTerminal ? "\u{1B}[2K" : "") + row + "\n" }
        drawn = rows.count
        target.write(Data(text.utf8))
    }

    /// Leaves what is drawn where it is; the next drawing starts below.
    mutating func settle() { drawn = 0 }

    private static let heading =
        "tenant         pending   → SF   → AC  conflicts  failed       SF calls of budget      AC calls of budget  agreement"

    private static func row(_ line: Line) -> String {
        let share = line.expected == 0 ? 1 : Double(line.agreed) / Double(line.expected)
        let filled = Int((share * Double(barWidth)).rounded(.down))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: barWidth - filled)
        let numbers = [
            (line.pending, 8), (line.toSalesforce, 7), (line.toActiveCampaign, 7), (line.conflicts, 11),
            (line.failed, 8),
        ]
        func padded(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(0, width - text.count)) + text
        }
        let cells =
            numbers.map { padded(String($0), $1) } + [
                padded(line.salesforce, 25), padded(line.activeCampaign, 24),
            ]
        let name = line.tenant.padding(toLength: 14, withPad: " ", startingAt: 0)
        return name + cells.joined() + "  " + bar + " \(line.agreed)/\(line.expected)"
    }
}
