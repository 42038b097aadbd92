import Drivers
import Testing

@Suite struct RedisAddressTests {
    @Test(arguments: [
        ("redis://localhost", RedisAddress(.tcp(host: "localhost", port: 6379))),
        ("redis://10.0.0.1:7000/3", RedisAddress(.tcp(host: "10.0.0.1", port: 7000), database: 3)),
        ("redis://[::1]:7000", RedisAddress(.tcp(host: "::1", port: 7000))),
        ("redis://:p%40ss@h", RedisAddress(.tcp(host: "h", port: 6379), password: "p@ss")),
        ("redis://u:p@h:1/0", RedisAddress(.tcp(host: "h", port: 1), user: "u", password: "p")),
        ("unix:///tmp/r.sock", RedisAddress(.unix(path: "/tmp/r.sock"))),
        ("unix:///tmp/r.sock?db=2", RedisAddress(.unix(path: "/tmp/r.sock"), database: 2)),
    ])
    func everyFormOfAnAddressIsRead(text: String, expected: RedisAddress) throws {
        #expect(try RedisAddress(text) == expected)
    }

    @Test(arguments: [
        "", "http://h", "rediss://h", "redis://", "redis://h:99999", "redis://h/x", "redis://h/-1", "unix://h/path",
        "unix://", "redis://user:secret@h:0",
    ])
    func aBadAddressIsRefusedWithoutRepeatingIt(text: String) throws {
        let error = #expect(throws: RedisError.self) { try RedisAddress(text) }
        #expect(error?.code == .badAddress)
        #expect(error?.description.contains("secret") == false)
    }

    @Test func aPasswordIsNotInTheDescription() throws {
        let address = try RedisAddress("redis://user:secret@host")
        #expect(address.description == "redis://host:6379/0")
    }
}
