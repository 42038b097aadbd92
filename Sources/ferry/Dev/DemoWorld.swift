import Foundation
import Simulators

/// Both simulated providers with the accounts and orgs of the demo's tenants, behind one server on a loopback port.
struct DemoWorld: Sendable {
    let clock = SimulatorClock()
    let salesforce: SalesforceSimulator
    let activeCampaign: ActiveCampaignSimulator
    let server: SimulatorServer
    let tenants: [DemoTenant]

    /// Three tenants of different settings, with more than five thousand people between them.
    static let profiles = [
        DemoTenant.Profile(
            id: "harbor-coffee", hasPackage: true, intervalHours: 1, contactSelection: "new", leadSelection: "new",
            contacts: 1_800, leads: 700, subscribers: 240),
        DemoTenant.Profile(
            id: "north-clinic", hasPackage: false, intervalHours: 4, contactSelection: "new", leadSelection: "none",
            contacts: 1_600, leads: 40, subscribers: 120),
        DemoTenant.Profile(
            id: "atlas-travel", hasPackage: true, intervalHours: 24, contactSelection: "marked", leadSelection: "new",
            contacts: 800, leads: 700, subscribers: 180),
    ]

    /// Makes the world; nothing listens yet.
    init(profiles: [DemoTenant.Profile] = Self.profiles, port: Int = 0) throws {
        let salesforce = try SalesforceSimulator(clock: clock)
        let activeCampaign = ActiveCampaignSimulator(clock: clock)
        self.salesforce = salesforce
        self.activeCampaign = activeCampaign
        server = SimulatorServer(
            clock: clock, providers: [salesforce, activeCampaign], faults: salesforce.faults, port: port)
        tenants = profiles.map { profile in
            var org = SalesforceOrgOptions(name: profile.id)
            org.hasPackage = profile.hasPackage
            org.hasExternalIdField = true
            return DemoTenant(
                profile: profile, account: activeCampaign.makeAccount(ActiveCampaignOptions(name: profile.id)),
                org: salesforce.makeOrg(org))
        }
    }
}
