import Drivers
import Foundation
import Testing

@testable import Salesforce

private func classify(_ code: String, _ message: String = "", status: Int? = nil, fields: [String] = [])
    -> SalesforceError
{
    ErrorClassification.classify(
        code: code, message: message, fields: fields, status: status, fate: .answered(status: 200))
}

private func kind(_ error: SalesforceError) -> SalesforceRetryKind? {
    if case .retry(_, let kind, _) = error.verdict { return kind }
    return nil
}

struct ErrorClassificationTests {
    @Test(arguments: [
        ("SERVER_UNAVAILABLE", "", SalesforceRetryKind.server), ("UNKNOWN_EXCEPTION", "An unexpected error", .server),
        ("QUERY_TIMEOUT", "", .server), ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access", .lock),
        ("ENTITY_IS_LOCKED", "entity is locked for editing", .lock), ("INVALID_QUERY_LOCATOR", "", .restartQuery),
        ("ALL_OR_NONE_OPERATION_ROLLED_BACK", "", .collateral), ("PROCESSING_HALTED", "", .collateral),
        ("BATCH_PROCESSING_HALTED", "", .collateral),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "X: execution of BeforeUpdate caused by: y", .server),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "caused by: UNABLE_TO_LOCK_ROW", .lock),
        ("CANNOT_EXECUTE_FLOW_TRIGGER", "We can't save this record because the flow failed", .server),
        ("TXN_SECURITY_METERING_ERROR", "", .rateLimit),
        (
            "UNKNOWN_EXCEPTION", "Too many batch retries in the presence of Apex triggers and partial failures",
            .splitBatch
        ),
        ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", .dailyLimit),
        ("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.", .concurrency),
        ("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.", .concurrency),
    ])
    func laterCodesAreRetried(code: String, message: String, expected: SalesforceRetryKind) {
        #expect(kind(classify(code, message)) == expected)
    }

    @Test func theDailyLimitWaitsLongerThanTheConcurrencyLimit() {
        guard case .retry(let daily, _, _) = classify("REQUEST_LIMIT_EXCEEDED", "TotalRequests").verdict,
            case .retry(let short, _, _) = classify("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests").verdict
        else {
            Issue.record("both are retries")
            return
        }
        #expect(daily >= .seconds(300) && short <= .seconds(10))
    }

    @Test(arguments: [
        ("INVALID_SESSION_ID", SalesforceHumanReason.credentials), ("API_DISABLED_FOR_ORG", .apiDisabled),
        ("API_CURRENTLY_DISABLED", .apiDisabled), ("INSUFFICIENT_ACCESS", .permission),
        ("INSUFFICIENT_ACCESS_OR_READONLY", .permission), ("STORAGE_LIMIT_EXCEEDED", .storage),
        ("INVALID_FIELD", .mapping), ("INVALID_FIELD_FOR_INSERT_UPDATE", .mapping), ("INVALID_TYPE", .mapping),
        ("DUPLICATE_EXTERNAL_ID", .duplicateData), ("TXN_SECURITY_NO_ACCESS", .policy),
    ])
    func whatAPersonMustPutRightSaysSo(code: String, reason: SalesforceHumanReason) {
        #expect(classify(code, status: 403).verdict == .needsHuman(reason))
    }

    @Test func missingRightsOnOneRecordConcernThatRecord() {
        #expect(
            classify("INSUFFICIENT_ACCESS_OR_READONLY").verdict
                == .permanent(code: "INSUFFICIENT_ACCESS_OR_READONLY", fields: []))
    }

    @Test(arguments: [
        "REQUIRED_FIELD_MISSING", "STRING_TOO_LONG", "INVALID_EMAIL_ADDRESS",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "FIELD_CUSTOM_VALIDATION_EXCEPTION", "FIELD_INTEGRITY_EXCEPTION",
        "FIELD_FILTER_VALIDATION_EXCEPTION", "INVALID_CROSS_REFERENCE_KEY", "INACTIVE_OWNER_OR_USER",
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "NOT_FOUND", "SOMETHING_NEW",
    ])
    func whatIsWrongWithOneRecordIsPermanentAndNamesItsFields(code: String) {
        let error = classify(code, "data value too large: secret@example.com", fields: ["LastName"])
        #expect(error.verdict == .permanent(code: code, fields: ["LastName"]))
        #expect(error.description.contains("LastName") && !error.description.contains("secret"))
        #expect(!String(reflecting: error).contains("secret"))
    }

    @Test(arguments: [
        "JSON_PARSER_ERROR", "MALFORMED_QUERY", "METHOD_NOT_ALLOWED", "MALFORMED_ID", "UNSUPPORTED_API_VERSION",
    ])
    func ourMistakesAreOurBugs(code: String) {
        #expect(classify(code, status: 400).verdict == .ourBug(code: code))
    }

    @Test func hintsTellRulesWhatToDo() {
        #expect(classify("ENTITY_IS_DELETED", "entity is deleted").hint == .recordDeleted)
        #expect(classify("CANNOT_UPDATE_CONVERTED_LEAD").hint == .leadConverted)
        #expect(classify("DUPLICATES_DETECTED", "Use one of these records?").hint == .duplicateSuspected)
        #expect(classify("DUPLICATE_VALUE", "Duplicate external id specified: 7").hint == .twiceInBatch)
        let taken = "duplicate value found: AC_Contact_Id__c duplicates value on record with id: 001D000000K0fXO"
        #expect(classify("DUPLICATE_VALUE", taken).hint == .valueTaken(byID: "001D000000K0fXOIAZ"))
        #expect(classify("DUPLICATE_VALUE", "something else").hint == .valueTaken(byID: nil))
        let pending = "ACSYNC_PENDING: changed in Salesforce since last sync"
        #expect(classify("FIELD_CUSTOM_VALIDATION_EXCEPTION", pending).hint == .changedSinceSync)
        #expect(classify("FIELD_CUSTOM_VALIDATION_EXCEPTION", "the admin's").hint == nil)
        #expect(classify("INVALID_FIELD", "No such column").hint == .describeStale)
    }

    @Test func bodiesOfEveryShapeSurvive() {
        func call(_ status: Int, _ body: String) -> SalesforceError {
            ErrorClassification.classify(status: status, body: Data(body.utf8))
        }
        #expect(call(400, #"[{"message":"m","errorCode":"MALFORMED_QUERY"}]"#).code == "MALFORMED_QUERY")
        #expect(call(400, #"{"message":"m","errorCode":"MALFORMED_QUERY"}"#).code == "MALFORMED_QUERY")
        #expect(call(403, #"{"error":"invalid_app_access","error_description":"d"}"#).code == "invalid_app_access")
        #expect(kind(call(503, "<html>maintenance</html>")) == .server)
        #expect(kind(call(502, "")) == .server)
        #expect(kind(call(500, #"[{"errorC"#)) == .server)
        #expect(kind(call(420, "")) == .rateLimit)
        #expect(kind(call(429, "<html>")) == .rateLimit)
        #expect(call(401, "").verdict == .needsHuman(.credentials))
        #expect(call(403, "").verdict == .needsHuman(.permission))
        #expect(call(300, #"["/services/data/v66.0/sobjects/Contact/003"]"#).hint == .ambiguousExternalID)
        #expect(call(414, "").verdict == .ourBug(code: "HTTP_414"))
        #expect(kind(call(500, #"[{"message":"m","errorCode":"NEW_CODE"}]"#)) == .server)
    }

    @Test func aCodeThatIsNoneIsNotRepeated() {
        let error = classify("jane@example.com said no", fields: ["LastName", "<script>"])
        #expect(error.code == "UNKNOWN_CODE" && error.fields == ["LastName"])
    }

    @Test func tokenRefusalsNeedAHumanUnlessTheyPass() {
        func token(_ status: Int, _ body: String) -> SalesforceError {
            ErrorClassification.classifyToken(status: status, body: Data(body.utf8))
        }
        func refusal(_ error: String, _ text: String) -> SalesforceError {
            token(400, #"{"error":"\#(error)","error_description":"\#(text)"}"#)
        }
        #expect(refusal("invalid_grant", "expired access/refresh token").verdict == .needsHuman(.credentials))
        #expect(refusal("invalid_grant", "user hasn't approved this consumer").verdict == .needsHuman(.credentials))
        #expect(refusal("invalid_app_access", "user is not admin approved").verdict == .needsHuman(.permission))
        #expect(refusal("inactive_org", "").verdict == .needsHuman(.inactiveOrg))
        #expect(refusal("unsupported_grant_type", "").verdict == .ourBug(code: "unsupported_grant_type"))
        #expect(kind(refusal("rate_limit_exceeded", "")) == .rateLimit)
        #expect(kind(refusal("invalid_grant", "expired authorization code")) == .server)
        #expect(kind(token(503, "<html>")) == .server)
    }

    @Test func transportFailuresCarryTheirFate() {
        let lost = ErrorClassification.classify(HTTPError(.connectionLost, "x", fate: .unknown))
        #expect(lost.verdict == .retry(after: SalesforceLimits.serverWait, kind: .network, fate: .unknown))
        #expect(ErrorClassification.classify(HTTPError(.addressRefused, "x")).verdict == .needsHuman(.badHost))
    }
}
