/// Fills `@{ref.field}` and `@{ref.records[0].Id}` with what earlier subrequests answered (reference section 5.1).
struct CompositeReferences {
    /// Bodies of the subrequests that succeeded, by reference id; case matters.
    let bodies: [String: WireJSON]

    /// Text with every reference filled in; `nil` when one leads nowhere.
    func fill(_ text: String) -> String? {
        guard text.contains("@{") else { return text }
        var filled = ""
        var rest = text[...]
        while let start = rest.firstRange(of: "@{") {
            guard let end = rest[start.upperBound...].firstIndex(of: "}"),
                let value = value(rest[start.upperBound..<end]), let piece = Self.text(value)
            else { return nil }
            filled += rest[..<start.lowerBound] + piece
            rest = rest[rest.index(after: end)...]
        }
        return filled + rest
    }

    /// A body with every reference filled in; `nil` when one leads nowhere.
    func fill(_ json: WireJSON) -> WireJSON? {
        switch json {
        case .string(let text):
            return fill(text).map(WireJSON.string)
        case .array(let items):
            var filled: [WireJSON] = []
            filled.reserveCapacity(items.count)
            for item in items {
                guard let item = fill(item) else { return nil }
                filled.append(item)
            }
            return .array(filled)
        case .object(var object):
            for index in object.members.indices {
                guard let value = fill(object.members[index].value) else { return nil }
                object.members[index].value = value
            }
            return .object(object)
        default: return json
        }
    }

    /// The reference ids a subrequest mentions.
    static func names(in subrequest: CompositeSubrequest) -> Set<String> {
        var names: Set<String> = []
        collect(.string(subrequest.url), into: &names)
        if let body = subrequest.body { collect(body, into: &names) }
        return names
    }

    private static func collect(_ json: WireJSON, into names: inout Set<String>) {
        switch json {
        case .string(let text):
            var rest = text[...]
            while let start = rest.firstRange(of: "@{") {
                rest = rest[start.upperBound...]
                names.insert(String(rest.prefix { !".[}".contains($0) }))
            }
        case .array(let items): for item in items { collect(item, into: &names) }
        case .object(let object): for member in object.members { collect(member.value, into: &names) }
        default: break
        }
    }

    private func value(_ path: Substring) -> WireJSON? {
        var steps = path.split(whereSeparator: { ".[]".contains($0) })[...]
        guard let reference = steps.popFirst(), var value = bodies[String(reference)] else { return nil }
        for step in steps {
            guard let next = Int(step).flatMap({ value[$0] }) ?? value[String(step)] else { return nil }
            value = next
        }
        return value
    }

    private static func text(_ value: WireJSON) -> String? {
        switch value {
        case .string(let text): text
        case .int(let number): String(number)
        case .double(let number): "\(number)"
        case .bool(let truth): String(truth)
        case .null, .array, .object: nil
        }
    }
}
