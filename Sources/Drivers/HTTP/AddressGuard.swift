import Glibc

/// Tells public internet addresses from those that only mean something inside our own network.
///
/// The check runs on the address a socket is about to connect to, so a name that resolves differently the second
/// time (rebinding), an odd spelling of an IP address or an IPv6-mapped one cannot get round it.
struct AddressGuard {
    /// Whether `address`, as given to `connect(2)`, is this machine itself.
    static func isLoopback(_ address: UnsafePointer<sockaddr>) -> Bool {
        switch Int32(address.pointee.sa_family) {
        case AF_INET: return ipv4(address)[0] == 127
        case AF_INET6:
            let bytes = ipv6(address)
            if let mapped = mappedIPv4(bytes) { return mapped[0] == 127 }
            return bytes.dropLast().allSatisfy { $0 == 0 } && bytes[15] == 1
        default: return false
        }
    }

    /// Whether `address` belongs to the public internet; anything not known to is not.
    static func isPublic(_ address: UnsafePointer<sockaddr>) -> Bool {
        switch Int32(address.pointee.sa_family) {
        case AF_INET: return isPublicIPv4(ipv4(address))
        case AF_INET6: return isPublicIPv6(ipv6(address))
        default: return false
        }
    }

    /// IANA's special-purpose registry for IPv4: what is listed there is not a tenant's provider.
    static func isPublicIPv4(_ b: [UInt8]) -> Bool {
        switch (b[0], b[1], b[2]) {
        case (0, _, _), (10, _, _), (127, _, _): return false
        case (100, 64...127, _): return false
        case (169, 254, _): return false
        case (172, 16...31, _): return false
        case (192, 0, 0), (192, 0, 2), (192, 88, 99): return false
        case (192, 168, _): return false
        case (198, 18...19, _), (198, 51, 100), (203, 0, 113): return false
        case (224..., _, _): return false
        default: return true
        }
    }

    /// Global unicast is 2000::/3; inside it, tunnels and documentation are not. NAT64 counts as what it wraps.
    static func isPublicIPv6(_ b: [UInt8]) -> Bool {
        if let mapped = mappedIPv4(b) { return isPublicIPv4(mapped) }
        if b.starts(with: [0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0]) { return isPublicIPv4(Array(b[12...])) }
        guard b[0] & 0xe0 == 0x20 else { return false }
        let isTeredo = b.starts(with: [0x20, 0x01, 0, 0])
        let isDocumentation = b.starts(with: [0x20, 0x01, 0x0d, 0xb8])
        let is6to4 = b.starts(with: [0x20, 0x02])
        return !isTeredo && !isDocumentation && !is6to4
    }

    /// The IPv4 address inside `::ffff:a.b.c.d`.
    private static func mappedIPv4(_ bytes: [UInt8]) -> [UInt8]? {
        guard bytes.starts(with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]) else { return nil }
        return Array(bytes[12...])
    }

    private static func ipv4(_ address: UnsafePointer<sockaddr>) -> [UInt8] {
        address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { pointer in
            withUnsafeBytes(of: pointer.pointee.sin_addr) { Array($0) }
        }
    }

    private static func ipv6(_ address: UnsafePointer<sockaddr>) -> [UInt8] {
        address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { pointer in
            withUnsafeBytes(of: pointer.pointee.sin6_addr) { Array($0) }
        }
    }
}
