import Drivers
import Foundation

// A lease travels and is stored as `token,tenant,kind`; a granted one is followed by a line
// `class,cost,attempt,deaths,enqueued`, behind which a tenant with a budget has four numbers more. Hundred thousand of
// them a second pass here, so they are read and written as bytes, without texts in between.

extension RedisCommand {
    /// Adds a lease as scripts know it.
    mutating func append(lease token: FencingToken, of key: JobKey) {
        let tenant = Int64(key.tenant)
        let kind = key.kind.utf8
        append(byteCount: token.rawValue.decimalDigits + tenant.decimalDigits + kind.count + 2) { bytes in
            bytes.append(decimal: token.rawValue)
            bytes.append(UInt8(ascii: ","))
            bytes.append(decimal: tenant)
            bytes.append(UInt8(ascii: ","))
            bytes.append(contentsOf: kind)
        }
    }
}

extension FencingToken {
    /// The token of a lease.
    init?(lease: [UInt8]) {
        var reader = LeaseReader(lease)
        guard let token = reader.number() else { return nil }
        self.init(rawValue: token)
    }
}

/// Reads the leases that an exchange granted.
struct LeaseReader {
    private let bytes: [UInt8]
    private var index = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// All leases; nil when the text is none of theirs.
    mutating func jobs() -> [LeasedJob]? {
        var jobs: [LeasedJob] = []
        jobs.reserveCapacity(bytes.count / Self.shortestLease)
        while index < bytes.count {
            guard let job = job() else { return nil }
            jobs.append(job)
        }
        return jobs
    }

    /// Bytes of two lines at least, about.
    private static let shortestLease = 40

    private mutating func job() -> LeasedJob? {
        guard let token = number(), let tenant = number().flatMap({ Int32(exactly: $0) }), let kind = line(),
            let rawClass = number().flatMap({ UInt8(exactly: $0) }), let jobClass = JobClass(rawValue: rawClass),
            let cost = number(), let attempt = number(), let deaths = number(), let enqueued = number()
        else { return nil }
        // A number takes what ends it along: a comma means that more is said.
        var allowance: CallAllowance?
        if bytes[index - 1] == UInt8(ascii: ",") {
            guard let told = self.allowance() else { return nil }
            allowance = told
        }
        return LeasedJob(
            key: JobKey(stored: kind, of: tenant), jobClass: jobClass, token: FencingToken(rawValue: token),
            attempt: Int(attempt + deaths) + 1, enqueuedAt: Date(timeIntervalSince1970: Double(enqueued) / 1_000),
            cost: Int(cost), allowance: allowance)
    }

    private mutating func allowance() -> CallAllowance? {
        guard let campaign = number(), let salesforce = number(), let percent = number(), let figureFrom = number()
        else { return nil }
        var granted: [CallProvider: Int] = [:]
        if campaign >= 0 { granted[.activeCampaign] = Int(campaign) }
        if salesforce >= 0 { granted[.salesforce] = Int(salesforce) }
        return CallAllowance(
            granted: granted, percentUsed: Int(percent), figureFrom: figureFrom < 0 ? nil : Int(figureFrom))
    }

    /// A number and the comma or the end of the line behind it.
    mutating func number() -> Int64? {
        var value: Int64 = 0
        var isNegative = false
        let start = index
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                let (tens, isTooLong) = value.multipliedReportingOverflow(by: 10)
                guard !isTooLong else { return nil }
                value = tens &+ Int64(byte &- UInt8(ascii: "0"))
            case UInt8(ascii: ","), UInt8(ascii: "\n"):
                return index - 1 > start ? (isNegative ? -value : value) : nil
            case UInt8(ascii: "-") where index - 1 == start:
                isNegative = true
            default:
                return nil
            }
        }
        return index > start ? (isNegative ? -value : value) : nil
    }

    /// The rest of the line.
    private mutating func line() -> String? {
        guard let end = bytes[index...].firstIndex(of: UInt8(ascii: "\n")), end > index else { return nil }
        defer { index = end + 1 }
        return String(decoding: bytes[index..<end], as: UTF8.self)
    }
}
