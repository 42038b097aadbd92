import Drivers
import Foundation

extension SalesforceClient {
    /// Sends up to five queries, retrieves and writes as one counted call.
    ///
    /// Parts run in order, and each stands or falls by itself; so does each record of a write (trap T16).
    /// - Returns: one result per part, in the order of the parts.
    /// - Throws: only what concerns the whole call. A write whose answer was lost has a verdict of `retry` with fate
    ///   `unknown`: read before creating again (trap T17).
    package func composite(
        _ parts: [Subrequest], options writeOptions: WriteOptions = WriteOptions()
    ) async throws(SalesforceError) -> SalesforceAnswer<[SubrequestResult]> {
        let body = try CompositeBody.make(parts, version: options.apiVersion, options: writeOptions)
        let writes = parts.contains(where: \.isWrite)
        let creates = parts.contains { if case .create = $0 { true } else { false } }
        let answer = try await json(
            Call(
                callClass: writes ? .write : .read, method: .post, path: "\(base)/composite",
                body: JSONBody(data: body), isRepeatable: !creates))
        guard let results = SubrequestResult.read(answer.value, for: parts) else {
            throw ErrorClassification.unreadable(status: 200)
        }
        return SalesforceAnswer(value: results, usage: answer.usage, serverDate: answer.serverDate)
    }

    /// Sends one call of packed writes.
    /// - Returns: a result for each record, with its place in the list that was packed.
    /// - Throws: as `composite`.
    package func write(
        _ packed: PackedWrites, options writeOptions: WriteOptions = WriteOptions()
    ) async throws(SalesforceError) -> SalesforceAnswer<[(place: Int, result: WriteResult)]> {
        let answer = try await composite(packed.parts, options: writeOptions)
        return SalesforceAnswer(
            value: packed.results(answer.value), usage: answer.usage, serverDate: answer.serverDate)
    }
}
