/// SplitMix64: the same seed gives the same faults on every run.
struct CampaignRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        return Self.mixed(state)
    }

    /// Whether something of that probability happens now. A rate of 0 draws nothing, so switching a fault on does not
    /// move the others.
    mutating func happens(rate: Double) -> Bool {
        rate > 0 && Double.random(in: 0..<1, using: &self) < rate
    }

    /// A well-spread function of a number.
    static func mixed(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// 32 hexadecimal digits that depend on nothing but the two numbers.
    static func hex(_ seed: UInt64, _ number: UInt64) -> String {
        let high = mixed(seed ^ mixed(number))
        return padded(high) + padded(mixed(high ^ number))
    }

    private static func padded(_ value: UInt64) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }

    /// The same digits in the shape of a UUID.
    static func uuid(_ seed: UInt64, _ number: UInt64) -> String {
        var text = ""
        text.reserveCapacity(36)
        for (index, digit) in hex(seed, number).utf8.enumerated() {
            if index == 8 || index == 12 || index == 16 || index == 20 { text.append("-") }
            text.unicodeScalars.append(Unicode.Scalar(digit))
        }
        return text
    }
}
