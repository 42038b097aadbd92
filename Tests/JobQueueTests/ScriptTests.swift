import Foundation
import Testing

@testable import JobQueue

@Suite struct ScriptTests {
    @Test func everyFileInLuaIsBoundAndEveryBindingHasItsFile() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/JobQueue/Lua").standardizedFileURL
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        let bound = ShardScript.allCases.map { "\($0.rawValue).lua" } + ["prelude.lua", "shard.lua", "purse.lua"]
        #expect(Set(files) == Set(bound))
        for script in ShardScript.allCases {
            let own = try String(contentsOf: folder.appending(path: "\(script.rawValue).lua"), encoding: .utf8)
            let isBound = String(decoding: script.source, as: UTF8.self).contains(own)
            #expect(isBound, "\(script)")
        }
    }

    @Test func tenantsSpreadEvenlyAndStayWhereTheyAre() {
        let map = ShardMap(namespace: "", count: 16)
        #expect(map.names[3] == "{s003}")
        #expect((0..<5).map { map.shard(of: $0) } == [15, 1, 14, 13, 10], "a tenant never moves to another shard")
        var counts = [Int](repeating: 0, count: 16)
        for tenant in Int32(1)...16_000 { counts[map.shard(of: tenant)] += 1 }
        #expect(counts.allSatisfy { (850...1_150).contains($0) })
    }
}
