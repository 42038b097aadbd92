import Drivers

/// Which shard a tenant lives in, and what a shard is called.
struct ShardMap: Sendable {
    let names: [String]
    /// The cluster slot of each shard's keys.
    let slots: [Int]

    init(namespace: String, count: Int) {
        names = (0..<count).map { number in
            let digits = String(number)
            return "\(namespace){s\(String(repeating: "0", count: max(0, 3 - digits.count)))\(digits)}"
        }
        slots = names.map(HashSlot.of)
    }

    /// The tenant's shard; the same in every process and for ever.
    func shard(of tenant: Int32) -> Int {
        Int(Self.mixed(UInt64(UInt32(bitPattern: tenant))) % UInt64(names.count))
    }

    /// The shard that keeps a worker's presence when it has no leases.
    func home(of worker: WorkerID) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in worker.name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return Int(Self.mixed(hash) % UInt64(names.count))
    }

    /// Groups indices by shard, in order within each.
    static func group(_ indices: some Sequence<Int>, by shard: (Int) -> Int) -> [(shard: Int, indices: [Int])] {
        var places: [Int: Int] = [:]
        var groups: [(shard: Int, indices: [Int])] = []
        for index in indices {
            let number = shard(index)
            if let place = places[number] {
                groups[place].indices.append(index)
            } else {
                places[number] = groups.count
                groups.append((number, [index]))
            }
        }
        return groups
    }

    /// The finaliser of splitmix64: neighbours end up far apart.
    private static func mixed(_ value: UInt64) -> UInt64 {
        var z = value &+ 0x9e37_79b9_7f4a_7c15
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

extension [Int] {
    /// Cuts into parts of at most `size`.
    func parts(of size: Int) -> [[Int]] {
        if count <= size { return [self] }
        return stride(from: 0, to: count, by: size).map { Array(self[$0...].prefix(size)) }
    }
}
