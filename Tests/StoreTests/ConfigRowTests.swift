import Drivers
import Foundation
import Store
import SyncRules
import Testing

@Suite(.timeLimit(.minutes(2))) struct ConfigRowTests {
    struct BadRow: Sendable {
        let sql: String
        let sentence: String

        init(_ sql: String, _ sentence: String) {
            self.sql = sql
            self.sentence = sentence
        }
    }

    static let badRows: [BadRow] = [
        BadRow(
            "INSERT INTO ferry.tenants (id) VALUES ('Acme Corp')",
            "a tenant id is a-z, 0-9, - and _, 40 characters at most"),
        BadRow("INSERT INTO ferry.tenants (id) VALUES ('acme')", "this tenant id is taken"),
        BadRow("UPDATE ferry.tenants SET state = 'sleeping'", "a tenant is active, paused or removed"),
        BadRow("UPDATE ferry.tenants SET id = 'other'", "a tenant id never changes"),
        BadRow(
            "UPDATE ferry.sync_settings SET opportunity_target = 'invoice'",
            "opportunities become custom_object records or deals"),
        BadRow(
            "UPDATE ferry.sync_settings SET person_account_selection = 'criteria'",
            "person accounts are selected by none, new or marked"),
        BadRow(
            "UPDATE ferry.sync_settings SET contact_record_type_id = '012'",
            "a contact record type id has 15 or 18 letters and digits"),
        BadRow(
            "UPDATE ferry.sync_settings SET person_account_record_type_id = '012'",
            "a person account record type id has 15 or 18 characters"),
        BadRow(
            "INSERT INTO ferry.field_mappings (tenant, object, sf_field, ac_field) "
                + "VALUES ('acme', 'opportunity', 'Type', 'custom:T')",
            "the four fields of an opportunity are fixed"),
        BadRow(
            "INSERT INTO ferry.field_mappings (tenant, object, sf_field, ac_field) "
                + "VALUES ('acme', 'account', 'Phone', 'phone')",
            "account fields go with custom account fields"),
        BadRow(
            "INSERT INTO ferry.field_mappings (tenant, object, sf_field, ac_field, update_mode) "
                + "VALUES ('acme', 'contact', 'Type', 'custom:T', 'sf_wins')",
            "the update mode is one of the words that the README lists"),
        BadRow(
            "INSERT INTO ferry.field_mappings (tenant, object, sf_field, ac_field, update_mode) "
                + "VALUES ('acme', 'account', 'Type', 'custom:T', 'ac_wins')",
            "ac_wins and newest_field are for contacts and leads"),
        BadRow(
            "INSERT INTO ferry.connections (tenant, provider, base_url, secret) VALUES ('acme', 'hubspot', 'https://x.y', 'ferry1.a.b')",
            "the provider is activecampaign or salesforce"),
        BadRow(
            "INSERT INTO ferry.connections (tenant, provider, base_url, secret) VALUES ('nobody', 'salesforce', 'https://x.y', 'ferry1.a.b')",
            "a connection belongs to a tenant"),
        BadRow(
            "UPDATE ferry.connections SET base_url = 'http://acme.com'",
            "the base URL starts with https:// (http:// on loopback only)"),
        BadRow(
            "UPDATE ferry.connections SET base_url = 'http://127.0.0.1.evil.com'",
            "the base URL starts with https:// (http:// on loopback only)"),
        BadRow(
            "UPDATE ferry.connections SET base_url = 'https://user@acme.com'",
            "the base URL has a host, and no user, query or blank"),
        BadRow(
            "UPDATE ferry.connections SET secret = 'my api key'", "the secret is sealed: use what ferry seal prints"),
        BadRow("UPDATE ferry.connections SET api_version = 'v66'", "the API version is written like 66.0"),
        BadRow(
            "UPDATE ferry.sync_settings SET inbound_interval_hours = 5",
            "the pull interval is 1, 2, 3, 4, 6, 8, 12 or 24 hours"),
        BadRow("UPDATE ferry.sync_settings SET daily_hour = 3", "a daily hour goes with a pull interval of 24 hours"),
        BadRow(
            "UPDATE ferry.sync_settings SET inbound_interval_hours = 24, daily_hour = 24", "the daily hour is 0 to 23"),
        BadRow(
            "UPDATE ferry.sync_settings SET time_zone = 'Mars/Olympus'",
            "the time zone is an IANA name such as Europe/Berlin"),
        BadRow(
            "UPDATE ferry.sync_settings SET time_zone = 'CET+3'", "the time zone is an IANA name such as Europe/Berlin"),
        BadRow(
            "UPDATE ferry.sync_settings SET contact_selection = 'all'",
            "contacts are selected by none, new, marked or criteria"),
        BadRow(
            "UPDATE ferry.sync_settings SET lead_selection = 'criteria'",
            "selection by criteria needs rows in selection_criteria"),
        BadRow(
            "INSERT INTO ferry.field_mappings (tenant, object, sf_field, ac_field) VALUES ('acme', 'person', 'A__c', 'custom:A')",
            "the object is contact, lead, account or opportunity"),
        BadRow(
            "INSERT INTO ferry.field_mappings (tenant, object, sf_field, ac_field) VALUES ('acme', 'contact', 'Birthdate', 'custom:A')",
            "a Salesforce field is mapped once per object"),
        BadRow(
            "INSERT INTO ferry.field_mappings (tenant, object, sf_field, ac_field) VALUES ('acme', 'contact', 'A__c', 'custom:Birthday')",
            "an ActiveCampaign field is mapped once per object"),
        BadRow(
            "INSERT INTO ferry.field_mappings (tenant, object, sf_field, ac_field, sf_type, ac_type) VALUES ('acme', 'contact', 'A__c', 'custom:A', 'checkbox', 'text')",
            "the two field types go together"),
        BadRow(
            "INSERT INTO ferry.field_mappings (tenant, object, sf_field, ac_field, sf_type) VALUES ('acme', 'contact', 'A__c', 'custom:A', 'datetime')",
            "the Salesforce type is one that can be kept in step"),
        BadRow(
            "INSERT INTO ferry.field_mappings (tenant, object, sf_field, ac_field, sf_type) VALUES ('acme', 'lead', 'A__c', 'lastName', 'formula')",
            "a formula never feeds the e-mail or the last name"),
        BadRow(
            "INSERT INTO ferry.field_mappings (tenant, object, sf_field, ac_field) VALUES ('acme', 'lead', 'Phone', 'email')",
            "the e-mail of one side is mapped to that of the other"),
        BadRow(
            "INSERT INTO ferry.field_mappings (tenant, object, sf_field, ac_field) VALUES ('acme', 'lead', 'A__c', 'birthday')",
            "AC field: email, firstName, lastName, phone or custom:TAG"),
        BadRow(
            "INSERT INTO ferry.selection_criteria (tenant, object, field, operator, operands) VALUES ('acme', 'contact', 'A__c', 'like', '{x}')",
            "operator: eq ne contains starts in lt gt blank not_blank"),
        BadRow(
            "INSERT INTO ferry.selection_criteria (tenant, object, field, operator) VALUES ('acme', 'contact', 'A__c', 'eq')",
            "operands: none for blank, several for in, else one"),
        BadRow(
            "INSERT INTO ferry.selection_criteria (tenant, object, field, operator, value_type, operands) VALUES ('acme', 'contact', 'A__c', 'gt', 'number', '{many}')",
            "a number operand is written like -12.5"),
        BadRow(
            "INSERT INTO ferry.selection_criteria (tenant, object, field, operator, operands) VALUES ('acme', 'contact', 'A__c); DROP', 'eq', '{x}')",
            "a criterion's field is an API name such as Region__c"),
        BadRow(
            "INSERT INTO ferry.api_budgets (tenant, provider, daily_calls, daily_share) VALUES ('acme', 'salesforce', 10, 0.5)",
            "a budget is daily_calls or daily_share, not both"),
        BadRow(
            "INSERT INTO ferry.api_budgets (tenant, provider, daily_share) VALUES ('acme', 'salesforce', 2)",
            "the daily share is above 0 and at most 1"),
    ]

    @Test func everyBadRowIsRefusedInASentence() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        _ = try await StoreTestDatabase.onboard("acme", store, pool)
        for bad in Self.badRows {
            let refused = try await refusal(pool, bad.sql)
            #expect(refused.constraint == bad.sentence, "\(bad.sql)")
        }
        await pool.close()
    }

    @Test func R1_anAccountOrOrgBelongsToOneTenant() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        _ = try await StoreTestDatabase.onboard("acme", store, pool)
        _ = try await StoreTestDatabase.onboard("zeta", store, pool)
        func take(_ provider: String, _ url: String) -> String {
            "UPDATE ferry.connections SET base_url = '\(url)' WHERE tenant = 'zeta' AND provider = '\(provider)'"
        }
        let sentence = "this account or org is another tenant's already"
        for sql in [
            take("activecampaign", "https://ACME.api-us1.com/api/3"),
            take("salesforce", "https://acme.my.salesforce.com:443/"),
        ] {
            #expect(try await refusal(pool, sql).constraint == sentence, "\(sql)")
        }
        // Addresses that many log in by, or that are the test's own, are nobody's.
        try await pool.script("UPDATE ferry.connections SET base_url = 'https://login.salesforce.com'")
        try await pool.script("UPDATE ferry.connections SET base_url = 'http://127.0.0.1:8080'")
        try await pool.script("UPDATE ferry.connections SET base_url = 'https://' || tenant || '.api-us1.com'")
        // Whoever is removed gives it free, and has it back only while nobody else has taken it.
        try await pool.script("UPDATE ferry.tenants SET state = 'removed' WHERE id = 'acme'")
        try await pool.script(take("activecampaign", "https://acme.api-us1.com"))
        let back = try await refusal(pool, "UPDATE ferry.tenants SET state = 'paused' WHERE id = 'acme'")
        #expect(back.constraint == sentence)
        await pool.close()
    }

    @Test func triggersSayWhatWouldBeRight() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        _ = try await StoreTestDatabase.onboard("acme", store, pool)
        let pair = try await refusal(
            pool,
            "INSERT INTO ferry.field_mappings (tenant, object, sf_field, ac_field, sf_type, ac_type) "
                + "VALUES ('acme', 'contact', 'A__c', 'custom:A', 'currency', 'date')")
        #expect(
            pair.message
                == "a Salesforce currency field goes with an ActiveCampaign field of type currency or text or hidden, not date"
        )
        let zone = try await refusal(pool, "UPDATE ferry.sync_settings SET time_zone = 'Berlin'")
        #expect(zone.message.contains("Europe/Berlin"))
        try await pool.script("UPDATE ferry.sync_settings SET time_zone = 'America/Argentina/Buenos_Aires'")
        await pool.close()
    }

    @Test func theTypesOfTheDatabaseAreThoseOfTheRules() async throws {
        let (_, pool) = try await StoreTestDatabase.make()
        for type in SalesforceFieldType.allCases {
            let row = try await pool.query("SELECT ferry.compatible_types($1) AS types", [.text(type.rawValue)]).only()
            let types = Set(try row.array("types", of: String.self))
            #expect(types == Set(type.compatibleTypes.map(\.rawValue)), "\(type)")
        }
        await pool.close()
    }

    @Test func configIsReadAsRowsSayIt() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        let number = try await StoreTestDatabase.onboard("acme", store, pool)
        let config = try #require(try await store.tenantConfig(number))
        #expect(config.id == "acme")
        #expect(config.state == .active)
        #expect(config.connections[.salesforce]?.apiVersion == "66.0")
        #expect(config.connections[.activeCampaign]?.baseURL == "https://acme.api-us1.com")
        #expect(config.settings?.inboundIntervalHours == 4)
        #expect(config.settings?.leadSelection == SelectionMode.none)
        #expect(config.mappings.map(\.activeCampaignField.description) == ["custom:BIRTHDAY"])
        try await pool.script(
            """
            INSERT INTO ferry.selection_criteria (tenant, object, group_no, position, field, operator, value_type, operands)
            VALUES ('acme', 'contact', 1, 1, 'Region__c', 'in', 'text', '{DE,AT}'),
                ('acme', 'contact', 2, 1, 'Score__c', 'gt', 'number', '{10}')
            """)
        let later = try #require(try await store.tenantConfig(number))
        #expect(later.version > config.version)
        #expect(try await store.configVersions([number, 999]) == [number: later.version])
        let wanted = SelectionCriteria(anyOf: [
            [.init("Region__c", .isOneOf, [.text("DE"), .text("AT")])],
            [.init("Score__c", .greaterThan, [.number("10")])],
        ])
        #expect(later.criteria[.contact] == wanted)
        #expect(try await store.tenantConfig(4711) == nil)
        await pool.close()
    }

    @Test func aDocumentSaysTheSameAsRows() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        let number = try await StoreTestDatabase.onboard("acme", store, pool)
        let shown = try await store.show("acme")
        #expect(shown.connections?.allSatisfy { $0.secret == nil } == true)
        var document = shown
        document.settings?.inboundIntervalHours = 12
        document.mappings = nil
        document.budgets = [BudgetDocument(provider: "salesforce", dailyCalls: 500)]
        try await store.apply(document, by: Errand(actor: "test", reason: "because"))
        let config = try #require(try await store.tenantConfig(number))
        #expect(config.connections[.salesforce]?.sealedSecret == "ferry1.k1.c2VjcmV0", "a secret not given stays")
        #expect(config.settings?.inboundIntervalHours == 12)
        #expect(config.mappings.isEmpty)
        #expect(config.budgets.map(\.dailyCalls) == [500])
        let again = try JSONDecoder().decode(
            TenantDocument.self, from: JSONEncoder().encode(try await store.show("acme")))
        try await store.apply(again, by: Errand(actor: "test"))
        #expect(try await store.show("acme") == again)
        #expect(try await store.audits(of: "tenant acme").map(\.verb) == ["apply", "apply"])
        var twice = again
        twice.mappings = [MappingDocument(object: "lead", sfField: "A__c", acField: "custom:A")]
        twice.mappings? += [MappingDocument(object: "lead", sfField: "A__c", acField: "custom:B")]
        let refused = try await storeError { try await store.apply(twice, by: Errand(actor: "test")) }
        #expect(refused.code == .constraint)
        #expect(refused.message == "a Salesforce field is mapped once per object")
        #expect(try await store.show("acme") == again, "all or nothing")
        await pool.close()
    }
}
