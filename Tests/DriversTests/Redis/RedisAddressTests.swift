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
        (
            "redis+sentinel://a,b:1/m",
            RedisAddress(
                .sentinel([.init(host: "a", port: 26_379), .init(host: "b", port: 1)], master: "m", password: nil))
        ),
        (
            "redis+sentinel://u:p%40@[::1]:7/m/2?sentinel_password=s",
            RedisAddress(
                .sentinel([.init(host: "::1", port: 7)], master: "m", password: "s"), user: "u", password: "p@",
                database: 2)
        ),
        (
            "redis+cluster://:p@a:1,b",
            RedisAddress(.cluster([.init(host: "a", port: 1), .init(host: "b", port: 6_379)]), password: "p")
        ),
    ])
    func everyFormOfAnAddressIsRead(text: String, expected: RedisAddress) throws {
        #expect(try RedisAddress(text) == expected)
    }

    @Test(arguments: [
        "", "http://h", "rediss://h", "redis://", "redis://h:99999", "redis://h/x", "redis://h/-1", "unix://h/path",
        "unix://", "redis://user:secret@h:0",
        "redis+sentinel://a:1", "redis+sentinel:///m", "redis+sentinel://a:x/m", "redis+sentinel://u:secret@a:0/m",
        "redis+cluster://", "redis+cluster://a,,b", "redis+cluster://a/1", "redis+other://a",
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
