/// Why a person's or a test's doing was refused by the simulated account.
package struct ActiveCampaignSimulatorError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kinds of refusal.
    package enum Code: String, Sendable {
        /// The contact's address is missing, malformed or taken, or the plan is full.
        case contactRefused
        /// No contact of that id.
        case unknownContact
        /// No custom field of that perstag.
        case unknownField
        /// No list of that id.
        case unknownList
    }

    /// What kind of refusal this is.
    package let code: Code
    /// What was refused, without anybody's data.
    package let message: String
    /// Trying the same again never helps.
    package var isRetryable: Bool { false }

    /// The code and the message.
    package var description: String { "\(code.rawValue): \(message)" }
}
