/// A new org: its objects, fields, users and limits.
extension OrgState {
    init(_ options: SalesforceOrgOptions, number: Int, now: Double) {
        let orgID = RecordID.make(prefix: "00D", org: number, sequence: 0)
        let random = SeededRandom(seed: options.seed &* 0x9E37_79B9 &+ UInt64(number))
        identity = OrgIdentity(
            number: number, name: options.name, id: orgID, edition: options.edition, isSandbox: options.isSandbox,
            username: "integration@\(options.name).org\(number).example",
            clientID: options.clientID ?? "3MVG9\(orgID.prefix(15))", clientSecret: "secret-\(orgID.prefix(15))",
            trustsNetwork: options.trustsNetwork, unconfirmed: options.unconfirmed)
        sessions = OrgSessions(shortOrgID: identity.shortID, lifetime: options.sessionLifetime, random: random)
        sessions.rotatesRefreshTokens = options.rotatesRefreshTokens
        sessions.refreshIdleDays = options.refreshIdleDays
        sessions.reuses = options.unconfirmed.reusesSessions
        sessions.extendsWithUse = options.unconfirmed.sessionsExtendWithUse
        allocation = APIAllocation(
            limit: options.apiLimit ?? options.edition.dailyCalls(licences: options.licences),
            overage: options.apiOverage)
        records = OrgRecords(
            database: OrgDatabase(orgNumber: number, objects: Self.objects(options, number, now: Int(now))),
            unconfirmed: options.unconfirmed, hasPackage: options.hasPackage,
            convertsContactID: options.convertsContactID,
            unknownFieldFailsRequest: options.unknownFieldFailsRequest, lockErrorRate: options.lockErrorRate,
            random: random)
        queryPageRows = options.queryPageRows
        hasAPI = options.hasAPI
        bulk.queueSeconds = options.bulkQueueSeconds
        bulk.stepSeconds = options.bulkStepSeconds
        addUsers(identity.username, now: now)
        addMetadata(options, now: now)
        addOrganization(options, now: now)
        records.database.commitDelay = options.commitDelay
    }

    private static func objects(_ options: SalesforceOrgOptions, _ number: Int, now: Int) -> [ObjectDefinition] {
        var (contact, lead) = (person(StandardPeople.contact, options), person(StandardPeople.lead, options))
        var (account, opportunity) = (StandardSales.account, StandardSales.opportunity)
        opportunity.change("ContactId") { $0.isUpdateable = !options.unconfirmed.opportunityContactIsFixed }
        if options.hasStateCountryPicklists {
            AddressPicklists.install(in: &contact)
            AddressPicklists.install(in: &lead)
            AddressPicklists.install(in: &account)
        }
        if options.hasPersonAccounts { PersonAccounts.install(contact: &contact, lead: &lead, account: &account) }
        var records = [contact, lead, account, opportunity, StandardSales.campaign]
        for index in records.indices {
            CompoundAddress.install(in: &records[index])
            RecordTypes.install(in: &records[index], options, org: number)
            MultiCurrency.install(in: &records[index], options.currencies)
        }
        var others = [StandardSales.contactRole, StandardSales.user, StandardPeople.leadStatus]
        if RecordTypes.exist(options) { others.append(RecordTypes.definition) }
        others.append(StandardSales.organization)
        return (records + others).map { definition in
            var definition = definition
            definition.metadataStamp = now
            return definition
        }
    }

    /// Contact or Lead with the fields of the sync package, as far as the org has them.
    private static func person(_ standard: ObjectDefinition, _ options: SalesforceOrgOptions) -> ObjectDefinition {
        var definition = standard
        if options.hasPackage {
            for field in SyncPackage.fields { definition.add(field) }
        } else if options.hasExternalIdField {
            definition.add(SyncPackage.contactID)
        }
        return definition
    }

    /// The org itself, whose id is that of row 0.
    private mutating func addOrganization(_ options: SalesforceOrgOptions, now: Double) {
        guard let table = records.database.table("Organization") else { return }
        let values: [String: FieldValue] = [
            "Name": .text(options.name), "IsSandbox": .bool(options.isSandbox),
            "OrganizationType": .text(options.edition.rawValue), "InstanceName": "SIM1", "LanguageLocaleKey": "en_US",
            "TimeZoneSidKey": "GMT",
        ]
        _ = records.seed(values, table: table, context: .human(now: now))
        records.database.commit()
    }

    /// Rows that describe the org: record types, and what the statuses of leads mean.
    private mutating func addMetadata(_ options: SalesforceOrgOptions, now: Double) {
        for (object, rows) in [
            ("RecordType", RecordTypes.seeds(options)), ("LeadStatus", StandardPeople.leadStatusRows),
        ] {
            guard let table = records.database.table(object) else { continue }
            for row in rows { _ = records.seed(row, table: table, context: .human(now: now)) }
        }
        records.database.commit()
    }

    /// The integration user and a person, in the rows `OrgRecords` names.
    private mutating func addUsers(_ username: String, now: Double) {
        guard let users = records.database.table("User") else { return }
        for (last, name) in [("Integration", username), ("Admin", "admin@\(username.drop { $0 != "@" }.dropFirst())")] {
            let values: [String: FieldValue] = [
                "LastName": .text(last), "FirstName": "Sync", "Username": .text(name), "Email": .text(name),
            ]
            _ = records.seed(values, table: users, context: .human(now: now))
        }
        records.userIDs = [OrgRecords.integrationUser, OrgRecords.humanUser].map(records.userID)
        records.database.commit()
    }
}
