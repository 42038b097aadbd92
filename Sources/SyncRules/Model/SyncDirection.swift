/// Which sides a tenant lets Ferry write to. Raw values are the words config rows use.
///
/// The seed has no one-way mode (R87); this is ours. The side that is not written to is still read: links and cursors go
/// on, and what would have been written is decided as `readonly_observed` by the rule `one_way`.
package enum SyncDirection: String, Sendable, CaseIterable, Hashable {
    case both
    /// Salesforce → ActiveCampaign only: Salesforce is never written to.
    case toActiveCampaign = "sf_to_ac"
    /// ActiveCampaign → Salesforce only: ActiveCampaign is never written to.
    case toSalesforce = "ac_to_sf"

    /// The rule named by decisions on what one-way mode kept from being written.
    package static let rule = "one_way"

    /// Whether `side` may be written to.
    package func writes(to side: Side) -> Bool {
        switch self {
        case .both: true
        case .toActiveCampaign: side == .activeCampaign
        case .toSalesforce: side == .salesforce
        }
    }
}
