import Foundation
import Testing

/// The package for real orgs: nobody here can deploy it, so everything that can be known without an org is checked.
@Suite(.timeLimit(.minutes(1)))
struct SalesforcePackageTests {
    static let namespace = "http://soap.sforce.com/2006/04/metadata"
    let package: SalesforcePackage
    let names = SalesforceNames()

    init() throws { package = try SalesforcePackage() }

    // MARK: - Files

    @Test func everyFileIsOfTheKindItsNameAndFolderSay() {
        #expect(package.members.count == 25)
        for member in package.members {
            #expect(member.element.name == member.kind?.root, "\(member.path)")
            #expect(member.path.contains("/\(member.kind?.folder ?? "?")/"), "\(member.path)")
            #expect(member.element.namespace == Self.namespace, "\(member.path)")
            if let name = member.element.value("fullName") { #expect(name == member.ownName, "\(member.path)") }
        }
    }

    @Test func textsFitTheirFields() {
        for member in package.members where member.kind?.root != "Flow" {
            for text in member.element.everyValue("description") + member.element.everyValue("errorMessage") {
                #expect(text.count <= 255 && !text.isEmpty, "\(member.path)")
            }
            for label in member.element.everyValue("label") { #expect(label.count <= 40, "\(member.path)") }
        }
    }

    @Test func manifestListsEveryMemberAndNothingElse() throws {
        let listed = try SalesforcePackage.manifest("manifest/package.xml")
        let present = Dictionary(grouping: package.members) { $0.kind?.root ?? "?" }.mapValues { $0.map(\.name) }
        #expect(listed.mapValues { $0.sorted() } == present.mapValues { $0.sorted() })
    }

    @Test func partialManifestsLeaveOutOnlyWhatTheyShould() throws {
        let whole = try SalesforcePackage.manifest("manifest/package.xml")
        let isApp = { (kind: String) in kind.hasPrefix("ExternalClient") || kind.hasPrefix("ExtlClntApp") }
        #expect(try SalesforcePackage.manifest("manifest/records.xml") == whole.filter { !isApp($0.key) })
        // Versions of a flow and the app can only be deleted in the org.
        let removed = try SalesforcePackage.manifest("manifest/uninstall/destructiveChanges.xml")
        #expect(removed == whole.filter { !isApp($0.key) && $0.key != "Flow" })
        #expect(try SalesforcePackage.manifest("manifest/uninstall/package.xml").isEmpty)
        for path in SourceTree.files(under: "\(SalesforcePackage.folder)/manifest") {
            let root = try MetadataElement.parse(path)
            #expect(root.name == "Package" && root.namespace == Self.namespace, "\(path)")
        }
    }

    @Test func everythingIsOfTheVersionTheClientSpeaks() throws {
        let version = try names.constant("apiVersion", in: "Sources/Salesforce/Client/SalesforceClient.swift")
        let project = try Project.read()
        #expect(project.sourceApiVersion == version)
        #expect(project.packageDirectories.map(\.path) == ["force-app"])
        for path in SourceTree.files(under: "\(SalesforcePackage.folder)/manifest") {
            #expect(try MetadataElement.parse(path).value("version") == version, "\(path)")
        }
        for flow in package.members("Flow") { #expect(flow.element.value("apiVersion") == version, "\(flow.path)") }
    }

    @Test func placeholdersAreFilledAtDeployment() throws {
        let project = try Project.read()
        #expect(Set(project.replacements.map(\.replaceWithEnv)) == ["FERRY_CERTIFICATE_BODY", "FERRY_CONTACT_EMAIL"])
        let guide = try SourceTree.text("\(SalesforcePackage.folder)/README.md")
        for replacement in project.replacements {
            let text = try SourceTree.text("\(SalesforcePackage.folder)/\(replacement.filename)")
            #expect(text.contains(">\(replacement.stringToReplace)<"), "\(replacement.filename)")
            #expect(guide.contains("export \(replacement.replaceWithEnv)="))
        }
        let known = Set(project.replacements.map(\.stringToReplace))
        for member in package.members {
            let placeholders = try SourceTree.text(member.path).matches(of: />(FERRY_\w+|[^<]*\.invalid)</)
            #expect(placeholders.allSatisfy { known.contains(String($0.1)) }, "\(member.path)")
        }
    }

    @Test func contactAndLeadCarryTheSame() throws {
        for root in ["CustomField", "ValidationRule", "Flow"] {
            let files = package.members(root).map(\.path)
            let own = files.filter { $0.contains("Contact/") || $0.contains("Flag_Contact_") }
            let other = files.filter { $0.contains("Lead/") || $0.contains("Flag_Lead_") }
            #expect(own.map(Self.forLead) == other && own.count + other.count == files.count, "\(root)")
            for (contact, lead) in zip(own, other) {
                let text = try SourceTree.text(contact)
                let expected = root == "Flow" ? Self.forLead(text).replacing("contact", with: "lead") : text
                #expect(try SourceTree.text(lead) == expected, "\(lead)")
            }
        }
    }

    /// What a contact's path or flow has to be for a lead; `AC_Contact_Id__c` is called the same on both.
    private static func forLead(_ text: String) -> String {
        text.replacing("Contact", with: "Lead").replacing("AC_Lead_Id__c", with: "AC_Contact_Id__c")
    }

    @Test func guideNamesEveryPart() throws {
        let guide = try SourceTree.text("\(SalesforcePackage.folder)/README.md")
        for member in package.members {
            let name = member.ownName.split(separator: "_oauth").first?.split(separator: "_glbl").first ?? ""
            #expect(guide.contains("`\(name)`"), "\(member.path)")
        }
        let statuses = try names.simulatedStatuses()
        #expect(statuses.allSatisfy { guide.contains("`\($0)`") })
    }
}

/// `sfdx-project.json`.
struct Project: Decodable {
    struct Directory: Decodable { let path: String }
    struct Replacement: Decodable {
        let filename: String
        let stringToReplace: String
        let replaceWithEnv: String
    }

    let packageDirectories: [Directory]
    let sourceApiVersion: String
    let replacements: [Replacement]

    static func read() throws -> Project {
        let text = try SourceTree.text("\(SalesforcePackage.folder)/sfdx-project.json")
        return try JSONDecoder().decode(Project.self, from: Data(text.utf8))
    }
}
