import CryptoExtras
import Foundation
import Synchronization

/// Salesforce for tests and demos: thousands of orgs in one process, told apart by their tokens.
///
/// Written from the reference page alone; it shares nothing with the client it tests. It holds its state in memory: a
/// new simulator is a new world.
package final class SalesforceSimulator: SimulatedProvider {
    /// The faults of this simulator's orgs; give it to the server.
    package let faults: FaultPlan
    /// The app's private key (PKCS#8 PEM), made once per simulator, whose certificate every org's app knows.
    package let privateKeyPEM: String

    private let clock: SimulatorClock
    private let publicKey: _RSA.Signing.PublicKey
    private let registry = OrgRegistry()
    private let url = Mutex("http://127.0.0.1")

    /// A simulator without orgs.
    ///
    /// - Parameters:
    ///   - clock: the clock of every org.
    ///   - faults: the plan `SalesforceOrg.addFault` adds to.
    ///   - privateKeyPEM: the app's key; `nil` makes one, which takes a good part of a second.
    package init(
        clock: SimulatorClock, faults: FaultPlan = FaultPlan(), privateKeyPEM: String? = nil
    ) throws {
        let key = try privateKeyPEM.map(_RSA.Signing.PrivateKey.init(pemRepresentation:)) ?? .init(keySize: .bits2048)
        self.clock = clock
        self.faults = faults
        publicKey = key.publicKey
        self.privateKeyPEM = key.pkcs8PEMRepresentation
    }

    /// The `instance_url` of token answers; the server sets it to its own when it starts.
    package var instanceURL: String {
        get { url.withLock { $0 } }
        set { url.withLock { $0 = newValue } }
    }

    /// Every org, in the order they were made.
    package var orgs: [SalesforceOrg] { registry.all }

    /// Makes an org.
    package func makeOrg(_ options: SalesforceOrgOptions) -> SalesforceOrg {
        registry.add { number in
            SalesforceOrg(
                OrgState(options, number: number, now: clock.now.timeIntervalSince1970), clock: clock, faults: faults,
                privateKeyPEM: privateKeyPEM, isApproved: options.isApproved, hasRunAsUser: options.hasRunAsUser)
        }
    }

    // MARK: - Provider

    /// Answers `/services/…`.
    package func handle(_ request: SimulatedRequest) async -> SimulatedResponse? {
        guard request.path == "/services" || request.path.hasPrefix("/services/") else { return nil }
        if let refusal = tooLong(request) { return refusal }
        if request.path.hasPrefix("/services/oauth2/") {
            return tokens.answer(request, path: String(request.path.dropFirst("/services/oauth2/".count)))
        }
        if request.path.hasPrefix("/services/Soap/u/") { return soap.answer(request) }
        if request.path == "/services/data" || request.path == "/services/data/" {
            return .json(200, APIVersion.list)
        }
        return data(request)
    }

    /// The org and class of a call.
    package func identify(_ request: SimulatedRequest) -> SimulatedCallIdentity? {
        guard request.path.hasPrefix("/services/") else { return nil }
        let org: SalesforceOrg? =
            switch request.path {
            case let path where path.hasPrefix("/services/oauth2/"): tokens.org(of: request)
            case let path where path.hasPrefix("/services/Soap/"): soap.org(of: request)
            default: BearerToken.of(request).flatMap(registry.org(token:))
            }
        return SimulatedCallIdentity(
            account: org?.id, callClass: CallClass.name(method: request.method, path: request.path))
    }

    /// Revokes the access token a call carries.
    package func revokeToken(of request: SimulatedRequest) {
        guard let token = BearerToken.of(request) else { return }
        _ = registry.org(token: token)?.revoke(token)
    }

    /// Uploads of bulk jobs are larger than anything else; a little more than may be stored is read, so that the org
    /// itself can say that it is too much.
    package func requestBodyBytes(method: String, path: String) -> Int {
        guard method == "PUT", path.hasPrefix("/services/data/"), path.hasSuffix("/batches") else {
            return SimulatorsLimits.requestBodyBytes
        }
        return SimulatorsLimits.bulkUploadBytes + SimulatorsLimits.bulkUploadSlackBytes
    }

    /// Takes the server's address as `instance_url`.
    package func serverStarted(baseURL: String) {
        instanceURL = baseURL
    }

    // MARK: - Calls

    private var tokens: TokenEndpoint {
        TokenEndpoint(
            registry: registry, key: publicKey, instanceURL: instanceURL, now: clock.now.timeIntervalSince1970)
    }

    private var soap: SOAPLogin {
        SOAPLogin(registry: registry, instanceURL: instanceURL, now: clock.now.timeIntervalSince1970)
    }

    private func data(_ request: SimulatedRequest) -> SimulatedResponse {
        guard let token = BearerToken.of(request), let org = registry.org(token: token) else {
            return Self.response(APIReply(.invalidSession()))
        }
        let type = request.headers["content-type"]?.lowercased() ?? ""
        let isJSON = !type.hasPrefix("text/csv") && !type.hasPrefix("multipart/")
        guard
            var call = APIRequest(
                method: request.method, path: request.path, query: request.query, headers: request.headers,
                body: isJSON ? APIRequest.parse(request.body) : nil)
        else { return Self.response(APIReply(.notFound())) }
        if !isJSON { call.payload = request.body }
        call.mayRefer = APIRequest.mayRefer(request.body)
        let callClass = CallClass.name(method: call.method, segments: call.segments)
        return Self.response(org.answer(call, token: token, callClass: callClass))
    }

    private func tooLong(_ request: SimulatedRequest) -> SimulatedResponse? {
        if request.targetBytes > SimulatorsLimits.targetBytes {
            return Self.response(APIReply(RequestError(414, "URI_TOO_LONG", "URI is too long")))
        }
        if request.targetBytes + request.headerBytes > SimulatorsLimits.targetBytes {
            return Self.response(
                APIReply(RequestError(431, "REQUEST_HEADER_FIELDS_TOO_LARGE", "Request header fields are too large")))
        }
        return nil
    }

    private static func response(_ reply: APIReply) -> SimulatedResponse {
        var headers = reply.headers
        if let rows = reply.rows {
            headers.append(("Content-Type", "text/csv; charset=UTF-8"))
            return SimulatedResponse(status: reply.status, headers: headers, body: rows)
        }
        if reply.body != nil { headers.append(("Content-Type", "application/json;charset=UTF-8")) }
        return SimulatedResponse(status: reply.status, headers: headers, body: reply.body?.data ?? Data())
    }
}
