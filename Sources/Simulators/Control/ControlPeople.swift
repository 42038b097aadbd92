/// `/_control/accounts/NAME/people` and `/automations`: what people and automations do in an account.
enum ControlPeople {
    /// Carries out `actions` one after the other; each names its contact by id or address.
    static func act(_ body: ControlBody, in account: ActiveCampaignAccount) throws -> WireJSON {
        try body.allow("as", "actions")
        let source = try body.word("as", ActiveCampaignSource.self) ?? .admin
        let actions = try body.objects("actions", limit: SimulatorsLimits.Control.actions)
        let person = ActiveCampaignPerson(account: account, source: source)
        let ids = try actions.map { WireJSON.int(try act($0, person, account)) }
        return ["contacts": .array(ids)]
    }

    /// Sends contacts through one of the integration's automations.
    static func runAutomation(_ body: ControlBody, in account: ActiveCampaignAccount) throws -> WireJSON {
        try body.allow("automation", "contact")
        let automation: ActiveCampaignAutomation
        switch try body.requiredText("automation") {
        case "create-contact": automation = .createContactInSalesforce
        case "create-lead": automation = .createLeadInSalesforce
        default: throw ControlError(.badRequest, "automation: want create-contact or create-lead")
        }
        let id = try contact(body, in: account)
        try account.runAutomation(automation, contact: id)
        return ["contact": .int(id), "tag": .string(automation.tag)]
    }

    private static func act(
        _ action: ControlBody, _ person: ActiveCampaignPerson, _ account: ActiveCampaignAccount
    ) throws -> Int {
        let verb = try action.requiredText("do")
        if verb == "add" { return try add(action, person) }
        let id = try contact(action, in: account)
        switch verb {
        case "edit": try edit(id, action, person)
        case "delete":
            try action.allow("do", "contact")
            try person.delete(id)
        case "erase":
            try action.allow("do", "contact")
            try person.erase(id)
        case "openMail":
            try action.allow("do", "contact")
            try person.openMail(id)
        case "tag", "untag":
            try action.allow("do", "contact", "tag")
            let tag = try action.requiredText("tag")
            if verb == "tag" { try person.addTag(id, tag) } else { try person.removeTag(id, tag) }
        case "subscribe", "unsubscribe":
            try action.allow("do", "contact", "list")
            let list = try action.int("list", in: 0...Int(UInt32.max), default: 0)
            if verb == "subscribe" {
                try person.subscribe(id, list: list)
            } else {
                try person.unsubscribe(id, list: list == 0 ? nil : list)
            }
        default:
            throw ControlError(
                .badRequest, "do: want add, edit, delete, erase, openMail, tag, untag, subscribe or unsubscribe")
        }
        return id
    }

    private static func add(_ action: ControlBody, _ person: ActiveCampaignPerson) throws -> Int {
        try action.allow("do", "email", "firstName", "lastName", "phone", "fields", "tags")
        return try person.addContact(
            email: try action.requiredText("email"), firstName: try action.text("firstName") ?? "",
            lastName: try action.text("lastName") ?? "", phone: try action.text("phone") ?? "",
            fields: try action.textMap("fields"), tags: try action.texts("tags"))
    }

    private static func edit(_ id: Int, _ action: ControlBody, _ person: ActiveCampaignPerson) throws {
        try action.allow("do", "contact", "email", "firstName", "lastName", "phone", "fields")
        try person.edit(
            id,
            ActiveCampaignEdit(
                email: try action.text("email"), firstName: try action.text("firstName"),
                lastName: try action.text("lastName"), phone: try action.text("phone"),
                fields: try action.textMap("fields")))
    }

    /// The contact an action names by id or by address.
    private static func contact(_ body: ControlBody, in account: ActiveCampaignAccount) throws -> Int {
        switch body.object["contact"] {
        case .int(let id)?: return id
        case .string(let email)?:
            guard let contact = account.contact(email: email) else {
                throw ControlError(.notFound, "no contact of that address in '\(account.name)'")
            }
            return contact.id
        default: throw ControlError(.badRequest, "contact: want an id or an address")
        }
    }
}
