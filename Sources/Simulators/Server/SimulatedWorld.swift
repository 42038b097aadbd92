/// Both providers with their accounts and orgs, the control interface, and the server in front of them.
package struct SimulatedWorld: Sendable {
    /// The clock of everything in it.
    package let clock = SimulatorClock()
    /// The Salesforce side.
    package let salesforce: SalesforceSimulator
    /// The ActiveCampaign side.
    package let activeCampaign: ActiveCampaignSimulator
    /// `/_control`.
    package let control: ControlProvider
    /// The server; not yet running.
    package let server: SimulatorServer
    /// Whose certificate the server shows; nil without TLS.
    package let authority: SimulatedAuthority?
    /// The accounts and orgs made at the start, side by side under the same names.
    package let pairs: [(account: ActiveCampaignAccount, org: SalesforceOrg)]

    /// Makes a world; nothing listens yet.
    /// - Parameters:
    ///   - name: of the account and org; with several, `NAME-1`, `NAME-2`, ….
    ///   - accounts: how many pairs of account and org.
    ///   - port: TCP port on 127.0.0.1; 0 takes a free one.
    ///   - tls: whether the server speaks TLS.
    ///   - token: the control token; nil makes a random one.
    package init(name: String = "demo", accounts: Int = 1, port: Int = 0, tls: Bool = false, token: String? = nil)
        throws
    {
        salesforce = try SalesforceSimulator(clock: clock)
        activeCampaign = ActiveCampaignSimulator(clock: clock)
        authority = tls ? try SimulatedAuthority(now: clock.now) : nil
        control = ControlProvider(
            clock: clock, activeCampaign: activeCampaign, salesforce: salesforce, faults: salesforce.faults,
            token: token)
        server = SimulatorServer(
            clock: clock, providers: [salesforce, activeCampaign, control], faults: salesforce.faults, port: port,
            authority: authority)
        var pairs: [(account: ActiveCampaignAccount, org: SalesforceOrg)] = []
        for number in 1...max(accounts, 1) {
            let name = accounts > 1 ? "\(name)-\(number)" : name
            pairs.append(
                (
                    activeCampaign.makeAccount(ActiveCampaignOptions(name: name)),
                    salesforce.makeOrg(SalesforceOrgOptions(name: name))
                ))
        }
        self.pairs = pairs
    }
}
