import Foundation

/// One call to the control interface: where it goes, and members that are read once and must all be known.
struct ControlCall {
    let method: String
    /// Path components after `_control`.
    let path: [String]
    let query: [(name: String, value: String)]
    let body: ControlBody

    /// Reads a request below `/_control`.
    init(_ request: SimulatedRequest) throws {
        method = request.method
        path = request.path.split(separator: "/").dropFirst().map(String.init)
        query = request.query
        guard !request.body.isEmpty else {
            body = ControlBody(WireObject())
            return
        }
        guard let json = try? WireJSON(parsing: request.body), case .object(let object) = json else {
            throw ControlError(.badRequest, "the body is not a JSON object")
        }
        body = ControlBody(object)
    }

    /// The path component at `index` and everything after it decided the route; this one names something.
    func name(at index: Int) -> String { path.indices.contains(index) ? path[index] : "" }

    /// A whole number of the query.
    func queryInt(_ name: String, in range: ClosedRange<Int>, default fallback: Int) throws -> Int {
        guard let text = query.last(where: { $0.name == name })?.value else { return fallback }
        guard let number = Int(text), range.contains(number) else {
            throw ControlError(.badRequest, "\(name): want a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A text of the query.
    func queryText(_ name: String) -> String? { query.last { $0.name == name }?.value }
}

/// The members of a control call's body, or of an object in it.
struct ControlBody {
    let object: WireObject

    init(_ object: WireObject) {
        self.object = object
    }

    /// Refuses members that the route does not know, so that a misspelt one is not silently without effect.
    func allow(_ names: String...) throws {
        for (name, _) in object.members where !names.contains(name) {
            throw ControlError(.badRequest, "unknown member '\(name)'; known are \(names.joined(separator: ", "))")
        }
    }

    func text(_ name: String) throws -> String? {
        try value(name, "a text") { $0.stringValue }
    }

    func requiredText(_ name: String) throws -> String {
        guard let text = try text(name) else { throw ControlError(.badRequest, "\(name) is missing") }
        return text
    }

    func truth(_ name: String, default fallback: Bool) throws -> Bool {
        try value(name, "true or false") { $0.boolValue } ?? fallback
    }

    func int(_ name: String, in range: ClosedRange<Int>, default fallback: Int) throws -> Int {
        try value(name, "a whole number from \(range.lowerBound) to \(range.upperBound)") { json in
            json.intValue.flatMap { range.contains($0) ? $0 : nil }
        } ?? fallback
    }

    func number(_ name: String, in range: ClosedRange<Double>) throws -> Double? {
        try value(name, "a number from \(range.lowerBound) to \(range.upperBound)") { json in
            json.doubleValue.flatMap { range.contains($0) ? $0 : nil }
        }
    }

    func texts(_ name: String) throws -> [String] {
        try value(name, "an array of texts") { json in
            guard let items = json.arrayValue else { return nil }
            let texts = items.compactMap(\.stringValue)
            return texts.count == items.count ? texts : nil
        } ?? []
    }

    /// Names and texts of an object.
    func textMap(_ name: String) throws -> [String: String] {
        try value(name, "an object of texts") { json in
            guard let members = json.objectValue?.members else { return nil }
            var map: [String: String] = [:]
            for (key, value) in members {
                guard let text = value.stringValue else { return nil }
                map[key] = text
            }
            return map
        } ?? [:]
    }

    func object(_ name: String) throws -> WireObject {
        try value(name, "an object") { $0.objectValue } ?? WireObject()
    }

    /// The objects of an array.
    func objects(_ name: String, limit: Int) throws -> [ControlBody] {
        try value(name, "an array of at most \(limit) objects") { json in
            guard let items = json.arrayValue, items.count <= limit else { return nil }
            let objects = items.compactMap(\.objectValue)
            return objects.count == items.count ? objects.map(ControlBody.init) : nil
        } ?? []
    }

    /// A member read as one of an enumeration's words.
    func word<Word: RawRepresentable & CaseIterable>(
        _ name: String, _ type: Word.Type = Word.self
    ) throws -> Word? where Word.RawValue == String {
        let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
        return try value(name, "one of \(words)") { $0.stringValue.flatMap(Word.init) }
    }

    private func value<Value>(_ name: String, _ wanted: String, _ read: (WireJSON) -> Value?) throws -> Value? {
        guard let json = object[name], !json.isNull else { return nil }
        guard let value = read(json) else { throw ControlError(.badRequest, "\(name): want \(wanted)") }
        return value
    }
}
