import Foundation

/// `deploy/salesforce` as the tests see it.
struct SalesforcePackage {
    static let folder = "deploy/salesforce"
    static let source = "\(folder)/force-app/main/default"
    static let objects = ["Contact", "Lead"]

    /// A kind of metadata: the files' ending and folder.
    struct Kind {
        let root: String
        let ending: String
        let folder: String
    }

    static let kinds = [
        Kind(root: "CustomField", ending: "field", folder: "fields"),
        Kind(root: "ValidationRule", ending: "validationRule", folder: "validationRules"),
        Kind(root: "Flow", ending: "flow", folder: "flows"),
        Kind(root: "CustomPermission", ending: "customPermission", folder: "customPermissions"),
        Kind(root: "PermissionSet", ending: "permissionset", folder: "permissionsets"),
        Kind(root: "ExternalClientApplication", ending: "eca", folder: "externalClientApps"),
        Kind(root: "ExtlClntAppOauthSettings", ending: "ecaOauth", folder: "extlClntAppOauthSettings"),
        Kind(root: "ExtlClntAppGlobalOauthSettings", ending: "ecaGlblOauth", folder: "extlClntAppGlobalOauthSets"),
        Kind(root: "ExtlClntAppOauthConfigurablePolicies", ending: "ecaOauthPlcy", folder: "extlClntAppOauthPolicies"),
    ]

    /// One member of the package, made from its file.
    struct Member {
        let path: String
        /// Nil when the file's ending is none that Salesforce knows.
        let kind: Kind?
        /// As a manifest writes it: `Contact.AC_Sync__c`, `AC_Sync`.
        let name: String
        let element: MetadataElement

        /// The name without the object.
        var ownName: String { name.split(separator: ".").last.map(String.init) ?? name }
        var object: String? { name.contains(".") ? name.split(separator: ".").first.map(String.init) : nil }
    }

    let members: [Member]

    init() throws {
        members = try SourceTree.files(under: Self.source).map { path in
            let file = path.split(separator: "/").last.map(String.init) ?? path
            let parts = file.split(separator: ".", maxSplits: 1).map(String.init)
            let kind = Self.kinds.first { parts.count == 2 && parts[1] == "\($0.ending)-meta.xml" }
            let folders = path.split(separator: "/").map(String.init)
            let object = folders.firstIndex(of: "objects").map { folders[$0 + 1] + "." } ?? ""
            return Member(path: path, kind: kind, name: object + parts[0], element: try .parse(path))
        }
    }

    func members(_ root: String) -> [Member] { members.filter { $0.element.name == root } }

    /// The fields of an object by name.
    func fields(of object: String) -> [String: MetadataElement] {
        let own = members("CustomField").filter { $0.object == object }
        return Dictionary(own.map { ($0.ownName, $0.element) }) { first, _ in first }
    }

    func permissionSet(_ name: String) throws -> MetadataElement {
        guard let found = members("PermissionSet").first(where: { $0.name == name }) else { throw Missing(name: name) }
        return found.element
    }

    /// Members by kind, as a manifest lists them.
    static func manifest(_ path: String) throws -> [String: [String]] {
        let types = try MetadataElement.parse("\(folder)/\(path)")["types"]
        return Dictionary(types.map { ($0.value("name") ?? "", $0["members"].map(\.text)) }, uniquingKeysWith: +)
    }

    struct Missing: Error { let name: String }
}

/// What client and simulator call the package's parts, read out of their sources as text: neither may be imported here,
/// and a rename on either side must fail.
struct SalesforceNames {
    let client = "Sources/Cluster/Worker/Session/SalesforceGateway.swift"
    let simulator = "Sources/Simulators/Salesforce/SyncPackage.swift"

    /// A field as the simulator defines it.
    struct Field: Equatable {
        var label: String
        var type: String
        var length: String?
        var precision: String?
    }

    /// `let name = "value"` of a source file, by name.
    func constants(_ path: String) throws -> [String: String] {
        let found = try SourceTree.text(path).matches(of: /(?:let|var|case) (\w+) = "([^"]*)"/)
        return Dictionary(found.map { (String($0.1), String($0.2)) }) { first, _ in first }
    }

    /// One constant.
    func constant(_ name: String, in path: String) throws -> String {
        guard let value = try constants(path)[name] else { throw SalesforcePackage.Missing(name: name) }
        return value
    }

    /// Every field name of the package that appears anywhere in the sources.
    func everyFieldName() throws -> Set<String> {
        let paths =
            SourceTree.files(under: "Sources", suffix: ".swift")
            + SourceTree.files(under: "Sources", suffix: ".sql")
        return try paths.reduce(into: []) { names, path in
            names.formUnion(try SourceTree.text(path).matches(of: /\bAC_\w+__c\b/).map { String($0.0) })
        }
    }

    /// The simulator's fields by name.
    func simulatedFields() throws -> [String: Field] {
        let text = try SourceTree.text(simulator)
        var fields: [String: Field] = [:]
        for found in text.matches(of: /FieldDefinition\("(AC_\w+)", label: "([^"]*)", \.(\w+)(?:, length: (\d+))?\)/) {
            fields[String(found.1)] = Field(
                label: String(found.2), type: String(found.3), length: found.4.map(String.init))
        }
        let precision = text.firstMatch(of: /\$0\.precision = (\d+)/).map { String($0.1) }
        for found in text.matches(of: /\bnumber\("(AC_\w+)", "([^"]*)"\)/) {
            fields[String(found.1)] = Field(label: String(found.2), type: "double", precision: precision)
        }
        for found in text.matches(of: /checkbox\("(AC_\w+)", "([^"]*)"\)/) {
            fields[String(found.1)] = Field(label: String(found.2), type: "boolean")
        }
        return fields
    }

    /// The status words, as the simulator lists them.
    func simulatedStatuses() throws -> [String] {
        let list = try SourceTree.text(simulator).firstMatch(of: /picklistValues = \[([^\]]*)\]/)?.1 ?? ""
        return list.matches(of: /"([^"]*)"/).map { String($0.1) }
    }

    /// The simulator's message of the validation rule.
    func simulatedMessage() throws -> String {
        let text = try SourceTree.text(simulator)
        let found = text.firstMatch(of: /"FIELD_CUSTOM_VALIDATION_EXCEPTION", "([^"]*)"/)
        guard let message = found?.1 else { throw SalesforcePackage.Missing(name: "message") }
        return String(message)
    }
}
