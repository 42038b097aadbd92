/// The two automations of the integration (R15, R16).
package enum ActiveCampaignAutomation: String, Sendable, CaseIterable {
    /// "Create a contact in Salesforce".
    case createContactInSalesforce = "Create a contact in Salesforce"
    /// "Create a lead in Salesforce".
    case createLeadInSalesforce = "Create a lead in Salesforce"

    /// The tag that the contact has as soon as the automation was reached.
    package var tag: String {
        switch self {
        case .createContactInSalesforce: "added-to-salesforce-contact"
        case .createLeadInSalesforce: "added-to-salesforce-lead"
        }
    }
}

/// What a person changes about a contact; nil leaves it.
package struct ActiveCampaignEdit: Sendable {
    /// A new address.
    package var email: String?
    /// First name.
    package var firstName: String?
    /// Last name.
    package var lastName: String?
    /// Telephone.
    package var phone: String?
    /// Custom values by perstag.
    package var fields: [String: String]

    /// An edit of what is named.
    package init(
        email: String? = nil, firstName: String? = nil, lastName: String? = nil, phone: String? = nil,
        fields: [String: String] = [:]
    ) {
        self.email = email
        self.firstName = firstName
        self.lastName = lastName
        self.phone = phone
        self.fields = fields
    }
}

/// Somebody who works in the account without the API: a user, the contact herself, or an automation. No rate limit,
/// no call counted; webhooks name the source.
package struct ActiveCampaignPerson: Sendable {
    let account: ActiveCampaignAccount
    let source: ActiveCampaignSource

    /// Adds a contact and gives its id.
    @discardableResult
    package func addContact(
        email: String, firstName: String = "", lastName: String = "", phone: String = "",
        fields: [String: String] = [:], tags: [String] = []
    ) throws -> Int {
        let edit = ActiveCampaignEdit(
            email: email, firstName: firstName, lastName: lastName, phone: phone, fields: fields)
        return try account.perform(as: source) { state in
            let draft = try state.draft(from: edit)
            if let fault = state.faultOfCreating(draft) { throw Self.refused(fault) }
            let id = state.createContact(draft)
            for tag in tags { state.addTag(named: tag, to: id) }
            return Int(id)
        }
    }

    /// Changes a contact. Its `udate` moves.
    package func edit(_ id: Int, _ edit: ActiveCampaignEdit) throws {
        try change(id) { state, id in
            let draft = try state.draft(from: edit)
            if let fault = state.faultOfChanging(id, to: draft) { throw Self.refused(fault) }
            state.changeContact(id, to: draft)
        }
    }

    /// Deletes a contact for good.
    package func delete(_ id: Int) throws {
        try change(id) { $0.deleteContact($1) }
    }

    /// Erases a contact for privacy's sake; what is left of it is the account's switch `erasure`.
    package func erase(_ id: Int) throws {
        try change(id) { $0.eraseContact($1) }
    }

    /// Tags a contact, making the tag if need be.
    package func addTag(_ id: Int, _ tag: String) throws {
        try change(id) { $0.addTag(named: tag, to: $1) }
    }

    /// Takes a tag off; nothing happens when the contact does not carry it.
    package func removeTag(_ id: Int, _ tag: String) throws {
        try change(id) { state, id in
            guard let tag = state.tags.find(tag), let row = state.taggingID(of: id, tag: tag) else { return }
            state.removeTagging(row)
        }
    }

    /// Subscribes a contact to a list.
    package func subscribe(_ id: Int, list: Int) throws {
        try setMembership(id, list: list, status: 1)
    }

    /// Unsubscribes a contact from one list, or from all it is on.
    package func unsubscribe(_ id: Int, list: Int? = nil) throws {
        if let list { return try setMembership(id, list: list, status: 2) }
        try change(id) { state, id in
            let rows = Array(state.memberships.chain(from: state.contacts[id].firstMembership))
            for row in rows { _ = state.setMembership(of: id, list: state.memberships[row].list, status: 2) }
        }
    }

    /// Opens or clicks a mail: nothing but `udate` moves (3.3).
    package func openMail(_ id: Int) throws {
        try change(id) { $0.contacts.touch($1, at: $0.now) }
    }

    private func setMembership(_ id: Int, list: Int, status: UInt8) throws {
        try change(id) { state, id in
            guard let list = UInt32(exactly: list), state.hasList(list) else {
                throw ActiveCampaignSimulatorError(code: .unknownList, message: "no such list")
            }
            _ = state.setMembership(of: id, list: list, status: status)
        }
    }

    private func change(_ id: Int, _ body: (inout CampaignState, UInt32) throws -> Void) throws {
        try account.perform(as: source) { state in try body(&state, state.living(id)) }
    }

    private static func refused(_ fault: CampaignContactFault) -> ActiveCampaignSimulatorError {
        ActiveCampaignSimulatorError(code: .contactRefused, message: "the contact was refused: \(fault)")
    }
}

extension CampaignState {
    /// The id of a living contact.
    func living(_ id: Int) throws -> UInt32 {
        guard let id = UInt32(exactly: id), contacts.contains(id) else {
            throw ActiveCampaignSimulatorError(code: .unknownContact, message: "no contact \(id)")
        }
        return id
    }

    fileprivate func draft(from edit: ActiveCampaignEdit) throws -> CampaignContactDraft {
        var draft = CampaignContactDraft(
            email: edit.email, firstName: edit.firstName, lastName: edit.lastName, phone: edit.phone)
        for (perstag, value) in edit.fields.sorted(by: { $0.key < $1.key }) {
            draft.values.append((try knownField(perstag), value))
        }
        return draft
    }

    /// The field of that perstag.
    func knownField(_ perstag: String) throws -> UInt32 {
        guard let field = fields.find(perstag: perstag) else {
            throw ActiveCampaignSimulatorError(code: .unknownField, message: "no field \(perstag)")
        }
        return field
    }
}

extension ActiveCampaignAccount {
    /// Lets somebody work in the account: a user in the product, unless told otherwise.
    package func actAsPerson<Value>(
        as source: ActiveCampaignSource = .admin, _ body: (ActiveCampaignPerson) throws -> Value
    ) rethrows -> Value {
        try body(ActiveCampaignPerson(account: self, source: source))
    }

    /// Lets `count` contacts, drawn from the account's seed, open or click mails: their `udate`s move and nothing else
    /// does (3.3).
    package func openMails(count: Int) {
        perform(as: .public) { state in
            guard state.contacts.lastID > 0 else { return }
            for _ in 0..<count {
                let id = UInt32.random(in: 1...state.contacts.lastID, using: &state.random)
                if state.contacts.contains(id) { state.contacts.touch(id, at: state.now) }
            }
        }
    }

    /// Sends a contact through one of the integration's automations: the tag is there at once.
    package func runAutomation(_ automation: ActiveCampaignAutomation, contact id: Int) throws {
        try perform(as: .system) { state in
            let id = try state.living(id)
            state.automations.enter(id, named: automation.rawValue, at: state.now)
            state.addTag(named: automation.tag, to: id)
        }
    }
}
