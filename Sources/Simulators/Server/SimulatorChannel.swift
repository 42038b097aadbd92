import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPCompression
import NIOHTTPTypesHTTP1
import NIOSSL

/// One connection: TLS if asked for, HTTP/1.1, gzip for clients that accept it, and the server's responder.
struct SimulatorChannel: HTTPChannelHandler {
    typealias Value = HTTP1Channel.Value

    let base: HTTP1Channel
    let tls: NIOSSLContext?

    var responder: HTTPChannelHandler.Responder { base.responder }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        base.setup(channel: channel, logger: logger).flatMapThrowing { [tls] value in
            let pipeline = channel.pipeline.syncOperations
            let codec = try pipeline.handler(type: HTTP1ToHTTPServerCodec.self)
            try pipeline.addHandlers(
                [
                    MalformedRequestHandler(), GzipPreference(),
                    HTTPResponseCompressor(responseCompressionPredicate: Self.compresses),
                ], position: .before(codec))
            if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls), position: .first) }
            return value
        }
    }

    func handle(value: Value, logger: Logger) async {
        await base.handle(value: value, logger: logger)
    }

    /// Small answers stay as they are, like those of both providers' edges.
    private static func compresses(
        _ head: inout HTTPResponseHead, isSupported: Bool
    ) -> HTTPResponseCompressor.CompressionIntent {
        let length = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
        return length >= SimulatorsLimits.leastCompressedBytes ? .compressIfPossible : .doNotCompress
    }
}

/// Answers 400 to what is no HTTP and closes. The error goes no further: behind it the compressor, which counts one
/// answer for each request it saw, would trap on an answer to none.
private final class MalformedRequestHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private var isAnswering = false

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head: isAnswering = true
        case .body: break
        case .end: isAnswering = false
        }
        context.write(data, promise: promise)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is HTTPParserError else { return context.fireErrorCaught(error) }
        if !isAnswering {
            let headers: HTTPHeaders = ["connection": "close", "content-length": "0"]
            let head = HTTPResponseHead(version: .http1_1, status: .badRequest, headers: headers)
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
        context.close(promise: nil)
    }
}

/// Of the encodings a client accepts, leaves gzip alone where it is among them: the providers know no other.
private final class GzipPreference: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data), head.headers.contains(name: "accept-encoding") else {
            return context.fireChannelRead(data)
        }
        let accepted = head.headers[canonicalForm: "accept-encoding"]
        let gzip = accepted.first { $0.hasPrefix("gzip") }
        head.headers.replaceOrAdd(name: "accept-encoding", value: gzip.map(String.init) ?? "identity")
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }
}
