/// A Salesforce object Ferry keeps in step. Raw values are stored; never renumber them.
package enum ObjectKind: Int16, Sendable, CaseIterable, Hashable {
    case contact = 1
    case lead = 2
    case account = 3
    case opportunity = 4

    /// The word in config rows and on screens.
    package var name: String {
        switch self {
        case .contact: "contact"
        case .lead: "lead"
        case .account: "account"
        case .opportunity: "opportunity"
        }
    }

    /// The sObject's API name.
    package var salesforceName: String {
        switch self {
        case .contact: "Contact"
        case .lead: "Lead"
        case .account: "Account"
        case .opportunity: "Opportunity"
        }
    }

    /// The kind a config row names, nil when there is no such kind.
    package init?(name: String) {
        guard let kind = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = kind
    }
}

/// Which way a stream runs, seen from ActiveCampaign as the articles of the seed do NOT see it: *outbound* is
/// ActiveCampaign → Salesforce. Raw values are stored; never renumber them.
package enum Direction: Int16, Sendable, CaseIterable, Hashable {
    case outbound = 1
    case inbound = 2

    /// The word in rows and on screens.
    package var name: String { self == .outbound ? "outbound" : "inbound" }
}

/// One of the two systems. Raw values are stored; never renumber them.
package enum Side: Int16, Sendable, CaseIterable, Hashable {
    case activeCampaign = 1
    case salesforce = 2
}
