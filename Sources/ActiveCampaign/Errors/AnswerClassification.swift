import Drivers
import Foundation

/// What one answer, or its absence, means for the call (reference 9). Pure.
enum Judgement: Sendable, Hashable {
    /// The answer is to be read.
    case accepted
    /// 401 or 403: the key, a permission or a mood; or a 404 in unknown words. `users/me` tells (reference 1.3).
    case doubted(status: Int)
    /// The call failed.
    case failed(ActiveCampaignError)
}

/// The table of statuses and bodies.
struct AnswerClassification {
    let call: ActiveCampaignCall.Kind

    /// Judges an answer.
    func judge(_ response: HTTPResponse) -> Judgement {
        if (200..<300).contains(response.status) { return .accepted }
        let body = ErrorBody(response.body)
        if isImportVerdict(response.status, body) { return .accepted }
        let status = response.status
        func fail(_ verdict: ActiveCampaignError.Verdict, code: String? = nil) -> Judgement {
            .failed(ActiveCampaignError(verdict, call: call, status: status, code: code))
        }
        if body.saysContactLimit, [400, 402, 403, 422].contains(status) { return fail(.needsHuman(.contactLimit)) }
        switch status {
        case 400 where body.isImportLimit:
            let delay = Self.retryAfter(response) ?? ActiveCampaignLimits.importLimitDelay
            return fail(.retry(after: delay, kind: .importLimit, fate: .notSent))
        case 401 where body.isJSON || response.body.isEmpty, 403 where body.isJSON || response.body.isEmpty:
            return .doubted(status: status)
        case 401, 403: return fail(retry(response, .server), code: "edge_refused")
        case 402: return fail(.needsHuman(.payment))
        case 404: return judgeMissing(body, fail)
        case 422: return fail(.permanent(code: body.code ?? "invalid", fields: body.fields))
        case 408, 429: return fail(retry(response, status == 429 ? .rateLimit : .server, fate: .notSent))
        case 503: return fail(retry(response, .server))
        case 500... where body.code == "duplicate": return fail(.permanent(code: "duplicate", fields: []))
        case 500...: return fail(retry(response, .server))
        case 300..<400: return fail(.needsHuman(.address))
        case 413: return fail(.permanent(code: "too_large", fields: []))
        case 400 where body.code != nil: return fail(.permanent(code: body.code ?? "invalid", fields: body.fields))
        default: return fail(.ourBug(code: "http_\(status)"))
        }
    }

    /// Judges a request without a whole answer.
    func judge(_ error: HTTPError) -> Judgement {
        let status: Int? = if case .answered(let status) = error.fate { status } else { nil }
        func fail(_ verdict: ActiveCampaignError.Verdict, code: String? = nil) -> Judgement {
            .failed(ActiveCampaignError(verdict, call: call, status: status, code: code))
        }
        switch error.code {
        case .dns, .connect, .tls, .timeout, .idle, .connectionLost, .badResponse, .internal:
            return fail(.retry(after: nil, kind: .network, fate: error.fate), code: "network_\(error.code.rawValue)")
        case .tooManyWaiting: return fail(.retry(after: nil, kind: .network, fate: .notSent), code: "too_many_waiting")
        case .cancelled, .closed: return fail(.retry(after: nil, kind: .cancelled, fate: error.fate))
        case .insecure, .addressRefused: return fail(.needsHuman(.address))
        case .tooLarge: return fail(.ourBug(code: "answer_too_large"))
        case .invalidRequest: return fail(.ourBug(code: "invalid_request"))
        }
    }

    /// A 2xx whose body is empty, cut, not JSON or not what was asked for: seen under load (reference 9).
    func unreadable(status: Int) -> ActiveCampaignError {
        ActiveCampaignError(
            .retry(after: nil, kind: .server, fate: .unknown), call: call, status: status, code: "unreadable_answer")
    }

    /// Whole seconds or a date of `Retry-After`; nil when it is missing or not to be believed.
    static func retryAfter(_ response: HTTPResponse) -> Duration? {
        guard let text = response.headers["Retry-After"]?.trimmingCharacters(in: .whitespaces) else { return nil }
        let longest = ActiveCampaignLimits.longestRetryAfter
        if let seconds = Int(text) { return seconds < 0 ? nil : min(.seconds(seconds), longest) }
        guard let until = WireDate.parseHeader(text), let now = WireDate.parseHeader(response.headers["Date"]) else {
            return nil
        }
        let seconds = until.timeIntervalSince(now)
        return seconds < 0 ? .zero : min(.seconds(min(seconds, 1e6)), longest)
    }

    // MARK: - Cases

    private func retry(
        _ response: HTTPResponse, _ kind: ActiveCampaignError.RetryKind, fate: HTTPFate = .unknown
    ) -> ActiveCampaignError.Verdict {
        .retry(after: Self.retryAfter(response), kind: kind, fate: fate)
    }

    /// A missing row is the record's affair only when ActiveCampaign itself says so. An edge's page, or a 404 of a
    /// resource that always exists, means that the URL is not an account's any more; other words are doubted.
    private func judgeMissing(
        _ body: ErrorBody, _ fail: (ActiveCampaignError.Verdict, String?) -> Judgement
    ) -> Judgement {
        guard body.isJSON, call.namesRow else { return fail(.needsHuman(.address), nil) }
        if body.saysNoSuchRow { return fail(.permanent(code: "not_found", fields: []), nil) }
        if call == .contactTagAdd, body.namesTag { return fail(.permanent(code: "tag_not_found", fields: []), nil) }
        return .doubted(status: 404)
    }

    /// The importer's answers that name rows, and an import over its size, are read like results.
    private func isImportVerdict(_ status: Int, _ body: ErrorBody) -> Bool {
        switch call {
        case .bulkImport: status == 413 || status == 400 && !body.isImportLimit && body.importFailures != nil
        case .importInfo: (status == 400 || status == 404) && body.isJSON
        default: false
        }
    }
}

extension ActiveCampaignCall.Kind {
    /// Whether the call names a row that may be gone; the resource itself never is.
    fileprivate var namesRow: Bool {
        switch self {
        case .contactGet, .contactUpdate, .contactDelete, .contactTags, .contactTagAdd, .contactTagRemove,
            .list, .contactLists, .contactListSet, .webhookDelete, .importInfo, .accountGet, .accountUpdate,
            .accountPlaceAdd,
            .accountPlaceRemove, .objectRecordUpsert, .dealCreate, .dealUpdate, .dealStageCreate:
            true
        case .usersMe, .contactsPage, .contactsByID, .contactByEmail, .contactSync, .contactCreate, .fields, .tags,
            .tagCreate, .bulkImport, .webhooks, .webhookCreate, .accountsPage, .accountCreate, .accountFields,
            .accountValues, .accountPlaces, .objectSchemas, .objectSchemaCreate, .deals, .dealFields, .dealPipelines,
            .dealPipelineCreate, .dealStages:
            false
        }
    }
}
