import Foundation
import Testing

@testable import Simulators

/// Bodies larger than those of all other calls: uploads of bulk jobs.
@Suite(.timeLimit(.minutes(2)))
struct ServerUploadTests {
    @Test func anUploadOfABulkJobMayBeLargerThanAnyOtherBody() async throws {
        try await SalesforceConformanceWorld.run { world in
            let settings: WireJSON = ["object": "Contact", "operation": "insert"]
            let job = try await world.call("POST", "jobs/ingest", settings)
            let path = try #require(job.body?["contentUrl"]?.stringValue)
            let size = SimulatorsLimits.requestBodyBytes + 1
            let head = """
                PUT /\(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: text/csv\r
                Authorization: Bearer \(world.org.accessToken())\r\nContent-Length: \(size)\r\n\r\n
                """
            let answer = await RawClient.exchange(
                port: world.port, head, Data(repeating: UInt8(ascii: "a"), count: size))
            #expect(answer.text.hasPrefix("HTTP/1.1 201"), "\(answer.text.prefix(200))")
        }
    }

    @Test func onlyUploadsHaveTheLargerBoundAndALittleBeyondTheOrgsOwn() throws {
        let simulator = try SalesforceCaller().simulator
        let upload = "/services/data/v66.0/jobs/ingest/750000000000001AAA/batches"
        #expect(
            simulator.requestBodyBytes(method: "PUT", path: upload)
                == SimulatorsLimits.bulkUploadBytes + SimulatorsLimits.bulkUploadSlackBytes)
        for (method, path) in [("POST", upload), ("PUT", "/services/data/v66.0/composite"), ("PUT", "/x/batches")] {
            #expect(simulator.requestBodyBytes(method: method, path: path) == SimulatorsLimits.requestBodyBytes)
        }
        let other = ActiveCampaignBench().simulator
        #expect(other.requestBodyBytes(method: "PUT", path: upload) == SimulatorsLimits.requestBodyBytes)
    }
}
