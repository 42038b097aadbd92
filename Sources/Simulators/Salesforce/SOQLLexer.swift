/// A word, literal or sign of a query.
struct SOQLToken: Equatable {
    enum Kind: Equatable {
        /// A name or keyword, dots included: `Account.Name`, `LAST_N_DAYS:3`.
        case word(String)
        case string(String)
        case number(Double)
        case date(Int)
        case dateTime(Int)
        /// `=`, `!=`, `<`, `<=`, `>`, `>=`, `(`, `)`, `,`.
        case sign(String)
        case end
    }

    let kind: Kind
    /// Place of its first character in the query, from 1.
    let column: Int
    /// As it was written.
    let text: String
}

/// Cuts a query into tokens (reference section 6.2).
struct SOQLLexer {
    private let characters: [Character]
    private var position = 0

    init(_ query: String) {
        characters = Array(query)
    }

    /// All tokens, the last of them `end`.
    static func tokens(_ query: String) throws(RequestError) -> [SOQLToken] {
        var lexer = SOQLLexer(query)
        var tokens: [SOQLToken] = []
        while true {
            let token = try lexer.next()
            tokens.append(token)
            if token.kind == .end { return tokens }
        }
    }

    private mutating func next() throws(RequestError) -> SOQLToken {
        while position < characters.count, characters[position].isWhitespace { position += 1 }
        guard position < characters.count else {
            return SOQLToken(kind: .end, column: position + 1, text: "<EOF>")
        }
        let start = position
        let kind: SOQLToken.Kind
        switch characters[position] {
        case "'": kind = .string(try string())
        case "(", ")", ",":
            kind = .sign(String(characters[position]))
            position += 1
        case "=", "<", ">", "!": kind = try comparison()
        case "0"..."9", "-", "+", ".": kind = try numberOrDate()
        case let character where character.isLetter || character == "_": kind = word()
        default: throw Self.unexpected(String(characters[position]))
        }
        return SOQLToken(kind: kind, column: start + 1, text: String(characters[start..<position]))
    }

    private mutating func string() throws(RequestError) -> String {
        position += 1
        var text = ""
        while position < characters.count {
            let character = characters[position]
            position += 1
            if character == "'" {
                guard text.count <= SimulatorsLimits.queryLiteralCharacters else {
                    throw RequestError(400, "MALFORMED_QUERY", "string literal too long")
                }
                return text
            }
            text.append(character == "\\" ? try escape() : String(character))
        }
        throw RequestError(400, "MALFORMED_QUERY", "unexpected end of input, string literal is not closed")
    }

    private mutating func escape() throws(RequestError) -> String {
        guard position < characters.count else { throw Self.unexpected("<EOF>") }
        let character = characters[position]
        position += 1
        switch character {
        case "n", "N": return "\n"
        case "r", "R": return "\r"
        case "t", "T": return "\t"
        case "b", "B": return "\u{8}"
        case "f", "F": return "\u{C}"
        case "'", "\"", "\\": return String(character)
        // LIKE reads these itself.
        case "%", "_": return "\\" + String(character)
        case "u":
            guard position + 4 <= characters.count,
                let code = UInt32(String(characters[position..<position + 4]), radix: 16),
                let scalar = Unicode.Scalar(code)
            else { break }
            position += 4
            return String(Character(scalar))
        default: break
        }
        throw RequestError(400, "MALFORMED_QUERY", "Illegal escape sequence in a string literal: \\\(character)")
    }

    private mutating func comparison() throws(RequestError) -> SOQLToken.Kind {
        let first = characters[position]
        position += 1
        let second = position < characters.count ? characters[position] : " "
        switch (first, second) {
        case ("!", "="), ("<", "="), (">", "="):
            position += 1
            return .sign("\(first)=")
        case ("<", ">"):
            position += 1
            return .sign("!=")
        case ("!", _): throw Self.unexpected("!")
        default: return .sign(String(first))
        }
    }

    private mutating func numberOrDate() throws(RequestError) -> SOQLToken.Kind {
        let start = position
        while position < characters.count, isLiteralCharacter(characters[position]) { position += 1 }
        let text = String(characters[start..<position])
        if let day = Timestamp.parseDate(text) { return .date(day) }
        if let seconds = Timestamp.parseDateTime(text) { return .dateTime(seconds) }
        if let number = Double(text), number.isFinite { return .number(number) }
        throw Self.unexpected(text)
    }

    private func isLiteralCharacter(_ character: Character) -> Bool {
        character.isNumber || character.isLetter || "+-.:".contains(character)
    }

    private mutating func word() -> SOQLToken.Kind {
        let start = position
        while position < characters.count, isWordCharacter(characters[position]) { position += 1 }
        return .word(String(characters[start..<position]))
    }

    private func isWordCharacter(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || "_.:".contains(character)
    }

    static func unexpected(_ text: String) -> RequestError {
        RequestError(400, "MALFORMED_QUERY", "unexpected token: '\(text)'")
    }
}
