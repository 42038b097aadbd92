import Testing

@testable import ActiveCampaign

@Suite struct AccountURLTests {
    @Test(arguments: [
        "https://acme.api-us1.com", " https://ACME.api-us1.com/ \n", "http://acme.api-us1.com", "acme.api-us1.com",
        "https://acme.api-us1.com/api/3", "https://acme.api-us1.com/api/3/", "https://acme.api-us1.com:443//",
    ]) func everySpellingOfAnAccountIsOne(text: String) throws {
        #expect(try AccountURL(text).base == "https://acme.api-us1.com")
        #expect(try AccountURL(text).resource("contacts") == "https://acme.api-us1.com/api/3/contacts")
    }

    @Test func otherDataCentresAndTheOldDomainAreTaken() throws {
        #expect(try AccountURL("https://a-1.api-eu2.com").base == "https://a-1.api-eu2.com")
        #expect(try AccountURL("acme.activehosted.com/api/3").base == "https://acme.activehosted.com")
    }

    @Test(arguments: [
        "", "https://", "https://evil.com", "https://acme.api-us1.com.evil.com", "https://acme.api-evil.com",
        "https://u:p@acme.api-us1.com", "https://acme.api-us1.com:8443", "https://acme.api-us1.com/other",
        "https://acme.api-us1.com?x=1", "https://acme.api-us1.com#x", "ftp://acme.api-us1.com",
        "https://-a.api-us1.com",
        "http://127.0.0.1:8080", "https://10.0.0.1", "https://a.b.api-us1.com", "https://acme.api-us.com",
        "https://acme.api-us1.com\r\nX: y", "https://acmé.api-us1.com",
    ]) func otherHostsAreRefused(text: String) {
        #expect(throws: ActiveCampaignError(.needsHuman(.address), call: .usersMe)) { try AccountURL(text) }
    }

    @Test func loopbackIsTakenOnlyWhenAllowed() throws {
        #expect(
            try AccountURL("http://127.0.0.1:99/acme/api/3", allowLoopback: true).base == "http://127.0.0.1:99/acme")
        #expect(throws: ActiveCampaignError.self) { try AccountURL("http://10.0.0.1:99", allowLoopback: true) }
        #expect(throws: ActiveCampaignError.self) { try AccountURL("http://127.evil.com", allowLoopback: true) }
    }

    @Test(arguments: ["", "  ", "a b", "a\u{0}b", "schlüssel", String(repeating: "x", count: 600)])
    func keysThatCannotBeKeysAreRefused(text: String) {
        #expect(throws: ActiveCampaignError(.needsHuman(.credentials), call: .usersMe)) { try APIToken(text) }
    }

    @Test func aKeyIsInNoDescription() throws {
        let token = try APIToken(" s3cret\n")
        #expect(token.secret == "s3cret")
        var dumped = ""
        dump(token, to: &dumped)
        #expect(!"\(token) \(String(reflecting: token)) \(dumped)".contains("s3cret"))
    }
}
