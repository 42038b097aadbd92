/// The classes by which calls are counted; raw values are what a control API shows.
package enum ActiveCampaignCallClass: String, Sendable, CaseIterable {
    /// GET of pages of contacts.
    case contactList = "contacts.list"
    /// GET of one contact or of what belongs to it.
    case contactRead = "contacts.read"
    /// POST /contacts.
    case contactCreate = "contacts.create"
    /// PUT or PATCH of a contact.
    case contactUpdate = "contacts.update"
    /// DELETE of a contact.
    case contactDelete = "contacts.delete"
    /// POST /contact/sync.
    case contactSync = "contacts.sync"
    /// POST /import/bulk_import.
    case importBatch = "import.batch"
    /// GET of the importer's state.
    case importRead = "import.read"
    /// GET of tags.
    case tagRead = "tags.read"
    /// Writes to tags.
    case tagWrite = "tags.write"
    /// POST /contactTags.
    case contactTagAdd = "contactTags.add"
    /// DELETE /contactTags.
    case contactTagRemove = "contactTags.remove"
    /// GET of contact tags.
    case contactTagRead = "contactTags.read"
    /// GET of fields, options and relations.
    case fieldRead = "fields.read"
    /// Writes to fields, options, relations and values.
    case fieldWrite = "fields.write"
    /// GET of lists and memberships.
    case listRead = "lists.read"
    /// Writes to lists and memberships.
    case listWrite = "lists.write"
    /// Everything about webhooks.
    case webhook = "webhooks"
    /// GET /users/me and settings.
    case identity = "identity"
    /// Accounts, account contacts and their custom fields.
    case customerAccount = "accounts"
    /// Deals, pipelines, stages and their custom fields.
    case deal = "deals"
    /// Custom objects.
    case customObject = "customObjects"
    /// Anything else.
    case other = "other"
}

/// How many calls an account has answered. Take one with ``ActiveCampaignAccount/mark()`` and subtract it from a
/// later one.
package struct ActiveCampaignCalls: Sendable, Equatable {
    /// Answered calls by class, refused ones included.
    package private(set) var byClass: [ActiveCampaignCallClass: Int] = [:]
    /// Calls refused by the rate limit (429 or 503); they count in `byClass` too.
    package private(set) var limited = 0
    /// Calls refused by the importer's own limit.
    package private(set) var importsLimited = 0
    /// Calls other than GET that were carried out (2xx).
    package private(set) var writes = 0

    /// No call at all.
    package init() {}

    /// All calls.
    package var total: Int { byClass.values.reduce(0, +) }

    /// Calls of one class.
    package subscript(callClass: ActiveCampaignCallClass) -> Int { byClass[callClass] ?? 0 }

    mutating func note(_ callClass: ActiveCampaignCallClass) {
        byClass[callClass, default: 0] += 1
    }

    mutating func noteLimited() { limited += 1 }
    mutating func noteImportLimited() { importsLimited += 1 }
    mutating func noteWrite() { writes += 1 }

    /// The calls after `mark` up to this count.
    package static func - (calls: ActiveCampaignCalls, mark: ActiveCampaignCalls) -> ActiveCampaignCalls {
        var difference = ActiveCampaignCalls()
        difference.byClass = calls.byClass.merging(mark.byClass) { $0 - $1 }.filter { $0.value != 0 }
        difference.limited = calls.limited - mark.limited
        difference.importsLimited = calls.importsLimited - mark.importsLimited
        difference.writes = calls.writes - mark.writes
        return difference
    }
}
