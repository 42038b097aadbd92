/// A recursive-descent parser of the query subset of reference section 6.5.
struct SOQLParser {
    private let tokens: [SOQLToken]
    private var position = 0
    private var depth = 0

    /// Parses a whole query.
    static func parse(_ query: String) throws(RequestError) -> SOQLQuery {
        guard query.count <= SimulatorsLimits.queryCharacters else {
            throw RequestError(400, "MALFORMED_QUERY", "SOQL statement is longer than 100000 characters")
        }
        var parser = SOQLParser(tokens: try SOQLLexer.tokens(query))
        let parsed = try parser.query()
        guard parser.current.kind == .end else { throw parser.unexpected() }
        return parsed
    }

    private init(tokens: [SOQLToken]) {
        self.tokens = tokens
    }

    private mutating func query() throws(RequestError) -> SOQLQuery {
        try expect("SELECT")
        let selection = try selection()
        try expect("FROM")
        var query = SOQLQuery(selection: selection, object: try name())
        if take("WHERE") { query.condition = try condition() }
        if take("ORDER") {
            try expect("BY")
            repeat { query.order.append(try orderKey()) } while takeSign(",")
        }
        if take("LIMIT") { query.limit = try wholeNumber() }
        if take("OFFSET") { query.offset = try wholeNumber() }
        // Row locking of the interactive kind has no effect here; the platform accepts it.
        if take("FOR") { _ = try name() }
        return query
    }

    // MARK: - SELECT

    private mutating func selection() throws(RequestError) -> SOQLQuery.Selection {
        if isWord("COUNT"), peekSign("(", ahead: 1), peekSign(")", ahead: 2) {
            position += 3
            return .count
        }
        if isWord("FIELDS"), peekSign("(", ahead: 1) {
            position += 2
            let name = try name()
            guard let set = SOQLFieldSet(rawValue: name.text.uppercased()), takeSign(")") else { throw unexpected() }
            return .all(set)
        }
        var fields: [SOQLName] = []
        repeat { fields.append(try name()) } while takeSign(",")
        return .fields(fields)
    }

    private mutating func orderKey() throws(RequestError) -> SOQLOrder {
        var key = SOQLOrder(field: try name())
        if take("DESC") { key.descending = true } else { _ = take("ASC") }
        if take("NULLS") {
            key.nullsFirst = !take("LAST")
            if key.nullsFirst == true { try expect("FIRST") }
        }
        return key
    }

    // MARK: - WHERE

    private mutating func condition() throws(RequestError) -> SOQLCondition {
        depth += 1
        defer { depth -= 1 }
        guard depth <= SimulatorsLimits.queryNesting else {
            throw RequestError(
                400, "QUERY_TOO_COMPLICATED",
                "Query is either selecting too many fields or the filter conditions are too complicated.")
        }
        let first = try negatable()
        if isWord("AND") {
            let terms = try chain("AND", first)
            // AND and OR side by side need parentheses.
            if isWord("OR") { throw unexpected() }
            return .and(terms)
        }
        if isWord("OR") {
            let terms = try chain("OR", first)
            if isWord("AND") { throw unexpected() }
            return .or(terms)
        }
        return first
    }

    private mutating func chain(_ word: String, _ first: SOQLCondition) throws(RequestError) -> [SOQLCondition] {
        var terms = [first]
        while take(word) { terms.append(try negatable()) }
        return terms
    }

    private mutating func negatable() throws(RequestError) -> SOQLCondition {
        if take("NOT") { return .not(try term()) }
        return try term()
    }

    private mutating func term() throws(RequestError) -> SOQLCondition {
        if takeSign("(") {
            let inner = try condition()
            guard takeSign(")") else { throw unexpected() }
            return inner
        }
        let field = try name()
        if take("LIKE") { return .compare(field, .like, try literal()) }
        if take("IN") { return try membership(field, negated: false) }
        if take("NOT") {
            try expect("IN")
            return try membership(field, negated: true)
        }
        guard case .sign(let sign) = current.kind, let comparison = SOQLComparison(rawValue: sign) else {
            throw unexpected()
        }
        position += 1
        return .compare(field, comparison, try literal())
    }

    private mutating func membership(_ field: SOQLName, negated: Bool) throws(RequestError) -> SOQLCondition {
        guard takeSign("(") else { throw unexpected() }
        if isWord("SELECT") {
            let inner = try query()
            guard takeSign(")") else { throw unexpected() }
            return .semiJoin(field, inner, negated: negated)
        }
        var literals: [SOQLLiteral] = []
        repeat { literals.append(try literal()) } while takeSign(",")
        guard takeSign(")") else { throw unexpected() }
        return .isIn(field, literals, negated: negated)
    }

    private mutating func literal() throws(RequestError) -> SOQLLiteral {
        let token = current
        let literal: SOQLLiteral
        switch token.kind {
        case .string(let text): literal = .string(text)
        case .number(let number): literal = .number(number)
        case .date(let day): literal = .date(day)
        case .dateTime(let seconds): literal = .dateTime(seconds)
        case .word(let word):
            switch word.uppercased() {
            case "NULL": literal = .null
            case "TRUE": literal = .bool(true)
            case "FALSE": literal = .bool(false)
            default:
                guard let period = SOQLPeriod(word) else { throw unexpected() }
                literal = .period(period)
            }
        case .sign, .end: throw unexpected()
        }
        position += 1
        return literal
    }

    // MARK: - Tokens

    private static let reserved: Set<String> = [
        "SELECT", "FROM", "WHERE", "AND", "OR", "NOT", "LIMIT", "ORDER", "LIKE", "IN",
    ]

    private var current: SOQLToken { tokens[min(position, tokens.count - 1)] }

    private mutating func name() throws(RequestError) -> SOQLName {
        guard case .word(let word) = current.kind, !Self.reserved.contains(word.uppercased()) else {
            throw unexpected()
        }
        defer { position += 1 }
        return SOQLName(text: word, column: current.column)
    }

    private mutating func wholeNumber() throws(RequestError) -> Int {
        guard case .number(let number) = current.kind, number.rounded() == number, (0...1e9).contains(number) else {
            throw unexpected()
        }
        position += 1
        return Int(number)
    }

    private func isWord(_ word: String) -> Bool {
        if case .word(let text) = current.kind { text.uppercased() == word } else { false }
    }

    private mutating func take(_ word: String) -> Bool {
        guard isWord(word) else { return false }
        position += 1
        return true
    }

    private mutating func takeSign(_ sign: String) -> Bool {
        guard current.kind == .sign(sign) else { return false }
        position += 1
        return true
    }

    private func peekSign(_ sign: String, ahead: Int) -> Bool {
        position + ahead < tokens.count && tokens[position + ahead].kind == .sign(sign)
    }

    private mutating func expect(_ word: String) throws(RequestError) {
        guard take(word) else { throw unexpected() }
    }

    private func unexpected() -> RequestError {
        if current.kind == .end { return RequestError(400, "MALFORMED_QUERY", "unexpected token: <EOF>") }
        return SOQLLexer.unexpected(current.text)
    }
}
