import Drivers
import Foundation
import JWTKit
import Synchronization
import TestSupport
import Testing

@testable import Salesforce

/// Counts and answers token requests, and refuses data requests whose token is not among the good ones.
private func org(
    goodTokens: @escaping @Sendable () -> Set<String>, token: @escaping @Sendable (Int, String) -> ScriptedServer.Answer
) throws -> ScriptedServer {
    let count = Mutex(0)
    return try ScriptedServer { request in
        if request.target == "/services/oauth2/token" {
            let number = count.withLock { value in
                value += 1
                return value
            }
            return token(number, request.body)
        }
        let sent = request.headers["authorization"]?.replacing("Bearer ", with: "") ?? ""
        guard goodTokens().contains(sent) else {
            return .answer(401, #"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#)
        }
        return .answer(200, #"{"totalSize":0,"done":true,"records":[]}"#)
    }
}

private func grant(_ token: String, _ server: String, refresh: String? = nil) -> ScriptedServer.Answer {
    let rotated = refresh.map { #","refresh_token":"\#($0)""# } ?? ""
    return .answer(200, #"{"access_token":"\#(token)","instance_url":"\#(server)","token_type":"Bearer"\#(rotated)}"#)
}

private func refresh(_ login: String) -> SalesforceCredentials {
    .refreshToken(clientID: "app", clientSecret: "s3cret", refreshToken: "r0", loginURL: login)
}

private func tokenRequests(_ server: ScriptedServer) -> [ScriptedServer.Request] {
    server.requests.filter { $0.target == "/services/oauth2/token" }
}

/// Where the server is, known only once it runs.
private final class Origin: Sendable {
    private let value = Mutex("")
    var text: String {
        get { value.withLock { $0 } }
        set { value.withLock { $0 = newValue } }
    }
}

@Suite(.timeLimit(.minutes(1))) struct TokenTests {
    @Test func aHundredCallersFetchOneToken() async throws {
        let origin = Origin()
        let server = try org(goodTokens: { ["t1"] }) { _, _ in grant("t1", origin.text) }
        defer { server.stop() }
        origin.text = server.origin
        let client = SalesforceClient(
            http: try HTTPClient(options: .loopback), credentials: refresh(server.origin), options: .loopback)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<100 { group.addTask { _ = try await client.query("SELECT Id FROM Contact") } }
            try await group.waitForAll()
        }
        #expect(tokenRequests(server).count == 1)
        #expect(server.requests.count == 101)
    }

    @Test func aDeadSessionIsReplacedOnceAndTheCallReplayed() async throws {
        let origin = Origin()
        let server = try org(goodTokens: { ["t2"] }) { number, _ in grant("t\(number)", origin.text) }
        defer { server.stop() }
        origin.text = server.origin
        let client = SalesforceClient(
            http: try HTTPClient(options: .loopback), credentials: refresh(server.origin), options: .loopback)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 { group.addTask { _ = try await client.query("SELECT Id FROM Contact") } }
            try await group.waitForAll()
        }
        #expect(tokenRequests(server).count == 2)
    }

    @Test func aSecondRefusalNeedsAHuman() async throws {
        let origin = Origin()
        let server = try org(goodTokens: { [] }) { number, _ in grant("t\(number)", origin.text) }
        defer { server.stop() }
        origin.text = server.origin
        let client = SalesforceClient(
            http: try HTTPClient(options: .loopback), credentials: refresh(server.origin), options: .loopback)
        let error = await #expect(throws: SalesforceError.self) { try await client.query("SELECT Id FROM Contact") }
        #expect(error?.verdict == .needsHuman(.credentials))
        #expect(server.requests.count == 4)
    }

    @Test func aRotatedTokenIsStoredBeforeTheNewAccessTokenIsUsed() async throws {
        let origin = Origin()
        let events = Mutex<[String]>([])
        let server = try org(goodTokens: {
            events.withLock { $0.append("used") }
            return ["t1"]
        }) { _, _ in grant("t1", origin.text, refresh: "r1") }
        defer { server.stop() }
        origin.text = server.origin
        let store = RefreshTokenStore(persist: { token in
            await Task.yield()
            events.withLock { $0.append("stored \(token)") }
        })
        let client = SalesforceClient(
            http: try HTTPClient(options: .loopback), credentials: refresh(server.origin), options: .loopback,
            refreshTokens: store)
        _ = try await client.query("SELECT Id FROM Contact")
        #expect(events.withLock { $0 } == ["stored r1", "used"])
    }

    @Test func aRotatedTokenThatCouldNotBeStoredIsNeitherUsedNorLost() async throws {
        let origin = Origin()
        let server = try org(goodTokens: { ["t1"] }) { _, _ in grant("t1", origin.text, refresh: "r1") }
        defer { server.stop() }
        origin.text = server.origin
        let tries = Mutex(0)
        let store = RefreshTokenStore(persist: { _ in
            let isFirst = tries.withLock { value in
                value += 1
                return value == 1
            }
            if isFirst { throw POSIXError(.EIO) }
        })
        let client = SalesforceClient(
            http: try HTTPClient(options: .loopback), credentials: refresh(server.origin), options: .loopback,
            refreshTokens: store)
        let error = await #expect(throws: SalesforceError.self) { try await client.query("SELECT Id FROM Contact") }
        #expect(error?.code == "REFRESH_TOKEN_NOT_STORED" && server.requests.count == 1)
        _ = try await client.query("SELECT Id FROM Contact")
        #expect(tries.withLock { $0 } == 2 && tokenRequests(server).count == 1)
    }

    @Test func aTokenAnotherWorkerRotatedIsFoundInTheStore() async throws {
        let origin = Origin()
        let server = try org(goodTokens: { ["t2"] }) { _, body in
            guard body.contains("refresh_token=r9") else {
                return .answer(400, #"{"error":"invalid_grant","error_description":"expired access/refresh token"}"#)
            }
            return grant("t2", origin.text)
        }
        defer { server.stop() }
        origin.text = server.origin
        let client = SalesforceClient(
            http: try HTTPClient(options: .loopback), credentials: refresh(server.origin), options: .loopback,
            refreshTokens: RefreshTokenStore(persist: { _ in }, reload: { "r9" }))
        _ = try await client.query("SELECT Id FROM Contact")
        let hopeless = SalesforceClient(
            http: try HTTPClient(options: .loopback), credentials: refresh(server.origin), options: .loopback)
        let error = await #expect(throws: SalesforceError.self) { try await hopeless.query("SELECT Id FROM Contact") }
        #expect(error?.verdict == .needsHuman(.credentials))
    }

    @Test func theAssertionIsSignedAndShortLived() async throws {
        let key = try Insecure.RSA.PrivateKey(pem: TestKey.privatePEM)
        let login = try SalesforceHost("https://login.salesforce.com/", policy: .init())
        let now = Date(timeIntervalSince1970: 1_790_856_000)
        let credentials = SalesforceCredentials.jwt(
            clientID: "app", username: "sync@acme.example", privateKeyPEM: TestKey.privatePEM,
            loginURL: "https://login.salesforce.com")
        let request = try await TokenRequest.make(credentials, refreshToken: nil, login: login, now: now)
        let body = String(decoding: request.body, as: UTF8.self)
        #expect(body.hasPrefix("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="))
        let token = String(body.split(separator: "=")[2])
        let keys = JWTKeyCollection()
        await keys.add(rsa: key.publicKey, digestAlgorithm: .sha256)
        let claims = try await keys.verify(token, as: Claims.self)
        #expect(
            claims.iss == "app" && claims.sub == "sync@acme.example" && claims.aud == "https://login.salesforce.com")
        #expect(claims.exp == 1_790_856_180)
    }

    @Test func clientCredentialsTravelInTheHeader() async throws {
        let origin = Origin()
        let server = try org(goodTokens: { ["t1"] }) { _, _ in grant("t1", origin.text) }
        defer { server.stop() }
        origin.text = server.origin
        let client = SalesforceClient(
            http: try HTTPClient(options: .loopback),
            credentials: .clientCredentials(clientID: "a", clientSecret: "b", myDomainURL: server.origin),
            options: .loopback)
        _ = try await client.query("SELECT Id FROM Contact")
        let request = try #require(tokenRequests(server).first)
        #expect(request.headers["authorization"] == "Basic YTpi" && request.body == "grant_type=client_credentials")
    }

    @Test func aKeyThatIsNoneNeedsAHumanAndIsNotShown() async throws {
        let login = try SalesforceHost("https://login.salesforce.com", policy: .init())
        let credentials = SalesforceCredentials.jwt(
            clientID: "app", username: "u", privateKeyPEM: "secret-key", loginURL: "https://login.salesforce.com")
        let error = await #expect(throws: SalesforceError.self) {
            try await TokenRequest.make(
                credentials, refreshToken: nil, login: login, now: Date(timeIntervalSince1970: 0))
        }
        #expect(error?.verdict == .needsHuman(.credentials))
        var dumped = ""
        dump(credentials, to: &dumped)
        #expect(
            !"\(credentials) \(String(reflecting: credentials)) \(dumped) \(String(describing: error))".contains(
                "secret"))
    }

    @Test(arguments: [
        "https://acme.my.salesforce.com/", " https://Acme.my.Salesforce.com ", "https://acme.my.salesforce.com:443",
    ])
    func instanceHostsOfSalesforceAreTaken(text: String) throws {
        #expect(try SalesforceHost(text, policy: .init()).origin == "https://acme.my.salesforce.com")
    }

    @Test(arguments: [
        "http://acme.my.salesforce.com", "https://salesforce.com.evil.example", "https://evil.example",
        "https://evilsalesforce.com", "https://acme.my.salesforce.com@evil.example",
        "https://acme.my.salesforce.com:8443",
        "https://acme.my.salesforce.com/path", "https://acme.my.salesforce.com?x", "https://.salesforce.com",
        "https://127.0.0.1", "http://localhost", "acme.my.salesforce.com", "", "https://a..salesforce.com",
        "https://evil.example#.salesforce.com", "https://evil.example\\.salesforce.com",
    ])
    func otherHostsAreRefused(text: String) {
        let error = #expect(throws: SalesforceError.self) { try SalesforceHost(text, policy: .init()) }
        #expect(error?.verdict == .needsHuman(.badHost))
    }

    @Test func aTokenAnswerThatNamesAStrangeHostIsRefused() {
        let body = Data(#"{"access_token":"t","instance_url":"https://evil.example"}"#.utf8)
        let error = #expect(throws: SalesforceError.self) {
            try TokenRequest.read(HTTPResponse(status: 200, body: body), policy: .init())
        }
        #expect(error?.verdict == .needsHuman(.badHost))
    }
}

private struct Claims: JWTPayload {
    let iss: String
    let sub: String
    let aud: String
    let exp: Int
    func verify(using algorithm: some JWTAlgorithm) throws {}
}
