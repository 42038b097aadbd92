/// Other words for errors: texts nobody confirmed are no client's to rely on (reference sections 1.4, 5.1 and 10).
extension WireJSON {
    /// The answer with every error's `message` replaced, wherever it stands.
    func worded(by texts: [String: String]) -> WireJSON {
        switch self {
        case .array(let elements): return .array(elements.map { $0.worded(by: texts) })
        case .object(var object):
            for index in object.members.indices {
                object.members[index].value = object.members[index].value.worded(by: texts)
            }
            let code = (object["errorCode"] ?? object["statusCode"])?.stringValue
            if let code, let message = object["message"]?.stringValue {
                object["message"] = .string(texts[message] ?? texts[code] ?? message)
            }
            return .object(object)
        default: return self
        }
    }
}

extension OAuthError {
    /// The error with its description replaced.
    func worded(by texts: [String: String]) -> OAuthError {
        OAuthError(code, texts[description] ?? texts[code] ?? description, status: status)
    }
}
