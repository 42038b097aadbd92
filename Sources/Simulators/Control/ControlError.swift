/// Why a call to the control interface was refused; its answer is `{"error": CODE, "message": …}`.
package struct ControlError: Error, Sendable, Equatable {
    /// The kinds of refusal, by their codes on the wire.
    package enum Code: String, Sendable {
        /// No control token, or the wrong one: 401.
        case unauthorized
        /// No such route, account, org, record, fault or mark: 404.
        case notFound
        /// A member is missing, unknown, of the wrong type or out of bounds: 400.
        case badRequest
        /// The account or org refused what somebody wanted to do in it: 422.
        case refused
        /// A bound of the simulators is reached: 409.
        case full
    }

    /// What kind of refusal this is.
    package let code: Code
    /// What was wrong, in a sentence.
    package let message: String
    /// Trying the same again never helps.
    package var isRetryable: Bool { false }

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    var status: Int {
        switch code {
        case .unauthorized: 401
        case .notFound: 404
        case .badRequest: 400
        case .refused: 422
        case .full: 409
        }
    }

    var response: SimulatedResponse {
        ControlAnswer.json(status, ["error": .string(code.rawValue), "message": .string(message)])
    }
}

/// How the control interface answers.
enum ControlAnswer {
    static func json(_ status: Int, _ body: WireJSON) -> SimulatedResponse {
        SimulatedResponse(status: status, headers: [("Content-Type", "application/json")], body: body.data)
    }
}
