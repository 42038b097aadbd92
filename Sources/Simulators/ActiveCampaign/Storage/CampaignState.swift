import Foundation

/// Who caused a change, as webhooks name it (8.1). An import has no source: it fires nothing.
package enum ActiveCampaignSource: String, Sendable, CaseIterable {
    /// The contact.
    case `public`
    /// A user in the product.
    case admin
    /// Any API client.
    case api
    /// Automations and the like.
    case system
}

/// Everything one account holds. A value: the account guards it with one lock, and all rules about it are functions
/// of it.
struct CampaignState {
    /// The switches; they may change at any time.
    var options: ActiveCampaignOptions {
        didSet { zone = CampaignZone.named(options.timeZone) }
    }
    private(set) var zone: CampaignZone

    /// The instant of the operation that is running, seconds since 1970. Set on entry, never read from a clock here.
    var instant = 0.0
    /// Who causes what is running now; nil while an import is carried out.
    var source: ActiveCampaignSource? = .api
    var random: CampaignRandom

    var contacts = CampaignContactTable()
    var values = CampaignSlab<CampaignValueRow>()
    /// Currencies of money values, by the value's id.
    var currencies: [UInt32: String] = [:]
    /// Contacts that were erased and kept.
    var anonymized: Set<UInt32> = []
    var taggings = CampaignSlab<CampaignTaggingRow>()
    var memberships = CampaignSlab<CampaignMembershipRow>()
    var tags = CampaignTagTable()
    var fields = CampaignFieldTable()
    var lists: [CampaignListRow] = []
    var segments: [CampaignSegmentRow] = []
    var automations = CampaignAutomationTable()
    var notes: [CampaignNoteRow] = []
    var customers = CampaignCustomerTable()
    var deals = CampaignDealTable()
    var objects = CampaignObjectTable()

    var importer = CampaignImporter()
    var webhooks = CampaignWebhookTable()
    /// Deliveries caused by what is running, handed to the courier once it is done.
    var outbox: [CampaignDelivery] = []

    var limiter = CampaignCallLimiter()
    var importLimiter = CampaignImportLimiter()
    var calls = ActiveCampaignCalls()

    init(options: ActiveCampaignOptions) {
        self.options = options
        self.zone = CampaignZone.named(options.timeZone)
        self.random = CampaignRandom(seed: options.seed)
        if options.hasCloseDateField { deals.fields.addMeta(label: Self.closeDateLabel, type: "date", at: 1) }
    }

    /// The deal custom field that the product's own pages call so.
    private static let closeDateLabel = "Forecasted Close Date"

    /// The running instant in whole seconds, the resolution of all stamps.
    var now: UInt32 { UInt32(clamping: Int(clampingDouble: instant.rounded(.down))) }

    /// The root of all links.
    var baseURL: String { "https://\(options.name).api-us1.com/api/3" }

    /// A stamp in the account's zone as a JSON string.
    func stamp(_ epoch: UInt32) -> CampaignJSON {
        .string(zone.stamp(epoch))
    }

    /// A naive stamp in the account's zone as a JSON string.
    func naiveStamp(_ epoch: UInt32) -> CampaignJSON {
        .string(zone.naiveStamp(epoch))
    }
}
