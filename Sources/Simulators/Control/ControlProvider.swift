import Foundation
import Synchronization

/// `/_control/…`: what a test or a developer does to the simulated world from outside the process, in JSON.
///
/// Everything here is also there as Swift API on `ActiveCampaignAccount`, `SalesforceOrg`, `FaultPlan` and
/// `SimulatorClock`. Every call carries `Authorization: Bearer TOKEN` with the control token, which is no provider's.
/// Faults never strike these calls, and no call is counted. `ControlGuide` lists the routes.
package final class ControlProvider: SimulatedProvider {
    /// The token every call carries.
    package let token: String

    let clock: SimulatorClock
    let activeCampaign: ActiveCampaignSimulator
    let salesforce: SalesforceSimulator
    let faults: FaultPlan
    let marks = ControlMarks()
    let orgIndex = ControlOrgIndex()
    private let url = Mutex("http://127.0.0.1")

    /// A control interface over both providers.
    /// - Parameter token: the control token; nil makes a random one.
    package init(
        clock: SimulatorClock, activeCampaign: ActiveCampaignSimulator, salesforce: SalesforceSimulator,
        faults: FaultPlan, token: String? = nil
    ) {
        self.clock = clock
        self.activeCampaign = activeCampaign
        self.salesforce = salesforce
        self.faults = faults
        self.token = token ?? Self.randomToken()
    }

    /// A token nobody guesses: 32 hexadecimal digits of the system's randomness.
    package static func randomToken() -> String {
        var system = SystemRandomNumberGenerator()
        return (0..<16).map { _ in
            let text = String(UInt8.random(in: 0...255, using: &system), radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
    }

    /// The address of the server, for answers that name it.
    var baseURL: String { url.withLock { $0 } }

    // MARK: - Provider

    /// No fault strikes the hand that sets the faults.
    package var isBeyondFaults: Bool { true }

    /// Every path below `/_control`.
    package func identify(_ request: SimulatedRequest) -> SimulatedCallIdentity? {
        Self.isMine(request) ? SimulatedCallIdentity(account: nil, callClass: "control") : nil
    }

    /// Takes the server's address.
    package func serverStarted(baseURL: String) { url.withLock { $0 = baseURL } }

    /// Answers `/_control/…`.
    package func handle(_ request: SimulatedRequest) async -> SimulatedResponse? {
        guard Self.isMine(request) else { return nil }
        do {
            guard request.headers["authorization"] == "Bearer \(token)" else {
                throw ControlError(.unauthorized, "Authorization: Bearer with the control token is missing or wrong")
            }
            let call = try ControlCall(request)
            return ControlAnswer.json(call.method == "POST" ? 201 : 200, try await route(call))
        } catch let error as ControlError {
            return error.response
        } catch {
            return Self.refusal(error).response
        }
    }

    private static func isMine(_ request: SimulatedRequest) -> Bool {
        request.path == "/_control" || request.path.hasPrefix("/_control/")
    }

    /// What the account or org said, in the words of the control interface.
    private static func refusal(_ error: any Error) -> ControlError {
        switch error {
        case let error as ActiveCampaignSimulatorError: ControlError(.refused, error.description)
        case let error as RecordError: ControlError(.refused, "\(error.code): \(error.message)")
        case let error as SaveRefusal:
            ControlError(.refused, error.errors.map { "\($0.code): \($0.message)" }.joined(separator: "; "))
        default: ControlError(.refused, "\(error)")
        }
    }

    // MARK: - Routes

    private func route(_ call: ControlCall) async throws -> WireJSON {
        switch (call.path.first, call.path.count) {
        case (nil, _): return ControlGuide.json
        case ("world", 1): return try world(call)
        case ("clock", 1): return try moveClock(call)
        case ("faults", _): return try routeFaults(call)
        case ("accounts", 1): return try accounts(call)
        case ("accounts", _): return try await routeAccount(call, try account(call.path[1]))
        case ("orgs", 1): return try orgs(call)
        case ("orgs", _): return try routeOrg(call, try org(call.path[1]))
        default: throw Self.unknownRoute(call)
        }
    }

    static func unknownRoute(_ call: ControlCall) -> ControlError {
        ControlError(.notFound, "no route \(call.method) /_control/\(call.path.joined(separator: "/"))")
    }

    private func world(_ call: ControlCall) throws -> WireJSON {
        guard call.method == "GET" else { throw Self.unknownRoute(call) }
        return [
            "url": .string(baseURL), "accounts": .int(activeCampaign.accounts.count),
            "orgs": .int(salesforce.orgs.count), "faults": .int(faults.count), "clock": clockJSON,
        ]
    }

    private func moveClock(_ call: ControlCall) throws -> WireJSON {
        guard call.method != "GET" else { return clockJSON }
        guard call.method == "POST" else { throw Self.unknownRoute(call) }
        try call.body.allow("advanceSeconds", "offsetSeconds")
        let range = -SimulatorsLimits.Control.clockSeconds...SimulatorsLimits.Control.clockSeconds
        if let seconds = try call.body.number("offsetSeconds", in: range) { clock.offsetSeconds = seconds }
        if let seconds = try call.body.number("advanceSeconds", in: range) { clock.advance(by: seconds) }
        return clockJSON
    }

    private var clockJSON: WireJSON {
        [
            "now": .string(Timestamp.json(Int(clock.now.timeIntervalSince1970))),
            "offsetSeconds": .double(clock.offsetSeconds),
        ]
    }
}

/// Marks set through the control interface, by name.
final class ControlMarks: Sendable {
    enum Mark: Sendable {
        case account(ActiveCampaignCalls)
        case org(CallMark)
    }

    private struct State {
        var marks: [Int: Mark] = [:]
        var last = 0
    }

    private let state = Mutex(State())

    /// Keeps a mark and names it.
    func add(_ mark: Mark) -> String {
        state.withLock { state in
            state.last += 1
            state.marks[state.last] = mark
            state.marks[state.last - SimulatorsLimits.Control.marks] = nil
            return "m\(state.last)"
        }
    }

    /// The mark of a name; nil when there is none, or it is too old.
    func mark(_ name: String) -> Mark? {
        state.withLock { state in Int(name.dropFirst()).flatMap { state.marks[$0] } }
    }
}
