/// ActiveCampaign behind the shared server.
extension ActiveCampaignSimulator: SimulatedProvider {
    package func identify(_ request: SimulatedRequest) -> SimulatedCallIdentity? {
        whose(request).map { SimulatedCallIdentity(account: $0.account, callClass: $0.callClass.rawValue) }
    }
}
