import Foundation

/// Describe, of one object and of all (reference section 9): filtered by what the integration user may see.
extension OrgState {
    mutating func describe(_ request: APIRequest, table: Int) throws(RequestError) -> APIReply {
        guard request.method == "GET" else { throw .methodNotAllowed(request.method) }
        let definition = records.database.definition(table)
        if let unchanged = Self.unchanged(request, stamp: definition.metadataStamp) { return unchanged }
        let children = records.database.children(of: table).map { child -> WireJSON in
            [
                "childSObject": .string(records.database.definition(child.table).name), "field": .string(child.field),
                "relationshipName": child.name.map(WireJSON.string) ?? .null, "cascadeDelete": false,
                "restrictedDelete": false, "deprecatedAndHidden": false,
            ]
        }
        var reply = APIReply.ok(
            DescribeAnswer.full(
                definition, children: children, recordTypes: records.recordTypeInfos(of: definition),
                version: request.version))
        reply.headers = Self.cacheHeaders(stamp: definition.metadataStamp)
        return reply
    }

    mutating func describeGlobal(_ request: APIRequest) -> APIReply {
        let definitions = records.database.tables.map(\.definition)
        let stamp = definitions.map(\.metadataStamp).max() ?? 0
        if let unchanged = Self.unchanged(request, stamp: stamp) { return unchanged }
        let summaries = definitions.map { DescribeAnswer.summary($0, version: request.version) }
        var reply = APIReply.ok(["encoding": "UTF-8", "maxBatchSize": 200, "sobjects": .array(summaries)])
        reply.headers = Self.cacheHeaders(stamp: stamp)
        return reply
    }

    private static func unchanged(_ request: APIRequest, stamp: Int) -> APIReply? {
        guard let since = request.headers["if-modified-since"].flatMap(HTTPDate.epochSeconds), stamp <= Int(since)
        else {
            return nil
        }
        return APIReply(status: 304, headers: cacheHeaders(stamp: stamp))
    }

    private static func cacheHeaders(stamp: Int) -> [(name: String, value: String)] {
        [
            ("Last-Modified", HTTPDate.string(Date(timeIntervalSince1970: Double(stamp)))),
            ("ETag", "\"\(String(stamp, radix: 16))\""),
        ]
    }
}

/// Describe's JSON of an object.
enum DescribeAnswer {
    /// What describe global lists.
    static func summary(_ definition: ObjectDefinition, version: String) -> WireJSON {
        .object(head(definition, version: version))
    }

    /// Everything, fields included.
    static func full(
        _ definition: ObjectDefinition, children: [WireJSON], recordTypes: WireJSON, version: String
    ) -> WireJSON {
        var object = head(definition, version: version)
        object["fields"] = .array(definition.fields.filter(\.isReadable).map { field($0, of: definition) })
        object["childRelationships"] = .array(children)
        object["recordTypeInfos"] = recordTypes
        object["supportedScopes"] = []
        return .object(object)
    }

    private static func head(_ definition: ObjectDefinition, version: String) -> WireObject {
        let base = "/services/data/v\(version)/sobjects/\(definition.name)"
        let isMergeable = ["Account", "Contact", "Lead"].contains(definition.name)
        return WireObject([
            ("name", .string(definition.name)), ("label", .string(definition.label)),
            ("labelPlural", .string(definition.labelPlural)), ("keyPrefix", .string(definition.keyPrefix)),
            ("createable", .bool(!definition.isMetadata)), ("updateable", .bool(!definition.isMetadata)),
            ("deletable", .bool(!definition.isMetadata && definition.name != "User")),
            ("queryable", true), ("retrieveable", true), ("searchable", true), ("mergeable", .bool(isMergeable)),
            ("replicateable", true), ("undeletable", true), ("triggerable", true),
            ("custom", .bool(definition.name.hasSuffix("__c"))), ("deprecatedAndHidden", false),
            (
                "urls",
                [
                    "sobject": .string(base), "describe": .string(base + "/describe"),
                    "rowTemplate": .string(base + "/{ID}"),
                ]
            ),
        ])
    }

    private static func field(_ field: FieldDefinition, of definition: ObjectDefinition) -> WireJSON {
        let isText = field.type.isText
        let values = field.picklistValues.map { value -> WireJSON in
            [
                "active": true, "defaultValue": .bool(field.defaultValue == .text(value)), "label": .string(value),
                "validFor": .null, "value": .string(value),
            ]
        }
        return .object(
            WireObject([
                ("name", .string(field.name)), ("label", .string(field.label)), ("type", .string(field.type.rawValue)),
                ("soapType", .string(soapType(field.type))), ("length", .int(isText ? field.length : 0)),
                ("byteLength", .int(isText ? field.length * 3 : 0)),
                ("precision", .int(field.type == .int ? 0 : field.precision)), ("scale", .int(field.scale)),
                ("digits", .int(field.type == .int ? field.precision : 0)), ("nillable", .bool(field.isNillable)),
                ("createable", .bool(field.isCreateable)), ("updateable", .bool(field.isUpdateable)),
                ("defaultedOnCreate", .bool(field.isDefaultedOnCreate)),
                ("defaultValue", field.type == .boolean ? field.defaultValue.json(.boolean) : .null),
                ("calculated", .bool(field.isCalculated)), ("autoNumber", false), ("unique", .bool(field.isUnique)),
                ("caseSensitive", .bool(field.isCaseSensitive)), ("externalId", .bool(field.isExternalID)),
                ("idLookup", .bool(field.isExternalID || field.type == .id || field.type == .email)),
                ("nameField", .bool(field.name == "Name")), ("custom", .bool(field.isCustom)),
                ("filterable", .bool(field.isFilterable)), ("sortable", .bool(field.isFilterable)),
                ("groupable", .bool(!field.type.isNumber && field.type != .address)),
                ("permissionable", .bool(field.isNillable && field.isUpdateable)),
                ("restrictedPicklist", .bool(field.isRestrictedPicklist)), ("dependentPicklist", false),
                ("controllerName", .null), ("picklistValues", .array(values)),
                ("referenceTo", .array(field.referenceTo.map { [.string($0)] } ?? [])),
                ("relationshipName", field.relationshipName.map(WireJSON.string) ?? .null),
                ("compoundFieldName", compound(field, of: definition)), ("encrypted", false), ("inlineHelpText", .null),
                ("deprecatedAndHidden", false),
            ]))
    }

    private static func compound(_ field: FieldDefinition, of definition: ObjectDefinition) -> WireJSON {
        if ["FirstName", "LastName", "Salutation"].contains(field.name) { return "Name" }
        return CompoundAddress.name(of: field, in: definition).map(WireJSON.string) ?? .null
    }

    private static func soapType(_ type: FieldType) -> String {
        switch type {
        case .id, .reference: "tns:ID"
        case .boolean: "xsd:boolean"
        case .int: "xsd:int"
        case .double, .currency, .percent: "xsd:double"
        case .date: "xsd:date"
        case .datetime: "xsd:dateTime"
        case .address: "urn:address"
        case .string, .picklist, .textarea, .email, .phone, .url: "xsd:string"
        }
    }
}
