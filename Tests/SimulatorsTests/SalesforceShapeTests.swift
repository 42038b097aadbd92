import Foundation
import Testing

@testable import Simulators

/// Objects and fields of reference section 14 beyond the everyday ones: compound addresses, currencies, record types,
/// statuses of leads, campaigns.
@Suite(.timeLimit(.minutes(2)))
struct SalesforceShapeTests {
    private func describe(_ it: SalesforceCaller, _ object: String) async throws -> (WireJSON, [String: WireJSON]) {
        let body = try #require(try await it.call("GET", "sobjects/\(object)/describe").body)
        let fields = body["fields"]?.arrayValue ?? []
        return (body, Dictionary(fields.map { ($0["name"]?.stringValue ?? "", $0) }) { $1 })
    }

    // MARK: - Addresses

    @Test func anAddressIsShownWholeAndWrittenInParts() async throws {
        let it = try SalesforceCaller()
        let made = try await it.call(
            "POST", "sobjects/Contact", ["LastName": "A", "MailingCity": "Rome", "MailingStreet": "Via 1"])
        let id = try #require(made.body?["id"]?.stringValue)
        let row = try await it.query("SELECT MailingAddress, OtherAddress FROM Contact")["records"]?[0]
        #expect(row?["MailingAddress"]?["city"] == "Rome" && row?["MailingAddress"]?["street"] == "Via 1")
        #expect(row?["MailingAddress"]?["state"] == .null && row?["MailingAddress"]?["latitude"] == .null)
        #expect(row?["OtherAddress"] == .null)
        #expect(try await it.call("GET", "sobjects/Contact/\(id)").body?["MailingAddress"]?["city"] == "Rome")
        let refused = try await it.call("PATCH", "sobjects/Contact/\(id)", ["MailingAddress": ["city": "Oslo"]])
        #expect(refused.errorCode == "INVALID_FIELD_FOR_INSERT_UPDATE")
        let names = [("Lead", "Address"), ("Account", "BillingAddress"), ("Account", "ShippingAddress")]
        for (object, field) in names {
            #expect(try await it.query("SELECT \(field) FROM \(object)")["done"] == true)
        }
    }

    @Test(arguments: ["WHERE MailingAddress = null", "ORDER BY MailingAddress"])
    func anAddressNeitherFiltersNorSorts(clause: String) async throws {
        let it = try SalesforceCaller()
        let answer = try await it.call("GET", "query", query: [("q", "SELECT Id FROM Contact \(clause)")])
        #expect(answer.status == 400 && answer.errorCode == "INVALID_FIELD")
        #expect(answer.message?.contains("MailingAddress") == true)
    }

    @Test func describeNamesTheCompoundFieldOfAPart() async throws {
        let it = try SalesforceCaller { $0.hasStateCountryPicklists = true }
        let (_, fields) = try await describe(it, "Contact")
        let address = try #require(fields["MailingAddress"])
        #expect(address["type"] == "address" && address["createable"] == false && address["filterable"] == false)
        for part in ["MailingStreet", "MailingCountryCode", "MailingPostalCode"] {
            #expect(fields[part]?["compoundFieldName"] == "MailingAddress", "\(part)")
        }
        #expect(fields["LastName"]?["compoundFieldName"] == "Name" && fields["Email"]?["compoundFieldName"] == .null)
        _ = try await it.call("POST", "sobjects/Contact", ["LastName": "A", "MailingCountryCode": "IT"])
        let row = try await it.query("SELECT MailingAddress FROM Contact")["records"]?[0]?["MailingAddress"]
        #expect(row?["countryCode"] == "IT" && row?["country"] == "Italy" && row?["stateCode"] == .null)
    }

    @Test func bulkQueriesTakeNoCompoundFields() async throws {
        let it = try SalesforceCaller()
        let query: WireJSON = ["operation": "query", "query": "SELECT Id, MailingAddress FROM Contact"]
        #expect(try await it.call("POST", "jobs/query", query).status == 400)
    }

    // MARK: - Currencies

    @Test func recordsOfAMultiCurrencyOrgSayTheirCurrency() async throws {
        let it = try SalesforceCaller { $0.currencies = ["EUR", "USD"] }
        for object in ["Contact", "Lead", "Account", "Opportunity", "Campaign"] {
            let (_, fields) = try await describe(it, object)
            #expect(fields["CurrencyIsoCode"]?["restrictedPicklist"] == true, "\(object)")
        }
        for value: WireJSON in [["Name": "A"], ["Name": "B", "CurrencyIsoCode": "USD"]] {
            #expect(try await it.call("POST", "sobjects/Account", value).status == 201)
        }
        #expect(
            try await it.values("CurrencyIsoCode", "SELECT CurrencyIsoCode FROM Account ORDER BY Name")
                == ["EUR", "USD"])
        let unknown = try await it.call("POST", "sobjects/Account", ["Name": "C", "CurrencyIsoCode": "XXX"])
        #expect(unknown.errorCode == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")
    }

    @Test func anOrgWithOneCurrencyHasNoSuchField() async throws {
        let it = try SalesforceCaller()
        let answer = try await it.call("GET", "query", query: [("q", "SELECT CurrencyIsoCode FROM Account")])
        #expect(answer.errorCode == "INVALID_FIELD")
    }

    // MARK: - Record types

    @Test func recordTypesAreDescribedDefaultedAndChecked() async throws {
        let it = try SalesforceCaller { $0.recordTypes = ["Customer", "Key Partner"] }
        let (body, _) = try await describe(it, "Lead")
        let infos = body["recordTypeInfos"]?.arrayValue ?? []
        #expect(infos.compactMap { $0["name"]?.stringValue } == ["Customer", "Key Partner", "Master"])
        #expect(infos.map { $0["defaultRecordTypeMapping"] } == [true, false, false])
        #expect(infos[1]["developerName"] == "Key_Partner")
        _ = try await it.call("POST", "sobjects/Lead", ["LastName": "A", "Company": "C"])
        let second = try #require(infos[1]["recordTypeId"])
        let made: WireJSON = ["LastName": "B", "Company": "C", "RecordTypeId": second]
        #expect(try await it.call("POST", "sobjects/Lead", made).status == 201)
        let rows = try await it.query("SELECT RecordType.Name FROM Lead ORDER BY LastName")["records"]?.arrayValue
        #expect(rows?.map { $0["RecordType"]?["Name"] } == ["Customer", "Key Partner"])
        let alien = try await it.call("POST", "sobjects/Contact", ["LastName": "C", "RecordTypeId": second])
        #expect(alien.errorCode == "INVALID_CROSS_REFERENCE_KEY")
    }

    @Test func personAccountsKeepTheirTypesBesideOthers() async throws {
        let it = try SalesforceCaller {
            $0.hasPersonAccounts = true
            $0.recordTypes = ["Customer"]
        }
        let names = try await describe(it, "Account").0["recordTypeInfos"]?.arrayValue?.map { $0["name"] }
        #expect(names == ["Business Account", "Person Account", "Master"])
        _ = try await it.call("POST", "sobjects/Account", ["LastName": "A"])
        _ = try await it.call("POST", "sobjects/Contact", ["LastName": "B"])
        #expect(try await it.values("IsPersonAccount", "SELECT IsPersonAccount FROM Account") == [true])
        let row = try await it.query("SELECT RecordType.Name FROM Contact WHERE LastName = 'B'")["records"]?[0]
        #expect(row?["RecordType"]?["Name"] == "Customer")
    }

    // MARK: - Statuses and campaigns

    @Test func leadStatusesSayWhichOneAConversionSets() async throws {
        let it = try SalesforceCaller()
        let converted = try await it.values(
            "MasterLabel", "SELECT MasterLabel FROM LeadStatus WHERE IsConverted = TRUE")
        #expect(converted == ["Closed - Converted"])
        let standard = try await it.values("ApiName", "SELECT ApiName FROM LeadStatus WHERE IsDefault = TRUE")
        #expect(standard == ["Open - Not Contacted"])
        let lead = it.org.seed("Lead", count: 1) { _ in ["LastName": "A", "Company": "C"] }[0]
        try it.org.actAsUser { try $0.convertLead(lead) }
        #expect(it.org.record(lead)?["Status"].text == converted.first?.stringValue)
    }

    @Test(arguments: ["LeadStatus", "Organization"])
    func whatDescribesTheOrgIsReadOnly(object: String) async throws {
        let it = try SalesforceCaller()
        let made = try await it.call("POST", "sobjects/\(object)", [:])
        #expect(made.status == 400 && made.errorCode == "INVALID_TYPE_FOR_OPERATION")
        let id = try #require(try await it.values("Id", "SELECT Id FROM \(object) LIMIT 1").first?.stringValue)
        #expect(try await it.call("DELETE", "sobjects/\(object)/\(id)").status == 400)
        #expect(try await describe(it, object).0["createable"] == false)
    }

    @Test func anOpportunityMayNameItsCampaign() async throws {
        let it = try SalesforceCaller()
        let made = try await it.call("POST", "sobjects/Campaign", ["Name": "Spring", "IsActive": true])
        let campaign = try #require(made.body?["id"]?.stringValue)
        #expect(campaign.hasPrefix("701") && campaign.count == 18)
        let opportunity = try await it.call(
            "POST", "sobjects/Opportunity",
            ["Name": "O", "StageName": "Prospecting", "CloseDate": "2026-12-01", "CampaignId": .string(campaign)])
        #expect(opportunity.status == 201)
        let row = try await it.query("SELECT Campaign.Name FROM Opportunity")["records"]?[0]
        #expect(row?["Campaign"]?["Name"] == "Spring")
    }
}
