/// What webhooks are told about accounts and deals (8.3).
extension CampaignState {
    /// Tells the webhooks about an account.
    mutating func emitAccount(_ event: CampaignEvent, _ id: UInt32) {
        guard let source, !webhooks.rows.isEmpty else { return }
        let hooks = webhooks.listeners(event, source: source, list: 0)
        guard !hooks.isEmpty else { return }
        let row = customers.accounts[id]
        var form = head(event, source)
        form.add("account[id]", String(id))
        form.add("account[name]", row.name)
        form.add("account[account_url]", row.url)
        form.add("account[created_timestamp]", zone.stamp(row.created))
        form.add("account[updated_timestamp]", zone.stamp(row.updated))
        for datum in customers.fields.dataIDs(of: id) {
            let value = customers.fields.data[Int(datum - 1)]
            let label = customers.fields.metas[Int(value.field - 1)].label
            form.add("account[fields][\(label)]", value.value.text ?? "")
        }
        stage(form, to: hooks)
    }

    /// Tells the webhooks that a contact belongs to an account.
    mutating func emitAccountContact(_ event: CampaignEvent, _ id: UInt32) {
        guard let source, !webhooks.rows.isEmpty else { return }
        let hooks = webhooks.listeners(event, source: source, list: 0)
        guard !hooks.isEmpty else { return }
        let row = customers.associations[id]
        var form = head(event, source)
        form.add("accountContact[id]", String(id))
        form.add("accountContact[account]", String(row.account))
        form.add("accountContact[contact]", String(row.contact))
        form.add("accountContact[job_title]", row.jobTitle)
        stage(form, to: hooks)
    }

    /// Tells the webhooks about a deal.
    mutating func emitDeal(_ event: CampaignEvent, _ id: UInt32) {
        guard let source, !webhooks.rows.isEmpty else { return }
        let hooks = webhooks.listeners(event, source: source, list: 0)
        guard !hooks.isEmpty else { return }
        let row = deals[id]
        var form = head(event, source)
        form.add("deal[id]", String(id))
        form.add("deal[title]", row.title)
        form.add("deal[create_date]", zone.stamp(row.created))
        form.add("deal[stageid]", String(row.stage))
        form.add("deal[pipelineid]", String(row.group))
        form.add("deal[value]", String(row.value))
        form.add("deal[currency]", row.currency)
        form.add("deal[owner]", row.owner)
        form.add("deal[status]", String(row.status))
        if let contact = row.contact, contacts.contains(contact) {
            form.add("deal[contactid]", String(contact))
            form.add("deal[contact_email]", contacts[contact].email)
            form.add("deal[contact_firstname]", contacts[contact].firstName)
            form.add("deal[contact_lastname]", contacts[contact].lastName)
        }
        for (index, datum) in deals.fields.dataIDs(of: id).enumerated() {
            let value = deals.fields.data[Int(datum - 1)]
            form.add("deal[fields][\(index)][id]", String(value.field))
            form.add("deal[fields][\(index)][key]", deals.fields.metas[Int(value.field - 1)].label)
            form.add("deal[fields][\(index)][value]", value.value.text ?? "")
        }
        stage(form, to: hooks)
    }
}
