import Foundation

/// Why a test's surroundings failed it.
struct HarnessError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Returns once a condition holds: for what another process does, of which there is no event in this one.
/// - Throws: `HarnessError` with the sentence when it does not hold within `limit`.
func eventually(
    _ sentence: String, within limit: Duration = .seconds(30), every pause: Duration = .milliseconds(20),
    _ holds: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !holds() {
        guard ContinuousClock.now < deadline else { throw HarnessError("not within \(limit): \(sentence)") }
        try await Task.sleep(for: pause)  // a look at a condition
    }
}
