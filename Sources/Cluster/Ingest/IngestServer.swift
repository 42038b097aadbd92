import Foundation
import HTTPTypes
import Hummingbird
package import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// Takes webhooks in: `POST /hooks/TOKEN`. The answer comes after the contact's id is committed, within milliseconds.
///
/// An unknown token is 404 and never 410, which would switch the hook off for good (activecampaign-api 8.2). The body is
/// a hint; nothing of it but the contact's id is used.
package struct IngestServer: Service {
    /// The tenant a token's hash belongs to, with the stored hash; nil when there is none.
    package typealias Lookup = @Sendable ([UInt8]) async throws -> (tenant: Int32, hash: [UInt8])?
    /// Told of a body that can't be used.
    package typealias Report = @Sendable (Int32, WebhookBodyError) async -> Void

    private let address: BindAddress
    private let inbox: ChangeInbox
    private let lookup: Lookup
    private let report: Report
    private let logger: Logger
    private let onBound: @Sendable (Int) async -> Void

    /// Makes a server.
    /// - Parameters:
    ///   - port: 0 takes any free port.
    ///   - onBound: told the port once the server accepts connections.
    package init(
        host: String, port: Int, inbox: ChangeInbox, logger: Logger, lookup: @escaping Lookup,
        report: @escaping Report, onBound: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        address = .hostname(host, port: port)
        self.inbox = inbox
        self.lookup = lookup
        self.report = report
        self.logger = logger
        self.onBound = onBound
    }

    package func run() async throws {
        let router = Router(context: BasicRequestContext.self)
        router.get("/livez") { _, _ in HTTPResponse.Status.ok }
        router.post("/hooks/{token}") { request, context in
            await receive(request, token: context.parameters.get("token"))
        }
        let onBound = onBound
        let app = Application(
            router: router, configuration: .init(address: address, serverName: "ferry"),
            onServerRunning: { channel in await onBound(channel.localAddress?.port ?? 0) }, logger: logger)
        try await app.run()
    }

    // MARK: - Receiving

    private func receive(_ request: Request, token: String?) async -> HTTPResponse.Status {
        do {
            guard let token = token.flatMap(WebhookToken.init), let known = try await lookup(token.hash),
                token.matches(known.hash)
            else { return .notFound }
            guard let body = try? await request.body.collect(upTo: ClusterLimits.webhookBody) else {
                return .contentTooLarge
            }
            do {
                let hint = ChangeHint(tenant: known.tenant, contactID: try WebhookBody(body.readableBytesView).contactID)
                return await inbox.post(hint) ? .ok : .serviceUnavailable
            } catch {
                await report(known.tenant, error)
                return .badRequest
            }
        } catch {
            logger.error("webhook not looked up", metadata: ["error": "\(error)"])
            return .serviceUnavailable
        }
    }
}
