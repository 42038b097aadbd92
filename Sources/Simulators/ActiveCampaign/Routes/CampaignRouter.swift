extension CampaignState {
    /// Answers one call that passed the limits: the first path component chooses the family of routes.
    mutating func route(_ call: CampaignCall) -> CampaignAnswer {
        switch call.path.first {
        // The root itself answers: a connector in the field (tap-activecampaign) tries its key there.
        case nil: return call.method == "GET" ? .emptyObject() : .notFound
        case "contacts": return routeContacts(call)
        case "contact": return routeSync(call)
        case "import": return routeImport(call)
        case "tags": return routeTags(call)
        case "contactTags": return routeContactTags(call)
        case "fields": return routeFields(call)
        case "fieldRels": return routeFieldRels(call)
        case "fieldOption", "fieldOptions": return routeFieldOptions(call)
        case "fieldValues": return routeFieldValues(call)
        case "lists": return routeLists(call)
        case "contactLists": return routeContactLists(call)
        case "webhooks": return routeWebhooks(call)
        case "webhook": return routeWebhookEvents(call)
        case "users": return routeUsers(call)
        case "settings": return routeSettings(call)
        case "automations": return routeAutomations(call)
        case "notes": return routeNotes(call)
        case "segments": return routeSegments(call)
        case "campaigns": return routeCampaigns(call)
        default: return routeCommerce(call)
        }
    }

    private mutating func routeCommerce(_ call: CampaignCall) -> CampaignAnswer {
        switch call.path.first {
        case "accounts": routeAccounts(call)
        case "accountContacts": routeAccountContacts(call)
        case "accountCustomFieldMeta", "dealCustomFieldMeta": routeCustomFieldMeta(call)
        case "accountCustomFieldData", "dealCustomFieldData": routeCustomFieldData(call)
        case "deals": routeDeals(call)
        case "dealGroups": routeDealGroups(call)
        case "dealStages": routeDealStages(call)
        case "customObjects": routeCustomObjects(call)
        default: .notFound
        }
    }
}

extension ActiveCampaignCallClass {
    /// The class of a call, by which it is counted.
    init(_ call: CampaignCall) {
        let isRead = call.method == "GET"
        switch call.path.first {
        case "contacts": self = Self.ofContacts(call)
        case "contact": self = .contactSync
        case "import": self = isRead ? .importRead : .importBatch
        case "tags": self = isRead ? .tagRead : .tagWrite
        case "contactTags":
            self = isRead ? .contactTagRead : call.method == "DELETE" ? .contactTagRemove : .contactTagAdd
        case "fields", "fieldRels", "fieldOption", "fieldOptions", "fieldValues":
            self = isRead ? .fieldRead : .fieldWrite
        case "lists", "contactLists": self = isRead ? .listRead : .listWrite
        case "webhooks", "webhook": self = .webhook
        case "users", "settings": self = .identity
        case "accounts", "accountContacts", "accountCustomFieldMeta", "accountCustomFieldData": self = .customerAccount
        case "deals", "dealGroups", "dealStages", "dealCustomFieldMeta", "dealCustomFieldData": self = .deal
        case "customObjects": self = .customObject
        default: self = .other
        }
    }

    private static func ofContacts(_ call: CampaignCall) -> ActiveCampaignCallClass {
        switch call.method {
        case "GET":
            call.path.count == 1 ? .contactList : call.path.last == "contactTags" ? .contactTagRead : .contactRead
        case "POST": .contactCreate
        case "DELETE": .contactDelete
        default: .contactUpdate
        }
    }
}
