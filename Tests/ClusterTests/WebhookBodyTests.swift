import Cluster
import Testing

@Suite(.timeLimit(.minutes(1)))
struct WebhookBodyTests {
    @Test func readsTheContactIdOfARealBody() throws {
        let body = """
            type=contact_tag_added&date_time=2026-07-17T22:01:25-05:00&initiated_from=admin&initiated_by=admin&list=0\
            &contact%5Bid%5D=91&contact%5Bemail%5D=a%40b.c&contact[fields][39]=value&tag=B
            """
        #expect(try WebhookBody(body.utf8).contactID == 91)
        #expect(try WebhookBody("contact[id]=7".utf8).contactID == 7)
    }

    @Test(arguments: [
        ("", WebhookBodyError.notForm), ("{\"contact\":{\"id\":1}}", .notForm), ("type=update", .noContactID),
        ("contact[id]=abc", .badContactID), ("contact[id]=-1", .badContactID), ("contact[id]=%zz", .badContactID),
        ("contact[id]=99999999999999999999", .badContactID),
    ])
    func namesWhatIsWrong(body: String, error: WebhookBodyError) {
        #expect(throws: error) { try WebhookBody(body.utf8) }
    }

    @Test func refusesBytesThatAreNotText() {
        #expect(throws: WebhookBodyError.notForm) { try WebhookBody([0xFF, 0xFE, 0x3D]) }
    }

    @Test func tokensMatchTheirOwnHashOnly() throws {
        let token = WebhookToken()
        #expect(token.matches(token.hash))
        #expect(!token.matches(WebhookToken().hash))
        #expect(!token.matches([]))
        #expect(WebhookToken(token.exposedText)?.hash == token.hash)
        #expect(WebhookToken("short") == nil)
        #expect(!"\(token)".contains(token.exposedText))
    }
}
