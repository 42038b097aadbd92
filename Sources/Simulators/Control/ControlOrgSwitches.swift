/// What an org is like, as JSON: its options when it is made, its switches while it lives, and its fields.
enum ControlOrgSwitches {
    private enum Setter {
        case truth(WritableKeyPath<SalesforceOrgOptions, Bool>)
        case whole(WritableKeyPath<SalesforceOrgOptions, Int>)
        case wholeOrNull(WritableKeyPath<SalesforceOrgOptions, Int?>)
        case number(WritableKeyPath<SalesforceOrgOptions, Double>)
        case numberOrNull(WritableKeyPath<SalesforceOrgOptions, Double?>)
        case textOrNull(WritableKeyPath<SalesforceOrgOptions, String?>)
        case texts(WritableKeyPath<SalesforceOrgOptions, [String]>)
        case unconfirmed
        case edition
        case seed
    }

    /// Every option but the name, which is the org's own.
    private static func setter(_ name: String) -> Setter? {
        switch name {
        case "edition": .edition
        case "licences": .whole(\.licences)
        case "isSandbox": .truth(\.isSandbox)
        case "hasPackage": .truth(\.hasPackage)
        case "hasExternalIdField": .truth(\.hasExternalIdField)
        case "apiLimit": .wholeOrNull(\.apiLimit)
        case "apiOverage": .whole(\.apiOverage)
        case "hasAPI": .truth(\.hasAPI)
        case "commitDelay": .number(\.commitDelay)
        case "lockErrorRate": .number(\.lockErrorRate)
        case "sessionLifetime": .number(\.sessionLifetime)
        case "rotatesRefreshTokens": .truth(\.rotatesRefreshTokens)
        case "refreshIdleDays": .numberOrNull(\.refreshIdleDays)
        case "isApproved": .truth(\.isApproved)
        case "hasRunAsUser": .truth(\.hasRunAsUser)
        case "clientID": .textOrNull(\.clientID)
        case "queryPageRows": .whole(\.queryPageRows)
        case "hasPersonAccounts": .truth(\.hasPersonAccounts)
        case "hasStateCountryPicklists": .truth(\.hasStateCountryPicklists)
        case "trustsNetwork": .truth(\.trustsNetwork)
        case "bulkQueueSeconds": .number(\.bulkQueueSeconds)
        case "bulkStepSeconds": .number(\.bulkStepSeconds)
        case "convertsContactID": .truth(\.convertsContactID)
        case "unknownFieldFailsRequest": .truth(\.unknownFieldFailsRequest)
        case "currencies": .texts(\.currencies)
        case "recordTypes": .texts(\.recordTypes)
        case "unconfirmed": .unconfirmed
        case "seed": .seed
        default: nil
        }
    }

    /// Whether an option can be set here; a test holds this against the options there are.
    static func knows(_ option: String) -> Bool { setter(option) != nil }

    /// Options with those of `changes` set.
    static func applying(_ changes: WireObject, to options: SalesforceOrgOptions) throws -> SalesforceOrgOptions {
        var options = options
        for (name, value) in changes.members {
            guard let setter = setter(name) else {
                throw ControlError(.badRequest, "no option '\(name)' of an org")
            }
            if case .unconfirmed = setter {
                guard let changes = value.objectValue else {
                    throw ControlError(.badRequest, "unconfirmed: want an object")
                }
                options.unconfirmed = try ControlSwitches.applying(changes, to: options.unconfirmed)
                continue
            }
            guard apply(setter, value, to: &options) else {
                throw ControlError(.badRequest, "\(name): a value of the wrong type")
            }
        }
        return options
    }

    private static func apply(_ setter: Setter, _ value: WireJSON, to options: inout SalesforceOrgOptions) -> Bool {
        switch (setter, value) {
        case (.truth(let path), .bool(let truth)): options[keyPath: path] = truth
        case (.whole(let path), .int(let number)): options[keyPath: path] = number
        case (.wholeOrNull(let path), .int(let number)): options[keyPath: path] = number
        case (.wholeOrNull(let path), .null): options[keyPath: path] = nil
        case (.number(let path), _):
            guard let number = value.doubleValue else { return false }
            options[keyPath: path] = number
        case (.numberOrNull(let path), .null): options[keyPath: path] = nil
        case (.numberOrNull(let path), _):
            guard let number = value.doubleValue else { return false }
            options[keyPath: path] = number
        case (.textOrNull(let path), .string(let text)): options[keyPath: path] = text
        case (.textOrNull(let path), .null): options[keyPath: path] = nil
        case (.edition, .string(let text)):
            guard let edition = SalesforceEdition(rawValue: text) else { return false }
            options.edition = edition
        case (.texts(let path), .array(let elements)):
            let texts = elements.compactMap(\.stringValue)
            guard texts.count == elements.count else { return false }
            options[keyPath: path] = texts
        case (.seed, .int(let seed)): options.seed = UInt64(bitPattern: Int64(seed))
        default: return false
        }
        return true
    }

    // MARK: - While it lives

    /// Changes what may be changed of an org at any time.
    static func set(_ body: ControlBody, of org: SalesforceOrg) throws {
        try body.allow(
            "isApproved", "hasRunAsUser", "commitDelay", "lockErrorRate", "apiLimit", "apiOverage", "spendCalls",
            "longRunningCalls")
        let approved = try body.truth("isApproved", default: org.isApproved)
        let runAs = try body.truth("hasRunAsUser", default: org.hasRunAsUser)
        let delay = try body.number("commitDelay", in: 0...86_400)
        let rate = try body.number("lockErrorRate", in: 0...1)
        let limit = try body.int("apiLimit", in: 0...Int(Int32.max), default: org.apiUsage.limit)
        let overage = try body.int("apiOverage", in: 0...Int(Int32.max), default: 0)
        let running = try body.int("longRunningCalls", in: 0...1_000, default: 0)
        let spent = try body.int("spendCalls", in: 0...Int(Int32.max), default: 0)
        org.isApproved = approved
        org.hasRunAsUser = runAs
        if let delay { org.setCommitDelay(delay) }
        if let rate { org.setLockErrorRate(rate) }
        if body.object["apiLimit"] != nil || body.object["apiOverage"] != nil {
            org.setAPILimit(limit, overage: overage)
        }
        if body.object["longRunningCalls"] != nil { org.setLongRunningCalls(running) }
        if spent > 0 { org.spendCalls(spent) }
    }

    // MARK: - Fields

    /// Adds a custom field.
    static func addField(_ body: ControlBody, to org: SalesforceOrg) throws -> WireJSON {
        try body.allow(
            "object", "name", "type", "length", "precision", "scale", "unique", "default", "values", "restricted",
            "label", "required")
        let object = try body.requiredText("object")
        let name = try body.requiredText("name")
        guard name.hasSuffix("__c") else { throw ControlError(.badRequest, "name: a custom field ends with __c") }
        guard org.page(of: object, after: -1, limit: 1) != nil else {
            throw ControlError(.notFound, "no object '\(object)'")
        }
        org.addCustomField(
            object, name, try fieldType(body), label: try body.text("label"),
            isRequired: try body.truth("required", default: false))
        return ["object": .string(object), "name": .string(name)]
    }

    private static func fieldType(_ body: ControlBody) throws -> CustomFieldType {
        let length = try body.int("length", in: 1...131_072, default: 255)
        switch try body.requiredText("type") {
        case "text": return .text(length: length)
        case "externalId": return .externalID(length: length, unique: try body.truth("unique", default: true))
        case "number":
            return .number(
                precision: try body.int("precision", in: 1...18, default: 18),
                scale: try body.int("scale", in: 0...17, default: 0))
        case "checkbox": return .checkbox(default: try body.truth("default", default: false))
        case "date": return .date
        case "dateTime": return .dateTime
        case "email": return .email
        case "phone": return .phone
        case "url": return .url
        case "longText": return .longText(length: length)
        case "picklist":
            return .picklist(try body.texts("values"), restricted: try body.truth("restricted", default: false))
        default:
            throw ControlError(
                .badRequest,
                "type: want text, externalId, number, checkbox, date, dateTime, email, phone, url, longText or picklist"
            )
        }
    }

    /// Sets what the integration user may do with a field.
    static func setAccess(_ body: ControlBody, of org: SalesforceOrg) throws -> WireJSON {
        try body.allow("object", "name", "readable", "writable")
        let (object, name) = (try body.requiredText("object"), try body.requiredText("name"))
        org.setFieldAccess(
            object, name, isReadable: try body.truth("readable", default: true),
            isWritable: try body.truth("writable", default: true))
        return ["object": .string(object), "name": .string(name)]
    }
}
