import Drivers
import Foundation
import Testing

@testable import ActiveCampaign

/// The table of reference section 9.
@Suite struct ClassificationTests {
    typealias Verdict = ActiveCampaignError.Verdict

    private func judge(
        _ status: Int, _ body: String = "", _ call: ActiveCampaignCall.Kind = .contactUpdate,
        headers: HTTPHeaders = HTTPHeaders()
    ) -> Judgement {
        AnswerClassification(call: call).judge(HTTPResponse(status: status, headers: headers, body: Data(body.utf8)))
    }

    private func verdict(
        _ status: Int, _ body: String = "", _ call: ActiveCampaignCall.Kind = .contactUpdate,
        headers: HTTPHeaders = HTTPHeaders()
    ) -> Verdict? {
        guard case .failed(let error) = judge(status, body, call, headers: headers) else { return nil }
        return error.verdict
    }

    @Test(arguments: [200, 201, 202, 204]) func everySuccessIsRead(status: Int) {
        #expect(judge(status) == .accepted)
    }

    @Test(arguments: [
        (
            #"{"errors":[{"title":"Email address already exists in the system","detail":"","code":"duplicate","source":{"pointer":"/data/attributes/email"}}]}"#,
            Verdict.permanent(code: "duplicate", fields: ["email"])
        ),
        (
            #"{"errors":[{"title":"Email address is not valid","detail":"x@","code":"email_invalid","source":{"pointer":"/data/attributes/email"}}]}"#,
            .permanent(code: "email_invalid", fields: ["email"])
        ),
        (
            #"{"errors":[{"status":422,"title":"Missing attribute","source":{"pointer":"/data/attributes/contact"}}]}"#,
            .permanent(code: "field_missing", fields: ["contact"])
        ),
        (
            #"{"errors":[{"title":"Invalid value for field \"x\"","detail":"d","source":{"type":"pointer","value":"/data/attributes/schema/slug"}}]}"#,
            .permanent(code: "field_invalid", fields: ["slug"])
        ),
        (
            #"{"errors":[{"detail":"The custom field value `abc` could not be saved"}]}"#,
            .permanent(code: "field_invalid", fields: ["fieldValues"])
        ),
        (
            #"{"errors":[{"title":"The field type field is required.","detail":"","code":422}]}"#,
            .permanent(code: "field_missing", fields: [])
        ),
        (#"{"errors":"Email secret@x.y is wrong"}"#, .permanent(code: "invalid", fields: [])),
        (
            #"{"message":"Could not process request","error":"Duplicate entry 'contact-TEST' for key 'typetag'"}"#,
            .permanent(code: "duplicate", fields: [])
        ),
        ("{}", .permanent(code: "invalid", fields: [])),
        ("<html>", .permanent(code: "invalid", fields: [])),
    ]) func aRefusedRecordIsPermanentWithItsCodeAndFields(body: String, expected: Verdict) {
        #expect(verdict(422, body) == expected)
    }

    @Test func aDuplicateTagMayAlsoComeAsAServerError() {
        let body =
            #"{"message":"Could not process request","error":"Duplicate entry 'contact-TEST' for key 'typetag'"}"#
        #expect(verdict(500, body, .tagCreate) == .permanent(code: "duplicate", fields: []))
    }

    @Test(arguments: [
        #"{"message":"No Result found for Subscriber with id 1"}"#,
        #"{"message":"No result found for contact with id 1"}"#,
        #"{"errors":[{"status":404,"title":"Not Found","detail":"Contact not found"}]}"#,
    ])
    func aMissingRowIsTheRecordsAffair(body: String) {
        #expect(verdict(404, body) == .permanent(code: "not_found", fields: []))
        #expect(verdict(404, body, .contactTagAdd) == .permanent(code: "not_found", fields: []))
    }

    @Test func aMissingTagIsToldFromAMissingContact() {
        let body = #"{"errors":[{"status":404,"title":"Not Found","detail":"Tag not found"}]}"#
        #expect(verdict(404, body, .contactTagAdd) == .permanent(code: "tag_not_found", fields: []))
    }

    @Test func aMissingResourceOrAnEdgesPageIsAWrongAddress() {
        #expect(verdict(404, "<html>") == .needsHuman(.address))
        #expect(verdict(404, "") == .needsHuman(.address))
        for call in [ActiveCampaignCall.Kind.contactsPage, .contactSync, .fields, .bulkImport, .usersMe, .webhooks] {
            #expect(verdict(404, #"{"message":"Not Found"}"#, call) == .needsHuman(.address))
        }
        #expect(judge(404, #"{"message":"Not Found"}"#) == .doubted(status: 404))
        #expect(verdict(302, "") == .needsHuman(.address))
    }

    @Test func aRefusalIsDoubtedUnlessItIsAnEdgesPage() {
        for status in [401, 403] {
            #expect(judge(status, #"{"message":"Forbidden"}"#) == .doubted(status: status))
            #expect(judge(status, "") == .doubted(status: status))
            #expect(verdict(status, "<!DOCTYPE html>…") == .retry(after: nil, kind: .server, fate: .unknown))
        }
    }

    @Test func paymentAndContactLimitsNeedAHuman() {
        #expect(verdict(402) == .needsHuman(.payment))
        let body = #"{"message":"You have reached your contact limit."}"#
        for status in [402, 403, 422] { #expect(verdict(status, body) == .needsHuman(.contactLimit)) }
    }

    @Test(arguments: ["", "{}", #"{"message":"Too Many Requests"}"#, "<html>"])
    func tooManyRequestsHaveNotHappened(body: String) {
        #expect(verdict(429, body) == .retry(after: nil, kind: .rateLimit, fate: .notSent))
        #expect(
            verdict(429, body, headers: ["Retry-After": "30"])
                == .retry(after: .seconds(30), kind: .rateLimit, fate: .notSent))
    }

    @Test(arguments: [500, 502, 503, 504, 520, 524]) func aFailedServerMayHaveActed(status: Int) {
        #expect(verdict(status, "<html>") == .retry(after: nil, kind: .server, fate: .unknown))
    }

    @Test(arguments: [
        ("0", Duration.seconds(0)), (" 7 ", .seconds(7)), ("99999999", ActiveCampaignLimits.longestRetryAfter),
        ("-1", nil), ("soon", nil), ("Sun, 06 Nov 1994 08:50:07 GMT", .seconds(30)),
        ("Sun, 06 Nov 1994 08:49:00 GMT", .zero),
    ]) func retryAfterIsReadInBothForms(text: String, expected: Duration?) {
        let headers: HTTPHeaders = ["Retry-After": text, "Date": "Sun, 06 Nov 1994 08:49:37 GMT"]
        #expect(AnswerClassification.retryAfter(HTTPResponse(status: 429, headers: headers)) == expected)
    }

    @Test func theImportersLimitIsNotTheAccounts() {
        let body =
            #"{"success":0,"message":"Rate limit exceeded.","failureReasons":["Up to 100 imports may be requested per minute."]}"#
        #expect(verdict(400, body, .bulkImport) == .retry(after: .seconds(60), kind: .importLimit, fate: .notSent))
    }

    @Test func theImportersVerdictOnRowsIsAnAnswer() {
        let body =
            #"{"success":0,"message":"JSON payload did not pass validation.","failureReasons":[{"contact":3,"failureReason":"Field‘ email’ incorrect format"}]}"#
        #expect(judge(400, body, .bulkImport) == .accepted)
        #expect(judge(413, "<html>", .bulkImport) == .accepted)
        #expect(verdict(400, "{}", .bulkImport) == .ourBug(code: "http_400"))
        #expect(
            ErrorBody(Data(body.utf8)).importFailures == [.init(number: 3, code: "email_invalid", fields: ["email"])])
    }

    @Test(arguments: [400, 405, 406, 415]) func whatShouldNotHaveBeenAskedIsOurs(status: Int) {
        #expect(verdict(status, "{}") == .ourBug(code: "http_\(status)"))
    }

    @Test(arguments: [
        (HTTPError(.dns, ""), Verdict.retry(after: nil, kind: .network, fate: .notSent)),
        (HTTPError(.connectionLost, "", fate: .unknown), .retry(after: nil, kind: .network, fate: .unknown)),
        (
            HTTPError(.idle, "", fate: .answered(status: 200)),
            .retry(after: nil, kind: .network, fate: .answered(status: 200))
        ),
        (HTTPError(.cancelled, "", fate: .unknown), .retry(after: nil, kind: .cancelled, fate: .unknown)),
        (HTTPError(.closed, ""), .retry(after: nil, kind: .cancelled, fate: .notSent)),
        (HTTPError(.addressRefused, ""), .needsHuman(.address)),
        (HTTPError(.insecure, ""), .needsHuman(.address)),
        (HTTPError(.tooLarge, ""), .ourBug(code: "answer_too_large")),
        (HTTPError(.invalidRequest, ""), .ourBug(code: "invalid_request")),
    ]) func aMissingAnswerKeepsItsFate(error: HTTPError, expected: Verdict) {
        guard case .failed(let failure) = AnswerClassification(call: .contactSync).judge(error) else {
            Issue.record("not a failure")
            return
        }
        #expect(failure.verdict == expected)
    }

    @Test(arguments: [
        #"{"errors":[{"title":"s3cret","detail":"s3cret","code":"s3cret","source":{"pointer":"/data/attributes/s3cret@x.y"}}]}"#,
        #"{"message":"s3cret","error":"Duplicate entry 's3cret'"}"#, #"{"errors":"s3cret"}"#, "<html>s3cret",
        #"{"failureReasons":["s3cret",{"contact":1,"failureReason":"s3cret email"}]}"#,
    ]) func noErrorRepeatsWhatTheBodyQuotes(body: String) {
        for status in [400, 401, 402, 404, 409, 422, 429, 500] {
            guard case .failed(let error) = judge(status, body) else { continue }
            var dumped = ""
            dump(error, to: &dumped)
            #expect(!"\(error) \(error.message) \(dumped)".contains("s3cret"))
        }
    }
}
