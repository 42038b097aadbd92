extension CampaignState {
    /// Answers one call of the API: payment, faults, rate limit and permission first, then the route.
    mutating func answer(_ call: CampaignCall) -> CampaignAnswer {
        calls.note(ActiveCampaignCallClass(call))
        if let refusal = refusal(of: call) { return refusal }
        let answer = route(call)
        if call.method != "GET", (200..<300).contains(answer.status) { calls.noteWrite() }
        return answer
    }

    private mutating func refusal(of call: CampaignCall) -> CampaignAnswer? {
        if options.hasPaymentProblem { return .message(402, "Payment Required") }
        // A refusal of the edge comes before the limit, and costs nothing of it.
        if random.happens(rate: options.spurious403Rate) { return .message(403, "Forbidden") }
        let isFree = !options.importsSpendRateLimit && call.method == "POST" && call.path.first == "import"
        if let limit = options.rateLimit, !isFree,
            !limiter.admit(at: instant, limit: limit, algorithm: options.rateLimitAlgorithm)
        {
            calls.noteLimited()
            return limitedAnswer(limit)
        }
        if let resource = call.path.first,
            options.forbiddenResources.contains(resource) || call.forbidden.contains(resource)
        {
            return .statusProblem(403, "Forbidden", detail: "You do not have permission to view \(resource).")
        }
        return nil
    }

    private func limitedAnswer(_ limit: Int) -> CampaignAnswer {
        if options.limitsWithLegacy503 { return .edgePage(503, "Service Temporarily Unavailable") }
        var answer: CampaignAnswer
        switch options.limitedBody {
        case .json: answer = .message(429, "Too Many Requests")
        case .html: answer = .edgePage(429, "Too Many Requests")
        case .empty: answer = CampaignAnswer(status: 429)
        }
        if let seconds = options.retryAfterSeconds { answer.headers.append(("Retry-After", String(seconds))) }
        answer.headers.append(("RateLimit-Limit", String(limit)))
        answer.headers.append(("RateLimit-Remaining", "0"))
        return answer
    }
}
