package import Drivers
package import Foundation

/// Salesforce's error codes in Ferry's classes: the table of the reference, section 10, as pure functions.
package enum ErrorClassification {
    // MARK: - Whole answers

    /// Classifies an answer that is not a success, whatever its body is: JSON array, object, HTML or nothing.
    package static func classify(status: Int, body: Data) -> SalesforceError {
        if let json = try? JSONValue(reading: body), let first = firstError(json) {
            return classify(
                code: first.code, message: first.message, fields: first.fields, status: status,
                fate: .answered(status: status))
        }
        if status == 300 {
            return make("AMBIGUOUS_EXTERNAL_ID", 300, .needsHuman(.duplicateData), .ambiguousExternalID)
        }
        return make("HTTP_\(status)", status, verdict(bareStatus: status))
    }

    /// Classifies a request that got no whole answer.
    package static func classify(_ error: HTTPError) -> SalesforceError {
        let code = "HTTP_" + error.code.rawValue.uppercased()
        switch error.code {
        case .insecure, .addressRefused: return make(code, nil, .needsHuman(.badHost))
        case .invalidRequest: return make(code, nil, .ourBug(code: code))
        case .tooLarge: return make(code, nil, .ourBug(code: code))
        default:
            return make(code, nil, retry(.network, after: SalesforceLimits.serverWait, error.fate))
        }
    }

    /// Classifies an answer with a good status whose body cannot be read: cut short, or not JSON at all.
    package static func unreadable(status: Int) -> SalesforceError {
        make("UNREADABLE_ANSWER", status, retry(.server, after: SalesforceLimits.serverWait, .answered(status: status)))
    }

    /// What a status says by itself.
    private static func verdict(bareStatus status: Int) -> SalesforceVerdict {
        let fate = HTTPFate.answered(status: status)
        switch status {
        case 401: return .needsHuman(.credentials)
        case 403: return .needsHuman(.permission)
        case 404: return .permanent(code: "HTTP_404", fields: [])
        case 406, 408, 420, 429: return retry(.rateLimit, after: SalesforceLimits.serverWait, fate)
        case 500...: return retry(.server, after: SalesforceLimits.serverWait, fate)
        default: return .ourBug(code: "HTTP_\(status)")
        }
    }

    // MARK: - One error of Salesforce's

    /// Classifies one error object, of a call or of a record in it.
    package static func classify(
        code rawCode: String, message: String, fields rawFields: [String], status: Int?, fate: HTTPFate
    ) -> SalesforceError {
        let code = believableCode(rawCode)
        let fields = rawFields.filter(isName).prefix(SalesforceLimits.errorsPerRecord)
        let (verdict, hint) = judge(code: code, message: message, fields: Array(fields), status: status, fate: fate)
        return SalesforceError(
            code: code, status: status, fields: Array(fields), verdict: verdict, hint: hint, providerText: message)
    }

    private static func judge(
        code: String, message: String, fields: [String], status: Int?, fate: HTTPFate
    ) -> (SalesforceVerdict, SalesforceHint?) {
        // This text comes with various codes, and always means the batch, not the record.
        if message.contains("Too many batch retries") {
            return (retry(.splitBatch, after: .zero, fate), nil)
        }
        if let verdict = callVerdict(code: code, message: message, fate: fate) { return (verdict, nil) }
        if let found = specialRecord(code: code, message: message, fields: fields) { return found }
        if let reason = humanReasons[code] {
            // Of one record it is that record's sharing; of a whole call it is the user's rights.
            if reason == .permission, status == nil { return (.permanent(code: code, fields: fields), nil) }
            return (.needsHuman(reason), reason == .mapping ? .describeStale : nil)
        }
        if bugs.contains(code) { return (.ourBug(code: code), nil) }
        if let status, status >= 500 { return (retry(.server, after: SalesforceLimits.serverWait, fate), nil) }
        return (.permanent(code: code, fields: fields), nil)
    }

    /// Codes that say "later".
    private static func callVerdict(code: String, message: String, fate: HTTPFate) -> SalesforceVerdict? {
        switch code {
        case "REQUEST_LIMIT_EXCEEDED":
            // One code for two limits of very different length; only the text tells them apart.
            let isConcurrency = message.contains("Concurrent")
            return isConcurrency
                ? retry(.concurrency, after: SalesforceLimits.concurrencyWait, fate)
                : retry(.dailyLimit, after: SalesforceLimits.dailyLimitWait, fate)
        case "SERVER_UNAVAILABLE", "UNKNOWN_EXCEPTION", "QUERY_TIMEOUT":
            return retry(.server, after: SalesforceLimits.serverWait, fate)
        case "TXN_SECURITY_METERING_ERROR", "rate_limit_exceeded":
            return retry(.rateLimit, after: SalesforceLimits.serverWait, fate)
        case "UNABLE_TO_LOCK_ROW": return retry(.lock, after: SalesforceLimits.lockWait, fate)
        case "ENTITY_IS_LOCKED": return retry(.lock, after: SalesforceLimits.approvalWait, fate)
        case "INVALID_QUERY_LOCATOR": return retry(.restartQuery, after: .zero, fate)
        case "ALL_OR_NONE_OPERATION_ROLLED_BACK", "PROCESSING_HALTED", "BATCH_PROCESSING_HALTED":
            return retry(.collateral, after: .zero, fate)
        case "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER":
            // An automation of the org failed; what it failed on stands inside the text. `APEX_…` bugs of the
            // customer's end permanently, once the caller's few tries are over.
            let isLock = message.contains("UNABLE_TO_LOCK_ROW")
            return isLock
                ? retry(.lock, after: SalesforceLimits.lockWait, fate)
                : retry(.server, after: SalesforceLimits.serverWait, fate)
        default: return nil
        }
    }

    /// Codes that a rule can act on.
    private static func specialRecord(
        code: String, message: String, fields: [String]
    ) -> (SalesforceVerdict, SalesforceHint?)? {
        let permanent = SalesforceVerdict.permanent(code: code, fields: fields)
        switch code {
        case "ENTITY_IS_DELETED": return (permanent, .recordDeleted)
        case "CANNOT_UPDATE_CONVERTED_LEAD": return (permanent, .leadConverted)
        case "DUPLICATE_VALUE" where message.contains("Duplicate external id specified"):
            return (permanent, .twiceInBatch)
        case "DUPLICATE_VALUE": return (permanent, .valueTaken(byID: recordID(in: message)))
        case "DUPLICATES_DETECTED": return (permanent, .duplicateSuspected)
        case "DUPLICATE_EXTERNAL_ID": return (.needsHuman(.duplicateData), .ambiguousExternalID)
        case "FIELD_CUSTOM_VALIDATION_EXCEPTION" where message.contains(changedSinceSyncMark):
            return (permanent, .changedSinceSync)
        case "NOT_FOUND" where message.contains("external ID field"):
            return (.needsHuman(.mapping), .describeStale)
        case "LIMIT_EXCEEDED" where !message.lowercased().contains("storage"):
            return (.needsHuman(.policy), nil)
        default: return nil
        }
    }

    /// The prefix of Ferry's own validation rule (reference 13.3).
    package static let changedSinceSyncMark = "ACSYNC_PENDING"

    private static let humanReasons: [String: SalesforceHumanReason] = [
        "INVALID_SESSION_ID": .credentials, "INVALID_LOGIN": .credentials, "INVALID_AUTH_HEADER": .credentials,
        "API_DISABLED_FOR_ORG": .apiDisabled, "API_CURRENTLY_DISABLED": .apiDisabled,
        "INSUFFICIENT_ACCESS": .permission, "INSUFFICIENT_ACCESS_OR_READONLY": .permission,
        "FUNCTIONALITY_NOT_ENABLED": .permission, "CLIENT_NOT_ACCESSIBLE_FOR_USER": .permission,
        "STORAGE_LIMIT_EXCEEDED": .storage, "LIMIT_EXCEEDED": .storage,
        "INVALID_FIELD": .mapping, "INVALID_FIELD_FOR_INSERT_UPDATE": .mapping, "INVALID_TYPE": .mapping,
        "TXN_SECURITY_NO_ACCESS": .policy, "ORG_LOCKED": .inactiveOrg,
    ]

    private static let bugs: Set<String> = [
        "JSON_PARSER_ERROR", "MALFORMED_QUERY", "METHOD_NOT_ALLOWED", "UNSUPPORTED_API_VERSION", "MALFORMED_ID",
        "INVALID_BATCH_SIZE", "EXCEEDED_MAX_SIZE_REQUEST", "QUERY_TOO_COMPLICATED", "EXCEEDED_ID_LIMIT",
        "MALFORMED_SEARCH", "INVALID_ID_FIELD", "NUMBER_OUTSIDE_VALID_RANGE", "REQUEST_BODY_TOO_LARGE",
    ]

    // MARK: - Token answers

    /// Classifies an answer of the token endpoint that is not a success (reference 1.4).
    package static func classifyToken(status: Int, body: Data) -> SalesforceError {
        guard let json = try? JSONValue(reading: body), let error = json["error"]?.string else {
            return classify(status: status, body: body)
        }
        let code = believableCode(error)
        let text = json["error_description"]?.string ?? ""
        let fate = HTTPFate.answered(status: status)
        let verdict: SalesforceVerdict
        switch code {
        case "rate_limit_exceeded", "server_error", "temporarily_unavailable":
            verdict = retry(.rateLimit, after: SalesforceLimits.serverWait, fate)
        case "invalid_grant" where text.contains("expired authorization code"):
            verdict = retry(.server, after: SalesforceLimits.serverWait, fate)
        case "invalid_app_access": verdict = .needsHuman(.permission)
        case "inactive_org": verdict = .needsHuman(.inactiveOrg)
        case "unsupported_grant_type", "invalid_request": verdict = .ourBug(code: code)
        default:
            verdict =
                status >= 500 ? retry(.server, after: SalesforceLimits.serverWait, fate) : .needsHuman(.credentials)
        }
        return SalesforceError(code: code, status: status, verdict: verdict, providerText: text)
    }

    // MARK: - Reading errors

    private static func firstError(_ json: JSONValue) -> (code: String, message: String, fields: [String])? {
        let object = json.array?.first ?? json
        guard let code = (object["errorCode"] ?? object["statusCode"] ?? object["error"])?.string else { return nil }
        let message = (object["message"] ?? object["error_description"])?.string ?? ""
        return (code, message, object["fields"]?.array?.compactMap(\.string) ?? [])
    }

    /// A code is shown in logs, so only what looks like one is passed on.
    private static func believableCode(_ text: String) -> String { isName(text) ? text : "UNKNOWN_CODE" }

    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= SalesforceLimits.nameCharacters
            && text.utf8.allSatisfy { $0 < 0x80 && (UInt8(ascii: "_") == $0 || isAlphanumeric($0)) }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        Character(Unicode.Scalar(byte)).isLetter || Character(Unicode.Scalar(byte)).isNumber
    }

    /// The id behind `… duplicates value on record with id: 003…`.
    private static func recordID(in message: String) -> String? {
        guard let range = message.range(of: "with id: ") else { return nil }
        let text = message[range.upperBound...].prefix { $0.isASCII && ($0.isLetter || $0.isNumber) }
        return SalesforceID.normalise(String(text))
    }

    private static func retry(_ kind: SalesforceRetryKind, after: Duration, _ fate: HTTPFate) -> SalesforceVerdict {
        .retry(after: after, kind: kind, fate: fate)
    }

    private static func make(
        _ code: String, _ status: Int?, _ verdict: SalesforceVerdict, _ hint: SalesforceHint? = nil
    ) -> SalesforceError {
        SalesforceError(code: code, status: status, verdict: verdict, hint: hint)
    }
}
