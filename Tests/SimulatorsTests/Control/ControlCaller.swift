import Foundation
import Testing

@testable import Simulators

/// A world that is steered through its control interface, without a socket.
struct ControlCaller {
    let clock = SimulatorClock()
    let salesforce: SalesforceSimulator
    let activeCampaign: ActiveCampaignSimulator
    let control: ControlProvider

    /// One RSA key for all tests: making one takes a while.
    private static let key = Result { try SalesforceSimulator(clock: SimulatorClock()).privateKeyPEM }

    init() throws {
        salesforce = try SalesforceSimulator(clock: clock, privateKeyPEM: try Self.key.get())
        activeCampaign = ActiveCampaignSimulator(clock: clock) { _ in 200 }
        control = ControlProvider(
            clock: clock, activeCampaign: activeCampaign, salesforce: salesforce, faults: salesforce.faults)
    }

    /// Makes a call and answers status and body.
    func call(
        _ method: String, _ path: String, _ body: WireJSON? = nil, token: String? = nil
    ) async throws -> (status: Int, body: WireJSON) {
        let parts = path.split(separator: "?", maxSplits: 1)
        let query = parts.count > 1 ? RequestTarget.items(parts[1]) : []
        let request = SimulatedRequest(
            method: method, path: "/_control/\(parts[0])", query: query,
            headers: ["authorization": "Bearer \(token ?? control.token)"], body: body?.data ?? Data())
        let response = try #require(await control.handle(request))
        return (response.status, try WireJSON(parsing: response.body))
    }

    /// Makes a call that must succeed.
    func done(_ method: String, _ path: String, _ body: WireJSON? = nil) async throws -> WireJSON {
        let answer = try await call(method, path, body)
        try #require(answer.status < 300, "\(method) \(path): \(answer.body["message"]?.stringValue ?? "")")
        return answer.body
    }
}
