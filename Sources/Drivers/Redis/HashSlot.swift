/// Which of a cluster's slots a key is in.
package enum HashSlot {
    /// The slot of a key: of what stands between its first braces, else of all of it.
    package static func of(_ key: String) -> Int {
        let bytes = Array(key.utf8)
        var part = bytes[...]
        if let open = bytes.firstIndex(of: UInt8(ascii: "{")),
            let close = bytes[(open + 1)...].firstIndex(of: UInt8(ascii: "}")), close > open + 1
        {
            part = bytes[(open + 1)..<close]
        }
        return Int(crc16(part)) % RedisLimits.slots
    }

    /// CRC-16/XMODEM, as the cluster specification wants it.
    private static func crc16(_ bytes: ArraySlice<UInt8>) -> UInt16 {
        var crc: UInt16 = 0
        for byte in bytes {
            crc ^= UInt16(byte) << 8
            for _ in 0..<8 { crc = crc & 0x8000 == 0 ? crc << 1 : (crc << 1) ^ 0x1021 }
        }
        return crc
    }
}

/// A command and the slot its keys are in.
package struct RoutedCommand: Sendable {
    package let command: RedisCommand
    /// 0..<`RedisLimits.slots`; of no meaning to a single server.
    package let slot: Int

    /// Makes one.
    package init(_ command: RedisCommand, slot: Int) {
        self.command = command
        self.slot = slot
    }
}
