/// An account, a company that contacts belong to, as tests see it.
package struct ActiveCampaignCompany: Sendable, Equatable {
    /// Number.
    package var id: Int
    /// Its name, unlike any other's.
    package var name: String
    /// Values by the field's personalisation tag.
    package var fields: [String: String]
    /// Numbers of the contacts that belong to it.
    package var contacts: [Int]

    /// Makes one to compare with.
    package init(id: Int, name: String, fields: [String: String], contacts: [Int]) {
        self.id = id
        self.name = name
        self.fields = fields
        self.contacts = contacts
    }
}

/// A record of a custom object as tests see it.
package struct ActiveCampaignObjectRecord: Sendable, Equatable {
    /// What its maker knows it by.
    package var externalID: String?
    /// Values by field id, as text; an empty field is absent.
    package var fields: [String: String]
    /// Contacts it is related to.
    package var contacts: [Int]

    /// Makes one to compare with.
    package init(externalID: String?, fields: [String: String], contacts: [Int]) {
        self.externalID = externalID
        self.fields = fields
        self.contacts = contacts
    }
}

/// A deal as tests see it.
package struct ActiveCampaignDeal: Sendable, Equatable {
    package var title: String
    package var cents: Int
    package var currency: String
    /// Title of its stage.
    package var stage: String
    package var contact: Int?

    /// Makes one to compare with.
    package init(title: String, cents: Int, currency: String, stage: String, contact: Int?) {
        self.title = title
        self.cents = cents
        self.currency = currency
        self.stage = stage
        self.contact = contact
    }
}

extension ActiveCampaignAccount {
    /// Every account, by number.
    package func companies() -> [ActiveCampaignCompany] {
        perform(as: .api) { state in
            state.customers.liveIDs.map { id in
                var fields: [String: String] = [:]
                for datum in state.customers.fields.dataIDs(of: id) {
                    let row = state.customers.fields.data[Int(datum - 1)]
                    let tag = CampaignFieldTable.perstag(from: state.customers.fields.metas[Int(row.field - 1)].label)
                    fields[tag] = row.value.text ?? (row.value.elements ?? []).compactMap(\.text).joined(separator: ",")
                }
                let people = state.customers.associationIDs.map { state.customers.associations[$0] }
                return ActiveCampaignCompany(
                    id: Int(id), name: state.customers.accounts[id].name, fields: fields,
                    contacts: people.filter { $0.account == id }.map { Int($0.contact) }.sorted())
            }
        }
    }

    /// Adds a custom field of accounts; its tag is made of the label.
    package func addAccountField(label: String, type: String = "text") {
        perform(as: .admin) { $0.customers.fields.addMeta(label: label, type: type, at: $0.now) }
    }

    /// The records of a custom object, in the order they were made; none when there is no such object.
    package func objectRecords(_ slug: String) -> [ActiveCampaignObjectRecord] {
        perform(as: .api) { state in
            guard let schema = state.objects.schemas.first(where: { $0.slug == slug }) else { return [] }
            return schema.order.compactMap { schema.records[$0] }.map { record in
                let contacts = (record.relationships.members ?? []).flatMap { $0.value.elements ?? [] }
                return ActiveCampaignObjectRecord(
                    externalID: record.externalID,
                    fields: Dictionary(
                        record.fields.compactMap { field in field.value.text.map { (field.key, $0) } },
                        uniquingKeysWith: { _, last in last }),
                    contacts: contacts.compactMap { $0.identifier.map { Int($0) } })
            }
        }
    }

    /// Every deal, by number.
    package func deals() -> [ActiveCampaignDeal] {
        perform(as: .api) { state in
            state.deals.liveIDs.map { id in
                let row = state.deals[id]
                return ActiveCampaignDeal(
                    title: row.title, cents: row.value, currency: row.currency,
                    stage: state.deals.stages[Int(row.stage - 1)].title, contact: row.contact.map { Int($0) })
            }
        }
    }
}

extension ActiveCampaignPerson {
    /// Adds an account and gives its number.
    @discardableResult
    package func addCompany(_ name: String) throws -> Int {
        try account.perform(as: source) { state in
            guard state.customers.find(name) == nil else { throw Self.noCompany("the name is taken") }
            return Int(state.customers.insert(CampaignCustomerRow(name: name, created: state.now, updated: state.now)))
        }
    }

    /// Renames an account, or sets custom fields of it by tag.
    package func editCompany(_ id: Int, name: String? = nil, fields: [String: String] = [:]) throws {
        try account.perform(as: source) { state in
            let id = try state.livingCompany(id)
            let stamp = state.now
            state.customers.update(id) { row in
                row.name = name ?? row.name
                row.updated = stamp
            }
            for (tag, value) in fields {
                let known = state.customers.fields.liveMetaIDs.first {
                    CampaignFieldTable.perstag(from: state.customers.fields.metas[Int($0 - 1)].label) == tag
                }
                guard let known else { throw Self.noCompany("no field \(tag)") }
                _ = state.customers.fields.set(
                    owner: id, field: known, value: .string(value), currency: .null, at: stamp)
            }
        }
    }

    /// Deletes an account; its people stay.
    package func deleteCompany(_ id: Int) throws {
        try account.perform(as: source) { state in state.customers.remove(try state.livingCompany(id)) }
    }

    /// Puts a contact into an account, out of the one it was in.
    package func join(_ contact: Int, company id: Int) throws {
        try account.perform(as: source) { state in
            let (company, contact) = (try state.livingCompany(id), try state.living(contact))
            state.customers.unlink(contact: contact)
            _ = state.customers.link(contact: contact, to: company, jobTitle: "", at: state.now)
            state.contacts.touch(contact, at: state.now)
        }
    }

    fileprivate static func noCompany(_ message: String) -> ActiveCampaignSimulatorError {
        ActiveCampaignSimulatorError(code: .unknownField, message: message)
    }
}

extension CampaignState {
    fileprivate func livingCompany(_ id: Int) throws -> UInt32 {
        guard let id = UInt32(exactly: id), customers.contains(id) else {
            throw ActiveCampaignPerson.noCompany("no account \(id)")
        }
        return id
    }
}
