import Foundation
import TestSupport

extension ScriptedServer.Request {
    /// Method and path below `/api/3/`.
    var name: String { "\(method) \(path.replacingOccurrences(of: "/api/3/", with: ""))" }
}

extension ScriptedServer {
    /// The requests' names, in order of arrival.
    var names: [String] { requests.map(\.name) }
}
