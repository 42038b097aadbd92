import ArgumentParser

/// A length of time as people type it: `30s`, `15m`, `2h`, `7d`.
struct ShortDuration: ExpressibleByArgument {
    let seconds: Double

    init?(argument: String) {
        let units: [Character: Double] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        guard let unit = argument.last.flatMap({ units[$0] }), let number = Double(argument.dropLast()), number >= 0,
            number.isFinite
        else { return nil }
        seconds = number * unit
    }

    /// Seconds in the largest unit that keeps them readable: `42s`, `3.5m`, `2.1h`.
    static func text(_ seconds: Double) -> String {
        let (value, unit) =
            switch seconds {
            case ..<90: (seconds, "s")
            case ..<5_400: (seconds / 60, "m")
            case ..<172_800: (seconds / 3_600, "h")
            default: (seconds / 86_400, "d")
            }
        return value >= 10 || value == value.rounded()
            ? "\(Int(value.rounded()))\(unit)" : "\((value * 10).rounded() / 10)\(unit)"
    }
}
