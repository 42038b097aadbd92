import Foundation
import Testing

/// The package says what the client and the simulator say, word for word.
@Suite(.timeLimit(.minutes(1)))
struct SalesforcePackageNamesTests {
    let package: SalesforcePackage
    let names = SalesforceNames()
    /// The client's names for the package's fields.
    let status: String
    let sequence: String
    let acknowledged: String
    let marker: String
    let checkbox: String
    let waiting: String
    let synced: String

    init() throws {
        package = try SalesforcePackage()
        status = try names.constant("status", in: names.client)
        sequence = try names.constant("changeSequence", in: names.client)
        acknowledged = try names.constant("acknowledgedSequence", in: names.client)
        marker = try names.constant("writeMarker", in: names.client)
        checkbox = try names.constant("markerField", in: "Sources/SyncRules/Model/SyncSettings.swift")
        waiting = try names.constant("waiting", in: "Sources/SyncRules/Model/Records.swift")
        synced = try names.constant("synced", in: "Sources/SyncRules/Model/Records.swift")
    }

    // MARK: - Fields

    @Test(arguments: SalesforcePackage.objects)
    func fieldsAreThoseOfTheSimulator(object: String) throws {
        let simulated = try names.simulatedFields()
        let fields = package.fields(of: object)
        #expect(Set(fields.keys) == Set(simulated.keys))
        let types = ["string": "Text", "picklist": "Picklist", "double": "Number", "boolean": "Checkbox"]
        for (name, field) in simulated {
            let own = try #require(fields[name])
            #expect(own.value("label") == field.label, "\(name)")
            #expect(own.value("type") == types[field.type], "\(name)")
            #expect(own.value("precision") == field.precision, "\(name)")
            // A picklist's length is Salesforce's own.
            if field.type == "string" { #expect(own.value("length") == field.length, "\(name)") }
        }
    }

    @Test(arguments: SalesforcePackage.objects)
    func everyFieldTheSourcesNameExists(object: String) throws {
        let used = try names.everyFieldName()
        #expect(Set(package.fields(of: object).keys) == used)
        #expect(used.isSuperset(of: [status, sequence, acknowledged, marker, checkbox]))
    }

    @Test(arguments: SalesforcePackage.objects)
    func theContactIDIsAnExternalIDThatOnlyOneRecordCanHold(object: String) throws {
        let sql = try SourceTree.text("Sources/Store/Migrations/m0001_tenants.sql")
        let name = try #require(sql.firstMatch(of: /external_id_field text DEFAULT '(\w+)'/)?.1)
        for (field, element) in package.fields(of: object) {
            #expect(element.value("externalId") == (field == name ? "true" : "false"), "\(field)")
            #expect((element.value("unique") == "true") == (field == name), "\(field)")
            #expect(element.value("required") != "true", "\(field) would stop people's own writes")
        }
        #expect(package.fields(of: object)[String(name)]?.value("unique") == "true")
    }

    @Test(arguments: SalesforcePackage.objects)
    func theStatusHasTheWordsOfTheClient(object: String) throws {
        let field = try #require(package.fields(of: object)[status])
        let words = try #require(field["valueSet"].first?["valueSetDefinition"].first)["value"]
        #expect(Set(words.compactMap { $0.value("fullName") }) == [waiting, synced])
        #expect(words.compactMap { $0.value("fullName") } == (try names.simulatedStatuses()))
        #expect(words.filter { $0.value("default") == "true" }.compactMap { $0.value("fullName") } == [synced])
        #expect(words.allSatisfy { $0.value("fullName") == $0.value("label") })
        #expect(field.value("valueSet", "restricted") == "true")
    }

    // MARK: - The rule

    @Test(arguments: SalesforcePackage.objects)
    func theRuleComparesTheAcknowledgedChangeWithTheLast(object: String) throws {
        let rule = try #require(package.members("ValidationRule").first { $0.object == object }).element
        let expected = """
            AND(NOT(ISNEW()),ISCHANGED(\(marker)),ISPICKVAL(PRIORVALUE(\(status)),"\(waiting)"),\
            BLANKVALUE(\(acknowledged),0)<>BLANKVALUE(PRIORVALUE(\(sequence)),0))
            """
        #expect(Self.packed(rule.value("errorConditionFormula")) == Self.packed(expected))
        #expect(rule.value("errorConditionFormula")?.contains("\"\(waiting)\"") == true)
        #expect(rule.value("active") == "true")
    }

    @Test(arguments: SalesforcePackage.objects)
    func theRefusalIsTheOneTheClientKnows(object: String) throws {
        let rule = try #require(package.members("ValidationRule").first { $0.object == object }).element
        let mark = try names.constant("changedSinceSyncMark", in: "Sources/Salesforce/ErrorClassification.swift")
        let message = try #require(rule.value("errorMessage"))
        #expect(message == (try names.simulatedMessage()))
        #expect(message.hasPrefix("\(mark):"))
        #expect(rule["errorDisplayField"].isEmpty, "the simulator names no field")
    }

    // MARK: - Flows

    @Test func bothObjectsHaveAFlowForCreatingAndOneForChanging() {
        let flows = package.members("Flow").map(\.element)
        let found = flows.map { "\($0.value("start", "object") ?? "")/\($0.value("start", "recordTriggerType") ?? "")" }
        #expect(found.sorted() == ["Contact/Create", "Contact/Update", "Lead/Create", "Lead/Update"])
        for flow in package.members("Flow") {
            let (object, event) = (
                flow.element.value("start", "object"), flow.element.value("start", "recordTriggerType")
            )
            #expect(flow.name == "AC_Sync_Flag_\(object ?? "")_\(event ?? "")")
            #expect(flow.element.value("start", "triggerType") == "RecordBeforeSave", "\(flow.name)")
            #expect(flow.element.value("processType") == "AutoLaunchedFlow", "\(flow.name)")
            #expect(flow.element.value("status") == "Active", "\(flow.name)")
        }
    }

    @Test func flowsLeaveMarkedWritesAlone() {
        for flow in package.members("Flow").map(\.element) {
            let isCreate = flow.value("start", "recordTriggerType") == "Create"
            let formula = isCreate ? "ISBLANK({!$Record.\(marker)})" : "NOT(ISCHANGED({!$Record.\(marker)}))"
            #expect(Self.packed(flow.value("start", "filterFormula")) == formula)
        }
    }

    @Test func flowsMakeTheRecordWaitAndCountFromThePriorValue() {
        for flow in package.members("Flow").map(\.element) {
            let items = flow["assignments"].flatMap { $0["assignmentItems"] }
            let writes = Dictionary(
                items.map { ($0.value("assignToReference") ?? "", $0["value"].first?.children.first?.text ?? "") }
            ) { first, _ in first }
            #expect(writes == ["$Record.\(status)": waiting, "$Record.\(sequence)": "NextSeq"])
            #expect(items.allSatisfy { $0.value("operator") == "Assign" })
            let isCreate = flow.value("start", "recordTriggerType") == "Create"
            let prior = isCreate ? "$Record" : "$Record__Prior"
            #expect(Self.packed(flow.value("formulas", "expression")) == "BLANKVALUE({!\(prior).\(sequence)},0)+1")
        }
    }

    @Test func flowsReferOnlyToWhatExists() throws {
        for flow in package.members("Flow") {
            let object = try #require(flow.element.value("start", "object"))
            let text = try SourceTree.text(flow.path)
            let used = text.matches(of: /\$Record(?:__Prior)?\.(\w+)/).map { String($0.1) }
            #expect(!used.isEmpty && Set(used).isSubset(of: package.fields(of: object).keys), "\(flow.path)")
            let steps = Set(flow.element["assignments"].compactMap { $0.value("name") })
            #expect(Set(flow.element.everyValue("targetReference")) == steps, "\(flow.path)")
            let formulas = Set(flow.element["formulas"].compactMap { $0.value("name") })
            #expect(Set(flow.element.everyValue("elementReference")) == formulas, "\(flow.path)")
        }
    }

    // MARK: - Permissions

    @Test func theIntegrationMayReadAndWriteWhatTheClientDoes() throws {
        let granted = Self.grants(try package.permissionSet("AC_Sync"))
        let written = [status, sequence, acknowledged, marker, "AC_Contact_Id__c", "Email", "Phone"]
        for object in SalesforcePackage.objects {
            for field in written { #expect(granted["\(object).\(field)"] == true, "\(object).\(field)") }
            // People decide what is synchronised; the client only reads it.
            #expect(granted["\(object).\(checkbox)"] == false)
            for field in package.fields(of: object).keys { #expect(granted["\(object).\(field)"] != nil, "\(field)") }
        }
        #expect(granted.count == SalesforcePackage.objects.count * (written.count + 1))
    }

    @Test func nobodyElseMayEditTheFieldsOfThePackage() throws {
        #expect(package.members("PermissionSet").map(\.name) == ["AC_Sync", "AC_Sync_User"])
        let people = Self.grants(try package.permissionSet("AC_Sync_User"))
        for object in SalesforcePackage.objects {
            #expect(people["\(object).\(checkbox)"] == true)
            #expect(people["\(object).\(status)"] == false)
        }
        #expect(people.count == SalesforcePackage.objects.count * 2)
        #expect(try package.permissionSet("AC_Sync_User")["objectPermissions"].isEmpty)
    }

    @Test func theIntegrationDeletesNothing() throws {
        let set = try package.permissionSet("AC_Sync")
        var objects: Set<String> = []
        for object in set["objectPermissions"] {
            let name = object.value("object") ?? ""
            objects.insert(name)
            #expect(object.value("allowDelete") == "false" && object.value("modifyAllRecords") == "false", "\(name)")
            let writes = SalesforcePackage.objects.contains(name) ? "true" : "false"
            #expect(object.value("allowRead") == "true", "\(name)")
            for right in ["allowCreate", "allowEdit", "viewAllRecords"] {
                #expect(object.value(right) == writes, "\(name): \(right)")
            }
        }
        // Reading contacts presupposes reading accounts.
        #expect(objects == ["Account", "Contact", "Lead"])
        #expect(set["userPermissions"].compactMap { $0.value("name") } == ["ApiEnabled"])
        let permissions = package.members("CustomPermission").map(\.name)
        #expect(set["customPermissions"].compactMap { $0.value("name") } == permissions)
        // A set that has to be activated counts for nothing in an API session.
        #expect(set.value("hasActivationRequired") == "false")
    }

    // MARK: - The app

    @Test func theAppLetsTheIntegrationInByCertificateAlone() throws {
        let app = try #require(package.members("ExternalClientApplication").first).name
        let parts = package.members.filter { $0.element.name.hasPrefix("ExtlClntApp") }
        #expect(parts.count == 3 && parts.allSatisfy { $0.element.value("externalClientApplication") == app })
        let scopes = parts.flatMap { $0.element["commaSeparatedOauthScopes"] }.map { Self.packed($0.text) }
        #expect(scopes == ["Api,RefreshToken"])
        for part in parts {
            for switchedOn in part.element.children where switchedOn.name.contains("Flow") {
                #expect(switchedOn.text == "false", "\(part.name): \(switchedOn.name)")
            }
        }
        let policy = try #require(package.members("ExtlClntAppOauthConfigurablePolicies").first).element
        #expect(policy.value("permittedUsersPolicyType") == "AdminApprovedPreAuthorized")
        #expect(policy.value("commaSeparatedPermissionSet") == "AC_Sync")
    }

    /// Field permissions by field: whether it may be edited; all of them may be read.
    private static func grants(_ set: MetadataElement) -> [String: Bool] {
        let readable = set["fieldPermissions"].filter { $0.value("readable") == "true" }
        return Dictionary(readable.map { ($0.value("field") ?? "", $0.value("editable") == "true") }) { $0 && $1 }
    }

    /// A formula without its layout; blanks inside quotes go as well.
    private static func packed(_ formula: String?) -> String { formula.map { $0.filter { !$0.isWhitespace } } ?? "" }
}
