import Foundation

/// Undoes gzip (RFC 1952, RFC 1951) without a C library.
enum Gunzip {
    /// Why bytes are not a gzip member.
    enum Failure: Error {
        case notGzip
        case truncated
        case corrupt
        case tooLarge
    }

    /// The plain bytes of one gzip member; `limit` bounds them.
    static func inflate(_ data: Data, limit: Int) throws(Failure) -> Data {
        let bytes = [UInt8](data)
        guard bytes.count >= 18, bytes[0] == 0x1F, bytes[1] == 0x8B, bytes[2] == 8 else { throw .notGzip }
        var inflater = Inflater(bytes: bytes, position: try headerEnd(bytes), limit: limit)
        let plain = try inflater.run()
        let size = bytes.suffix(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard size == UInt32(truncatingIfNeeded: plain.count) else { throw .corrupt }
        return Data(plain)
    }

    private static func headerEnd(_ bytes: [UInt8]) throws(Failure) -> Int {
        let flags = bytes[3]
        var position = 10
        if flags & 4 != 0 { position += 2 + Int(bytes[10]) + Int(bytes[11]) << 8 }
        for flag: UInt8 in [8, 16] where flags & flag != 0 {
            while position < bytes.count, bytes[position] != 0 { position += 1 }
            position += 1
        }
        if flags & 2 != 0 { position += 2 }
        guard position < bytes.count else { throw .truncated }
        return position
    }
}

/// The decoder of a DEFLATE stream.
private struct Inflater {
    let bytes: [UInt8]
    var position: Int
    let limit: Int
    private var bitBuffer: UInt32 = 0
    private var bitCount = 0
    private var output: [UInt8] = []

    private static let lengthBase = [
        3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227,
        258,
    ]
    private static let lengthBits = [
        0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
    ]
    private static let distanceBase = [
        1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
        6145, 8193, 12289, 16385, 24577,
    ]
    private static let distanceBits = [
        0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
    ]
    private static let codeLengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

    init(bytes: [UInt8], position: Int, limit: Int) {
        self.bytes = bytes
        self.position = position
        self.limit = limit
    }

    mutating func run() throws(Gunzip.Failure) -> [UInt8] {
        var isLast = false
        while !isLast {
            isLast = try bits(1) == 1
            switch try bits(2) {
            case 0: try storedBlock()
            case 1: try block(HuffmanTable(Self.fixedLengths), HuffmanTable([Int](repeating: 5, count: 30)))
            case 2:
                let (literals, distances) = try dynamicTables()
                try block(literals, distances)
            default: throw .corrupt
            }
        }
        return output
    }

    private static let fixedLengths =
        [Int](repeating: 8, count: 144) + [Int](repeating: 9, count: 112) + [Int](repeating: 7, count: 24)
        + [Int](repeating: 8, count: 8)

    private mutating func bits(_ count: Int) throws(Gunzip.Failure) -> Int {
        while bitCount < count {
            guard position < bytes.count else { throw .truncated }
            bitBuffer |= UInt32(bytes[position]) << UInt32(bitCount)
            position += 1
            bitCount += 8
        }
        let value = Int(bitBuffer & (1 << UInt32(count) - 1))
        bitBuffer >>= UInt32(count)
        bitCount -= count
        return value
    }

    private mutating func storedBlock() throws(Gunzip.Failure) {
        // Whole bytes may already sit in the bit buffer; hand them back before copying.
        position -= bitCount / 8
        bitBuffer = 0
        bitCount = 0
        guard position + 4 <= bytes.count else { throw .truncated }
        let length = Int(bytes[position]) | Int(bytes[position + 1]) << 8
        position += 4
        guard position + length <= bytes.count else { throw .truncated }
        guard output.count + length <= limit else { throw .tooLarge }
        output.append(contentsOf: bytes[position..<position + length])
        position += length
    }

    private mutating func dynamicTables() throws(Gunzip.Failure) -> (HuffmanTable, HuffmanTable) {
        let literalCount = try bits(5) + 257
        let distanceCount = try bits(5) + 1
        let codeCount = try bits(4) + 4
        var codeLengths = [Int](repeating: 0, count: 19)
        for index in 0..<codeCount { codeLengths[Self.codeLengthOrder[index]] = try bits(3) }
        let codes = HuffmanTable(codeLengths)
        var lengths: [Int] = []
        while lengths.count < literalCount + distanceCount {
            switch try symbol(codes) {
            case 16:
                guard let last = lengths.last else { throw .corrupt }
                lengths.append(contentsOf: repeatElement(last, count: try bits(2) + 3))
            case 17: lengths.append(contentsOf: repeatElement(0, count: try bits(3) + 3))
            case 18: lengths.append(contentsOf: repeatElement(0, count: try bits(7) + 11))
            case let length: lengths.append(length)
            }
        }
        guard lengths.count == literalCount + distanceCount else { throw .corrupt }
        return (HuffmanTable(Array(lengths[..<literalCount])), HuffmanTable(Array(lengths[literalCount...])))
    }

    private mutating func symbol(_ table: HuffmanTable) throws(Gunzip.Failure) -> Int {
        var code = 0
        var first = 0
        var index = 0
        for length in 1...15 {
            code |= try bits(1)
            let count = table.counts[length]
            if code - count < first { return table.symbols[index + code - first] }
            index += count
            first = (first + count) << 1
            code <<= 1
        }
        throw .corrupt
    }

    private mutating func block(_ literals: HuffmanTable, _ distances: HuffmanTable) throws(Gunzip.Failure) {
        while true {
            let symbol = try symbol(literals)
            if symbol < 256 {
                guard output.count < limit else { throw .tooLarge }
                output.append(UInt8(symbol))
            } else if symbol == 256 {
                return
            } else {
                try copy(lengthSymbol: symbol - 257, distances)
            }
        }
    }

    private mutating func copy(lengthSymbol: Int, _ distances: HuffmanTable) throws(Gunzip.Failure) {
        guard lengthSymbol < Self.lengthBase.count else { throw .corrupt }
        let length = Self.lengthBase[lengthSymbol] + (try bits(Self.lengthBits[lengthSymbol]))
        let symbol = try symbol(distances)
        guard symbol < Self.distanceBase.count else { throw .corrupt }
        let distance = Self.distanceBase[symbol] + (try bits(Self.distanceBits[symbol]))
        guard distance <= output.count else { throw .corrupt }
        guard output.count + length <= limit else { throw .tooLarge }
        for _ in 0..<length { output.append(output[output.count - distance]) }
    }
}

/// A canonical Huffman code: how many codes of each length, and their symbols in order.
private struct HuffmanTable {
    var counts = [Int](repeating: 0, count: 16)
    var symbols: [Int]

    init(_ lengths: [Int]) {
        for length in lengths where length > 0 { counts[length] += 1 }
        var offsets = [Int](repeating: 0, count: 16)
        for length in 1..<15 { offsets[length + 1] = offsets[length] + counts[length] }
        symbols = [Int](repeating: 0, count: lengths.count)
        for (symbol, length) in lengths.enumerated() where length > 0 {
            symbols[offsets[length]] = symbol
            offsets[length] += 1
        }
    }
}
