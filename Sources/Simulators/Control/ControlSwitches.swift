import Foundation

/// The switches of an account as JSON, by the names of `ActiveCampaignOptions`.
enum ControlSwitches {
    /// Every switch with its value; those without one are null.
    static func json(_ options: ActiveCampaignOptions) throws -> WireJSON {
        var object = try encoded(options)
        for name in names where object[name] == nil { object[name] = .null }
        object.members.sort { $0.name < $1.name }
        return .object(object)
    }

    /// Options with the switches of `changes` set.
    static func applying(_ changes: WireObject, to options: ActiveCampaignOptions) throws -> ActiveCampaignOptions {
        try applying(changes, to: options, names: names, of: "an account")
    }

    /// An org's unconfirmed facts with those of `changes` set.
    static func applying(_ changes: WireObject, to facts: SalesforceUnconfirmed) throws -> SalesforceUnconfirmed {
        try applying(changes, to: facts, names: factNames, of: "what is unconfirmed")
    }

    private static func applying<Switches: Codable>(
        _ changes: WireObject, to switches: Switches, names: Set<String>, of whom: String
    ) throws -> Switches {
        var object = try encoded(switches)
        for (name, value) in changes.members {
            guard names.contains(name) else { throw ControlError(.badRequest, "no switch '\(name)' of \(whom)") }
            object[name] = value.isNull ? nil : value
        }
        do {
            return try JSONDecoder().decode(Switches.self, from: WireJSON.object(object).data)
        } catch let DecodingError.keyNotFound(key, _) {
            throw ControlError(.badRequest, "\(key.stringValue) cannot be null")
        } catch DecodingError.typeMismatch(_, let context), DecodingError.dataCorrupted(let context),
            DecodingError.valueNotFound(_, let context)
        {
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            throw ControlError(.badRequest, "\(path): \(context.debugDescription)")
        }
    }

    private static let names = names(of: ActiveCampaignOptions(name: ""))
    private static let factNames = names(of: SalesforceUnconfirmed())

    private static func names(of switches: Any) -> Set<String> {
        Set(Mirror(reflecting: switches).children.compactMap(\.label))
    }

    private static func encoded(_ switches: some Encodable) throws -> WireObject {
        let json = try WireJSON(parsing: JSONEncoder().encode(switches))
        return json.objectValue ?? WireObject()
    }
}
