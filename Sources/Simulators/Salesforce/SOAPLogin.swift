import Foundation

/// `/services/Soap/u/NN.N`: the `login` call of the partner API, which clients use to trade a name and password for a
/// session id. Nothing else of SOAP is here.
struct SOAPLogin {
    let registry: OrgRegistry
    let instanceURL: String
    let now: Double

    /// Answers a call to the endpoint.
    func answer(_ request: SimulatedRequest) -> SimulatedResponse {
        guard request.method == "POST" else { return SimulatedResponse(status: 405) }
        let version = request.path.split(separator: "/").dropFirst(3).first.map(String.init) ?? ""
        guard let number = Double(version), (31...67).contains(number) else {
            return fault("UNSUPPORTED_API_VERSION", "Invalid Api version specified on URL")
        }
        let body = String(decoding: request.body, as: UTF8.self)
        guard Self.element("login", in: body) != nil else {
            return fault("INVALID_OPERATION", "only login is supported here")
        }
        guard let name = Self.element("username", in: body).map(Self.unescape),
            let password = Self.element("password", in: body).map(Self.unescape),
            let org = registry.org(username: name)
        else { return refused }
        if let scope = Self.element("organizationId", in: body), RecordID.normalise(scope) != org.id { return refused }
        org.calls.count("token")
        switch org.checkPassword(password) {
        case .right: return session(org, version: version)
        case .needsToken:
            return fault(
                "LOGIN_MUST_USE_SECURITY_TOKEN",
                "Invalid username, password, security token; or user locked out. Are you at a new location? When "
                    + "accessing Salesforce from outside of your company's trusted networks, you must append a security "
                    + "token to your password.")
        case .wrong: return refused
        }
    }

    /// The org a login is about.
    func org(of request: SimulatedRequest) -> SalesforceOrg? {
        Self.element("username", in: String(decoding: request.body, as: UTF8.self)).map(Self.unescape)
            .flatMap(registry.org(username:))
    }

    // MARK: - Answers

    private var refused: SimulatedResponse {
        fault("INVALID_LOGIN", "Invalid username, password, security token; or user locked out.")
    }

    private func session(_ org: SalesforceOrg, version: String) -> SimulatedResponse {
        let short = org.identity.shortID
        let result = """
            <loginResponse><result>\
            <metadataServerUrl>\(instanceURL)/services/Soap/m/\(version)/\(short)</metadataServerUrl>\
            <passwordExpired>false</passwordExpired><sandbox>\(org.identity.isSandbox)</sandbox>\
            <serverUrl>\(instanceURL)/services/Soap/u/\(version)/\(short)</serverUrl>\
            <sessionId>\(org.openSession(now: now))</sessionId><userId>\(org.identity.userID)</userId>\
            <userInfo><organizationId>\(org.id)</organizationId>\
            <organizationName>\(Self.escape(org.name))</organizationName>\
            <sessionSecondsValid>\(Int(org.sessionLifetime))</sessionSecondsValid>\
            <userFullName>Sync Integration</userFullName><userId>\(org.identity.userID)</userId>\
            <userName>\(Self.escape(org.username))</userName></userInfo></result></loginResponse>
            """
        return envelope(200, result)
    }

    private func fault(_ code: String, _ message: String) -> SimulatedResponse {
        let text = Self.escape(message)
        return envelope(
            500,
            """
            <soapenv:Fault><faultcode>sf:\(code)</faultcode><faultstring>\(code): \(text)</faultstring>\
            <detail><sf:LoginFault xsi:type="sf:LoginFault"><sf:exceptionCode>\(code)</sf:exceptionCode>\
            <sf:exceptionMessage>\(text)</sf:exceptionMessage></sf:LoginFault></detail></soapenv:Fault>
            """)
    }

    private func envelope(_ status: Int, _ body: String) -> SimulatedResponse {
        let isFault = status != 200
        let text = """
            <?xml version="1.0" encoding="UTF-8"?>\
            <soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" \
            \(isFault ? "xmlns:sf=\"urn:fault.partner.soap.sforce.com\"" : "xmlns=\"urn:partner.soap.sforce.com\"") \
            xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>\(body)</soapenv:Body></soapenv:Envelope>
            """
        return SimulatedResponse(
            status: status, headers: [("Content-Type", "text/xml;charset=UTF-8")], body: Data(text.utf8))
    }

    // MARK: - XML

    /// The text of the first element of that local name, whatever its prefix.
    private static func element(_ name: String, in xml: String) -> String? {
        var rest = xml[...]
        while let open = rest.firstIndex(of: "<") {
            rest = rest[rest.index(after: open)...]
            guard let close = rest.firstIndex(of: ">") else { return nil }
            let tag = rest[..<close].prefix { !$0.isWhitespace && $0 != "/" }
            guard tag == name || tag.hasSuffix(":\(name)"), !tag.isEmpty else { continue }
            let content = rest[rest.index(after: close)...]
            guard let end = content.firstRange(of: "</\(tag)") else { return nil }
            return String(content[..<end.lowerBound])
        }
        return nil
    }

    private static let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&apos;", "'")]

    private static func unescape(_ text: String) -> String {
        entities.reduce(text) { $0.replacing($1.0, with: $1.1) }.replacing("&amp;", with: "&")
    }

    private static func escape(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}

/// What a password is worth.
enum PasswordCheck {
    case right
    /// Right, but without the security token, from a network the org does not trust.
    case needsToken
    case wrong
}

extension SalesforceOrg {
    /// The integration user's password.
    package var password: String { "password-\(identity.shortID)" }
    /// The token to append to the password, unless the org trusts the caller's network.
    package var securityToken: String { "token\(identity.shortID)" }

    func checkPassword(_ text: String) -> PasswordCheck {
        if text == password + securityToken { return .right }
        guard text == password else { return .wrong }
        return identity.trustsNetwork ? .right : .needsToken
    }
}
