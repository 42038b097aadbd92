import CCurl
import Foundation

/// gzip for request bodies; answers are inflated by libcurl.
enum Gzip {
    /// The body in gzip format, or nil when zlib fails (out of memory).
    static func compress(_ body: Data) -> Data? {
        var target = Data(count: Int(ferry_gzip_bound(UInt(body.count))))
        let capacity = UInt(target.count)
        let written = body.withUnsafeBytes { source in
            target.withUnsafeMutableBytes { target in
                ferry_gzip(
                    source.bindMemory(to: UInt8.self).baseAddress, UInt(source.count),
                    target.bindMemory(to: UInt8.self).baseAddress, capacity)
            }
        }
        guard written > 0 else { return nil }
        return target.prefix(Int(written))
    }
}
