/// What only people at the screen (or Apex) can do: restore, merge, convert.
extension OrgRecords {
    /// Brings a record back from the recycle bin under its old id, unless another has taken one of its unique values.
    mutating func undelete(id: String, context: SaveContext) throws(SaveRefusal) {
        guard let place = database.locate(id), database.row(place.table, place.row).state == .deleted else {
            throw SaveRefusal(.invalidCrossReference())
        }
        var row = database.row(place.table, place.row)
        let before = row
        let taken = duplicateValues(row, table: place.table, except: place.row)
        guard taken.isEmpty else { throw SaveRefusal(taken) }
        row.state = .live
        row.master = -1
        if hasPackage { database.definition(place.table).syncPackage?.flagRestored(&row, before: before) }
        touch(&row, context)
        database.update(place.table, place.row, to: row, now: context.now)
    }

    /// Merges up to two losers into a winner: they are deleted with `MasterRecordId`, their children move over, and the
    /// winner's empty fields are not filled (the person at the screen chose the winner's).
    mutating func merge(winner: String, losers: [String], context: SaveContext) throws(SaveRefusal) {
        guard let place = database.locate(winner), database.row(place.table, place.row).state == .live,
            losers.count <= SimulatorsLimits.mergeLosers
        else { throw SaveRefusal(.invalidCrossReference()) }
        for loser in losers {
            guard let other = database.locate(loser), other.table == place.table, other.row != place.row,
                database.row(other.table, other.row).state == .live
            else { throw SaveRefusal(.invalidCrossReference()) }
            binPerson(of: other, master: place, context: context)
            reparent(from: loser, to: database.id(place.table, place.row), context: context)
            bin(other.table, other.row, master: place.row, context: context)
        }
        var row = database.row(place.table, place.row)
        touch(&row, context)
        database.update(place.table, place.row, to: row, now: context.now)
    }

    /// The contact of a person account goes with it, and its master is the winner's contact.
    private mutating func binPerson(
        of loser: (table: Int, row: Int), master: (table: Int, row: Int), context: SaveContext
    ) {
        guard let person = database.definition(loser.table).person,
            let contact = database.row(loser.table, loser.row)[person.link].text.flatMap(database.locate)
        else { return }
        let winner = database.row(master.table, master.row)[person.link].text.flatMap(database.locate)
        bin(contact.table, contact.row, master: winner?.row, context: context)
    }

    private mutating func reparent(from loser: String, to winner: String, context: SaveContext) {
        guard let id = RecordID.normalise(loser) else { return }
        for (child, field) in [
            ("Contact", "AccountId"), ("Opportunity", "AccountId"), ("OpportunityContactRole", "ContactId"),
            ("Opportunity", "ContactId"),
        ] {
            guard let table = database.table(child), let cell = database.definition(table).cell(field) else { continue }
            for number in children(table, field, of: id) {
                var row = database.row(table, number)
                row[cell] = .text(winner)
                touch(&row, context)
                database.update(table, number, to: row, now: context.now)
            }
        }
    }

    /// Converts a lead: account and contact are made or filled, the lead becomes read-only (reference section 8).
    mutating func convert(
        lead id: String, intoContact: String?, intoAccount: String?, opportunityName: String?, context: SaveContext
    ) throws(SaveRefusal) -> (contact: String, account: String, opportunity: String?) {
        guard let leads = database.table("Lead"), let place = database.locate(id), place.table == leads,
            database.row(leads, place.row).state == .live, !database.row(leads, place.row).isReadOnly
        else { throw SaveRefusal(.invalidCrossReference()) }
        let lead = fieldValues(database.row(leads, place.row), table: leads, number: place.row)
        let account: String
        let contact: String
        if lead["Company"] == nil, intoAccount == nil, intoContact == nil {
            (account, contact) = try convertToPerson(lead, context)
        } else {
            account = try target("Account", intoAccount, accountValues(lead), context: context)
            contact = try target("Contact", intoContact, contactValues(lead, account: account), context: context)
        }
        var opportunity: String?
        if let opportunityName {
            let closeDate = FieldValue.date(context.stamp / 86_400 + 30)
            opportunity = try target(
                "Opportunity", nil,
                [
                    "Name": .text(opportunityName), "StageName": "Prospecting", "CloseDate": closeDate,
                    "AccountId": .text(account),
                ], context: context)
        }
        try close(
            place.row, leads, account: account, contact: contact, opportunity: opportunity, context: context)
        return (contact, account, opportunity)
    }

    /// A lead without a company becomes a person account.
    private mutating func convertToPerson(
        _ lead: [String: FieldValue], _ context: SaveContext
    ) throws(SaveRefusal) -> (account: String, contact: String) {
        var values: [String: FieldValue] = [:]
        for (name, value) in contactValues(lead, account: "") where name != "AccountId" {
            switch name {
            case "LastName", "FirstName", "Salutation", "Phone", "Fax", "Description": values[name] = value
            case let custom where custom.hasSuffix("__c"): values[custom.dropLast(1) + "pc"] = value
            default: values["Person" + name] = value
            }
        }
        let account = try target("Account", nil, values, context: context)
        guard let place = database.locate(account), let person = database.definition(place.table).person,
            let contact = database.row(place.table, place.row)[person.link].text
        else { throw SaveRefusal(.invalidCrossReference()) }
        return (account, contact)
    }

    private func accountValues(_ lead: [String: FieldValue]) -> [String: FieldValue] {
        var values = ["Name": lead["Company"] ?? lead["LastName"] ?? .null]
        for (from, to) in [
            ("Phone", "Phone"), ("Website", "Website"), ("Industry", "Industry"), ("Street", "BillingStreet"),
            ("City", "BillingCity"), ("State", "BillingState"), ("PostalCode", "BillingPostalCode"),
            ("Country", "BillingCountry"), ("NumberOfEmployees", "NumberOfEmployees"),
            ("AnnualRevenue", "AnnualRevenue"),
        ] { values[to] = lead[from] }
        return values
    }

    private func contactValues(_ lead: [String: FieldValue], account: String) -> [String: FieldValue] {
        var values: [String: FieldValue] = ["AccountId": .text(account)]
        for name in [
            "LastName", "FirstName", "Email", "Salutation", "Phone", "MobilePhone", "Fax", "Title", "LeadSource",
            "Description", "HasOptedOutOfEmail", "DoNotCall",
        ] { values[name] = lead[name] }
        for part in ["Street", "City", "State", "PostalCode", "Country"] { values["Mailing" + part] = lead[part] }
        if convertsContactID { values["AC_Contact_Id__c"] = lead["AC_Contact_Id__c"] }
        return values
    }

    /// Makes a record, or fills the empty fields of an existing one.
    private mutating func target(
        _ object: String, _ existing: String?, _ values: [String: FieldValue], context: SaveContext
    ) throws(SaveRefusal) -> String {
        guard let table = database.table(object) else { throw SaveRefusal(.invalidCrossReference()) }
        var values = values.filter { database.definition(table).field($0.key) != nil }
        var row: Int?
        if let existing {
            let found = try writableRow(existing, table: table)
            let present = fieldValues(database.row(table, found), table: table, number: found)
            values = values.filter { present[$0.key] == nil }
            row = found
        }
        let saved = try save(try changes(values, table: table), table: table, existing: row, context: context)
        return database.id(table, saved)
    }

    private mutating func close(
        _ number: Int, _ leads: Int, account: String, contact: String, opportunity: String?, context: SaveContext
    ) throws(SaveRefusal) {
        let values: [String: FieldValue] = [
            "IsConverted": true, "ConvertedDate": .date(context.stamp / 86_400), "ConvertedAccountId": .text(account),
            "ConvertedContactId": .text(contact), "ConvertedOpportunityId": opportunity.map(FieldValue.text) ?? .null,
            "Status": .text(StandardPeople.convertedStatus),
        ]
        let saved = try save(try changes(values, table: leads), table: leads, existing: number, context: context)
        var row = database.row(leads, saved)
        row.isReadOnly = true
        database.update(leads, saved, to: row, now: context.now)
    }

    /// Stamps a row as changed by a person.
    private func touch(_ row: inout RecordRow, _ context: SaveContext) {
        row.stamp = context.stamp
        row.modified = context.stamp
        row.modifiedBy = context.userRow
    }
}
