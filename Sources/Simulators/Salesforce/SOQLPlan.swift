/// A query whose names are looked up and whose literals have the type of their fields.
struct SOQLPlan {
    var table: Int
    var columns: [SOQLColumn]
    var isCount = false
    var condition: SOQLPredicate
    var order: [(path: SOQLPath, descending: Bool, nullsFirst: Bool)] = []
    var limit: Int?
    var offset: Int?
}

/// A selected field: the relationship names to nest it under, and where it is.
struct SOQLColumn {
    let relationships: [String]
    let path: SOQLPath
}

/// A field of the queried object or of one of its parents.
struct SOQLPath {
    /// References to follow, outermost first.
    let references: [FieldDefinition]
    let field: FieldDefinition

    /// Whether it is that system column of the queried object itself.
    func isOwn(_ column: SystemColumn) -> Bool {
        references.isEmpty && field.source == .system(column)
    }
}

/// A condition ready to be asked of rows.
indirect enum SOQLPredicate {
    case always
    case and([SOQLPredicate])
    case or([SOQLPredicate])
    case not(SOQLPredicate)
    case compare(SOQLPath, SOQLComparison, FieldValue)
    case among(SOQLPath, Set<FieldValue>, negated: Bool)
}

/// Looks the names of a query up in an org.
struct SOQLPlanner {
    let records: OrgRecords
    /// Runs a semi-join's inner query and returns the values of its one column.
    let today: Int
    /// The query's text, which errors quote.
    let text: String

    /// Plans a query.
    func plan(_ query: SOQLQuery, semiJoin: (SOQLPlan) throws(RequestError) -> Set<FieldValue>) throws(RequestError)
        -> SOQLPlan
    {
        guard let table = records.database.table(query.object.text) else {
            throw RequestError(
                400, "INVALID_TYPE",
                "\n\(excerpt(query.object))sObject type '\(query.object.text)' is not supported. If you are attempting to "
                    + "use a custom object, be sure to append the '__c' after the entity name. Please reference your WSDL "
                    + "or the describe call for the appropriate names.")
        }
        var plan = SOQLPlan(table: table, columns: [], condition: .always)
        try select(query, into: &plan)
        if let condition = query.condition {
            plan.condition = try predicate(condition, table, semiJoin)
        }
        for key in query.order {
            let nullsFirst = key.nullsFirst ?? records.unconfirmed.sortsNullsFirst
            plan.order.append((try simplePath(key.field, table, "sorted"), key.descending, nullsFirst))
        }
        plan.limit = query.limit
        plan.offset = query.offset
        if let offset = query.offset, offset > SimulatorsLimits.queryOffset {
            throw RequestError(
                400, "NUMBER_OUTSIDE_VALID_RANGE",
                "Maximum SOQL offset allowed is \(SimulatorsLimits.queryOffset)")
        }
        return plan
    }

    private func select(_ query: SOQLQuery, into plan: inout SOQLPlan) throws(RequestError) {
        switch query.selection {
        case .count: plan.isCount = true
        case .fields(let names):
            for name in names {
                let column = try path(name, plan.table)
                let isRepeated = plan.columns.contains {
                    $0.relationships == column.relationships && $0.path.field.name == column.path.field.name
                }
                if isRepeated {
                    throw RequestError(400, "MALFORMED_QUERY", "duplicate field selected: \(name.text)")
                }
                plan.columns.append(column)
            }
        case .all(let set):
            let most = records.unconfirmed.fieldsFunctionRows
            guard set == .standard || (query.limit ?? .max) <= most else {
                throw RequestError(
                    400, "MALFORMED_QUERY", "The SOQL FIELDS function must have a LIMIT of at most \(most)")
            }
            plan.columns = records.database.definition(plan.table).fields
                .filter { $0.isReadable && (set == .all || (set == .custom) == $0.isCustom) }
                .map { SOQLColumn(relationships: [], path: SOQLPath(references: [], field: $0)) }
        }
    }

    // MARK: - Names

    private func path(_ name: SOQLName, _ table: Int) throws(RequestError) -> SOQLColumn {
        var parts = name.text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        // A leading object name stands for the object itself: Contact.Name in a query of Contact.
        let object = records.database.definition(table).name
        if parts.count > 1, parts[0].lowercased() == object.lowercased(),
            records.database.definition(table).reference(parts[0]) == nil
        {
            parts.removeFirst()
        }
        guard parts.count - 1 <= SimulatorsLimits.queryParentLevels else {
            throw RequestError(400, "MALFORMED_QUERY", "only five levels of parent relationships are allowed")
        }
        var references: [FieldDefinition] = []
        var relationships: [String] = []
        var table = table
        for relationship in parts.dropLast() {
            let definition = records.database.definition(table)
            guard let reference = definition.reference(relationship), reference.isReadable,
                let target = reference.referenceTo, let next = records.database.table(target)
            else {
                throw invalidField(
                    name,
                    "Didn't understand relationship '\(relationship)' in field path. If you are attempting to use a custom "
                        + "relationship, be sure to append the '__r' after the custom relationship name.")
            }
            references.append(reference)
            relationships.append(reference.relationshipName ?? relationship)
            table = next
        }
        let definition = records.database.definition(table)
        guard let last = parts.last, let field = definition.field(last), field.isReadable else {
            throw invalidField(
                name,
                "No such column '\(parts.last ?? "")' on entity '\(definition.name)'. If you are attempting to use a custom "
                    + "field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the "
                    + "describe call for the appropriate names.")
        }
        return SOQLColumn(relationships: relationships, path: SOQLPath(references: references, field: field))
    }

    /// A field that has a value of its own, which compound ones have not.
    private func simplePath(_ name: SOQLName, _ table: Int, _ verb: String) throws(RequestError) -> SOQLPath {
        let path = try path(name, table).path
        guard path.field.type == .address else { return path }
        throw invalidField(name, "field '\(path.field.name)' can not be \(verb) in a query call")
    }

    private func invalidField(_ name: SOQLName, _ message: String) -> RequestError {
        RequestError(400, "INVALID_FIELD", "\n\(excerpt(name))\(message)")
    }

    /// The platform quotes the query around the error and points at it.
    private func excerpt(_ name: SOQLName) -> String {
        let column = name.column - 1
        let from = max(0, column - 20)
        let quote = text.dropFirst(from).prefix(column - from + name.text.count + 20)
        let pointer = String(repeating: " ", count: column - from) + "^"
        return "\(quote)\n\(pointer)\nERROR at Row:1:Column:\(name.column)\n"
    }

    // MARK: - Conditions

    private func predicate(
        _ condition: SOQLCondition, _ table: Int, _ semiJoin: (SOQLPlan) throws(RequestError) -> Set<FieldValue>
    ) throws(RequestError) -> SOQLPredicate {
        switch condition {
        case .and(let terms): return .and(try predicates(terms, table, semiJoin))
        case .or(let terms): return .or(try predicates(terms, table, semiJoin))
        case .not(let term): return .not(try predicate(term, table, semiJoin))
        case .compare(let name, let comparison, let literal):
            return try comparing(name, comparison, literal, table)
        case .isIn(let name, let literals, let negated):
            let path = try simplePath(name, table, "filtered")
            var values: Set<FieldValue> = []
            for literal in literals { values.insert(folded(try value(literal, path.field, name), path.field)) }
            return .among(path, values, negated: negated)
        case .semiJoin(let name, let inner, let negated):
            let path = try path(name, table).path
            let values = try semiJoin(try plan(inner, semiJoin: semiJoin))
            return .among(path, values, negated: negated)
        }
    }

    private func predicates(
        _ terms: [SOQLCondition], _ table: Int, _ semiJoin: (SOQLPlan) throws(RequestError) -> Set<FieldValue>
    ) throws(RequestError) -> [SOQLPredicate] {
        var predicates: [SOQLPredicate] = []
        for term in terms { predicates.append(try predicate(term, table, semiJoin)) }
        return predicates
    }

    private func comparing(
        _ name: SOQLName, _ comparison: SOQLComparison, _ literal: SOQLLiteral, _ table: Int
    ) throws(RequestError) -> SOQLPredicate {
        let path = try simplePath(name, table, "filtered")
        if case .period(let period) = literal { return try within(period, path, comparison, name) }
        if comparison == .like, !path.field.type.isText || path.field.type == .reference || path.field.type == .id {
            throw RequestError(400, "INVALID_OPERATOR_ERROR", "invalid operator on \(path.field.type.rawValue) field")
        }
        let value = try value(literal, path.field, name)
        return .compare(path, comparison, comparison == .like ? value : folded(value, path.field))
    }

    private func within(
        _ period: SOQLPeriod, _ path: SOQLPath, _ comparison: SOQLComparison, _ name: SOQLName
    ) throws(RequestError) -> SOQLPredicate {
        let (first, last) = (today + period.days.lowerBound, today + period.days.upperBound + 1)
        let bounds: (FieldValue, FieldValue)
        switch path.field.type {
        case .date: bounds = (.date(first), .date(last))
        case .datetime: bounds = (.dateTime(first * 86_400), .dateTime(last * 86_400))
        default: throw mismatch(name, path.field)
        }
        switch comparison {
        case .equal: return .and([.compare(path, .greaterOrEqual, bounds.0), .compare(path, .less, bounds.1)])
        case .notEqual: return .or([.compare(path, .less, bounds.0), .compare(path, .greaterOrEqual, bounds.1)])
        case .less: return .compare(path, .less, bounds.0)
        case .lessOrEqual: return .compare(path, .less, bounds.1)
        case .greater: return .compare(path, .greaterOrEqual, bounds.1)
        case .greaterOrEqual: return .compare(path, .greaterOrEqual, bounds.0)
        case .like: throw mismatch(name, path.field)
        }
    }

    private func value(
        _ literal: SOQLLiteral, _ field: FieldDefinition, _ name: SOQLName
    ) throws(RequestError) -> FieldValue {
        switch (literal, field.type) {
        case (.null, _): return .null
        case (.string(let text), .id), (.string(let text), .reference):
            // An empty or malformed id is an error on the platform too.
            guard let id = RecordID.normalise(text) else {
                throw RequestError(400, "INVALID_QUERY_FILTER_OPERATOR", "\n\(excerpt(name))invalid ID field: \(text)")
            }
            return .text(id)
        case (.string(let text), let type) where type.isText: return text.isEmpty ? .null : .text(text)
        case (.number(let number), let type) where type.isNumber: return .number(number)
        case (.bool(let truth), .boolean): return .bool(truth)
        case (.date(let day), .date): return .date(day)
        case (.dateTime(let seconds), .datetime): return .dateTime(seconds)
        default: throw mismatch(name, field)
        }
    }

    /// Text compares without regard to case, except in a case-sensitive field and in ids.
    private func folded(_ value: FieldValue, _ field: FieldDefinition) -> FieldValue {
        SOQLText.folds(field) ? SOQLText.fold(value) : value
    }

    private func mismatch(_ name: SOQLName, _ field: FieldDefinition) -> RequestError {
        let type = field.type == .datetime ? "dateTime" : field.type.rawValue
        let quoting = field.type.isText ? "should be enclosed in quotes" : "should not be enclosed in quotes"
        return RequestError(
            400, "INVALID_FIELD",
            "\n\(excerpt(name))value of filter criterion for field '\(field.name)' must be of type \(type) and \(quoting)"
        )
    }
}

/// How text compares in a query.
enum SOQLText {
    /// Whether a field's text compares without regard to case.
    static func folds(_ field: FieldDefinition) -> Bool {
        field.type.isText && field.type != .id && field.type != .reference && !field.isCaseSensitive
    }

    /// Text in one case.
    static func fold(_ value: FieldValue) -> FieldValue {
        if case .text(let text) = value { .text(text.lowercased()) } else { value }
    }
}
