import Cluster
import Drivers
import Foundation
import Simulators
import Store
import Testing

extension ProcessTests {
    /// `ferry tenants validate` and `doctor`: what is wrong is said before it does harm.
    @Suite(.timeLimit(.minutes(5)))
    struct ValidateTests {
        private struct Report: Decodable {
            let isValid: Bool
            let findings: [Finding]

            struct Finding: Decodable {
                let weight: String
                let place: String
                let message: String
            }
        }

        private struct Doctor: Decodable {
            let verdict: String
            let findings: [Finding]

            struct Finding: Decodable {
                let check: String
                let verdict: String
                let message: String
            }
        }

        private static let good = """
            id: acme
            connections:
              - {provider: activecampaign, base_url: 'https://acme.api-us1.com', secret: ferry1.k.c2VjcmV0}
              - {provider: salesforce, base_url: 'https://acme.my.salesforce.com', secret: ferry1.k.c2VjcmV0}
            settings: {inbound_interval_hours: 4, time_zone: Europe/Berlin, lead_selection: criteria}
            mappings:
              - {object: contact, sf_field: Birthdate, sf_type: date, ac_field: 'custom:B', ac_type: date}
              - {object: contact, sf_field: Score__c, sf_type: formula, ac_field: 'custom:S', update_mode: sf_to_ac}
            criteria:
              - {object: lead, field: Region__c, operator: in, operands: [EU, US]}
              - {object: lead, field: Size__c, operator: gt, value_type: number, operands: ['10'], position: 2}
            budgets: [{provider: salesforce, daily_share: 0.5}]
            """

        @Test func aGoodDocumentIsCalledGood() async throws {
            try await LiveCluster.run { cluster in
                let process = try await cluster.ferry("tenants", "validate", "--file", "-", "--json", input: Self.good)
                #expect(process.ending == .code(0), "\(process.output)")
                #expect(try Self.report(process).findings.isEmpty)
                #expect(try await cluster.ferry("tenants", "apply", "-", input: Self.good).ending == .code(0))
                let stored = try await cluster.ferry("tenants", "validate", "acme", "--json")
                #expect(try Self.report(stored).isValid && stored.ending == .code(0))
            }
        }

        /// What PostgreSQL refuses, `validate` refuses, and names the place.
        @Test func whatTheDatabaseRefusesIsSaidBefore() async throws {
            let faults: [(from: String, to: String, place: String)] = [
                ("id: acme", "id: Acme Inc", "id"),
                ("https://acme.api-us1.com", "ftp://acme.api-us1.com", "connections[0].base_url"),
                ("https://acme.my.salesforce.com", "https://ann@acme.my.salesforce.com", "connections[1].base_url"),
                ("inbound_interval_hours: 4", "inbound_interval_hours: 5", "settings.inbound_interval_hours"),
                ("inbound_interval_hours: 4", "daily_hour: 4", "settings.daily_hour"),
                ("Europe/Berlin", "Europe/Atlantis", "settings.time_zone"),
                ("lead_selection: criteria", "contact_selection: criteria", "settings.contact_selection"),
                ("lead_selection: criteria", "lead_selection: some", "settings.lead_selection"),
                ("lead_selection:", "opportunity_target: invoice, lead_selection:", "settings.opportunity_target"),
                (
                    "lead_selection:", "person_account_selection: criteria, lead_selection:",
                    "settings.person_account_selection"
                ),
                (
                    "lead_selection:", "contact_record_type_id: '012', lead_selection:",
                    "settings.contact_record_type_id"
                ),
                (
                    "object: contact, sf_field: Birthdate", "object: opportunity, sf_field: Birthdate",
                    "mappings[0].object"
                ),
                ("object: contact, sf_field: Birthdate", "object: account, sf_field: Name", "mappings[0].ac_field"),
                ("ac_type: date", "ac_type: checkbox", "mappings[0].ac_type"),
                ("sf_type: date", "sf_type: day", "mappings[0].sf_type"),
                ("update_mode: sf_to_ac", "update_mode: ac_to_sf", "mappings[1].update_mode"),
                (
                    "object: contact, sf_field: Birthdate",
                    "object: account, update_mode: ac_wins, sf_field: Birthdate",
                    "mappings[0].update_mode"
                ),
                ("'custom:S'", "'custom:B'", "mappings[1]"),
                ("sf_field: Score__c", "sf_field: Birthdate", "mappings[1]"),
                ("sf_field: Birthdate", "sf_field: 'Birth date'", "mappings[0].sf_field"),
                ("operator: in", "operator: eq", "criteria[0].operands"),
                ("operator: gt", "operator: over", "criteria[1].operator"),
                ("['10']", "[ten]", "criteria[1].operands"),
                ("position: 2", "position: 1", "criteria[1]"),
                ("daily_share: 0.5", "daily_share: 5.0", "budgets[0].daily_share"),
            ]
            try await LiveCluster.run { cluster in
                for fault in faults {
                    let text = Self.good.replacing(fault.from, with: fault.to)
                    #expect(text != Self.good, "\(fault.from)")
                    let process = try await cluster.ferry("tenants", "validate", "--file", "-", "--json", input: text)
                    let report = try Self.report(process)
                    #expect(process.ending == .code(1) && !report.isValid, "\(fault)")
                    #expect(
                        report.findings.contains { $0.weight == "error" && $0.place == fault.place },
                        "\(fault): \(report.findings)")
                    let applied = try await cluster.ferry("tenants", "apply", "-", input: text)
                    #expect(applied.ending != .code(0), "PostgreSQL takes \(fault)")
                }
            }
        }

        @Test func everythingWrongIsSaidAtOnceAndNoSecret() async throws {
            try await LiveCluster.run { cluster in
                let text = """
                    id: acme
                    connections: [{provider: salesfroce, base_url: 'https://x.example', secret: hunter2}]
                    settings: {contact_selection: markd}
                    """
                let process = try await cluster.ferry("tenants", "validate", "--file", "-", input: text)
                #expect(process.ending == .code(1))
                for word in ["did you mean salesforce?", "ferry seal", "did you mean marked?", "activecampaign"] {
                    #expect(process.output.contains(word), "\(process.output)")
                }
                #expect(!(process.output + process.errors).contains("hunter2"))
            }
        }

        // MARK: - Doctor

        @Test func theDoctorFindsWhatIsMissingOnEitherSideAndWritesNothing() async throws {
            try await LiveCluster.run { cluster in
                let tenant = try await LiveTenant.onBoard("acme", in: cluster)
                let well = try await cluster.ferry("tenants", "doctor", "acme", "--json")
                #expect(well.ending == .code(0), "\(well.output)")
                #expect(try Self.doctor(well).verdict.hasPrefix("ready"))

                try await cluster.pool.query(
                    """
                    INSERT INTO ferry.field_mappings (tenant, object, sf_field, sf_type, ac_field, ac_type) VALUES
                        ('acme', 'contact', 'Shoe_Size__c', 'number', 'custom:SHOES', 'text'),
                        ('acme', 'contact', 'birthdate', 'date', 'custom:BDAY', 'date')
                    """)
                let before = tenant.snapshot()
                let ill = try await cluster.ferry("tenants", "doctor", "acme", "--json", "--quiet")
                let report = try Self.doctor(ill)
                #expect(ill.ending == .code(1) && report.verdict == "not ready")
                let failed = Set(report.findings.filter { $0.verdict == "failed" }.map(\.check))
                #expect(
                    failed.isSuperset(of: ["salesforce.contact.Shoe_Size__c", "salesforce.contact.birthdate"]),
                    "\(report.findings)")
                #expect(ill.output.contains("spells it Birthdate"))
                #expect(tenant.snapshot().changes(since: before).isEmpty)

                let wrong = try tenant.sealed("not-the-key")
                try await cluster.pool.query(
                    "UPDATE ferry.connections SET secret = '\(wrong)' WHERE provider = 'activecampaign'")
                let locked = try await cluster.ferry("tenants", "doctor", "acme", "--json")
                #expect(
                    try Self.doctor(locked).findings.contains {
                        $0.check == "activecampaign.credentials" && $0.verdict == "failed"
                    })
                #expect(!(locked.output + locked.errors).contains("not-the-key"))
            }
        }

        // MARK: - Steps

        private static func report(_ process: FerryProcess) throws -> Report {
            try JSONDecoder().decode(Report.self, from: Data(process.output.utf8))
        }

        private static func doctor(_ process: FerryProcess) throws -> Doctor {
            try JSONDecoder().decode(Doctor.self, from: Data(process.output.utf8))
        }
    }
}
