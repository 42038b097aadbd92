package import JobQueue
package import Store

extension BudgetTerms {
    /// A tenant's terms with a provider: those of its row, else the default, which is a share of what the org may have. With
    /// ActiveCampaign, which has no daily limit, a tenant without a row is held by the pace alone: nil.
    package init?(_ provider: CallProvider, rows: [ApiBudget], limit: ProviderLimit?) {
        if let row = rows.first(where: { CallProvider($0.provider) == provider }) {
            self.init(row, limit: limit)
        } else if provider == .salesforce {
            self.init(ApiBudget(provider: .salesforce), limit: limit)
        } else {
            return nil
        }
    }

    /// What a row of `api_budgets` comes to.
    /// - Parameter limit: what the provider told of the account as a whole; nil when nothing is known.
    ///
    /// A share is of the account's own limit: the one its answers told, else the one of the edition the row names, else of
    /// the smallest edition that has the API (salesforce-api 3.1). ActiveCampaign has no daily limit; there it is a share of
    /// five calls a second. A row that names neither calls nor a share has the default one.
    package init(_ row: ApiBudget, limit: ProviderLimit?) {
        let account = Self.accountLimit(row, limit)
        let share = row.dailyShare ?? (row.provider == .salesforce ? ClusterLimits.defaultShare : 1)
        let calls = max(1, row.dailyCalls ?? Int((Double(account) * share).rounded(.down)))
        // What nobody has told can't be said to be nearly used.
        let isKnown = limit != nil || row.edition != nil
        self.init(
            dailyCalls: min(calls, JobQueueLimits.dailyCalls.upperBound),
            orgCeiling: row.provider == .salesforce && isKnown
                ? Int((Double(account) * row.orgCeilingShare).rounded(.down)) : nil)
    }

    private static func accountLimit(_ row: ApiBudget, _ limit: ProviderLimit?) -> Int {
        guard row.provider == .salesforce else { return ClusterLimits.campaignCallsADay }
        if let limit { return limit.dailyLimit }
        return (row.edition ?? .developer).dailyCalls(licences: row.licences ?? 0)
    }
}

extension CallProvider {
    /// The provider of a config row.
    package init(_ provider: Provider) { self = provider == .salesforce ? .salesforce : .activeCampaign }
}
