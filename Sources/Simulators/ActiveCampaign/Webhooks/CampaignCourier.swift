package import Foundation
import Synchronization

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Makes one account's webhook calls, one after the other unless switched, and beside everything else: nobody who changes a contact
/// waits for a receiver. What a receiver refuses is gone (8.2); only 410 has a consequence. The queue is in memory
/// and dies with the process.
final class CampaignCourier: Sendable {
    /// Counts of an account's deliveries.
    struct Tally: Sendable, Equatable {
        var delivered = 0
        var refused = 0
        var overflowed = 0
    }

    private struct Queue {
        var waiting: [CampaignDelivery] = []
        /// Deliveries that may be under way at once.
        var most = 1
        /// Tasks that look after the queue.
        var workers = 0
        var tally = Tally()
        var idleWaiters: [CheckedContinuation<Void, Never>] = []
    }

    private let queue = Mutex(Queue())
    private let clock: SimulatorClock
    private let deliver: ActiveCampaignSimulator.Deliver
    private let onGone: @Sendable (UInt32) -> Void

    /// - Parameter onGone: told the webhook whose receiver answered 410.
    init(
        clock: SimulatorClock, deliver: @escaping ActiveCampaignSimulator.Deliver,
        onGone: @escaping @Sendable (UInt32) -> Void
    ) {
        self.clock = clock
        self.deliver = deliver
        self.onGone = onGone
    }

    /// Deliveries made, refused and lost so far.
    var tally: Tally { queue.withLock { $0.tally } }

    /// Takes deliveries over, `atOnce` of which may be under way together. `reorders` says for each whether it overtakes
    /// the one that was queued before it.
    func take(_ deliveries: [CampaignDelivery], reorders: [Bool], atOnce: Int) {
        let starts = queue.withLock { queue in
            for (delivery, overtakes) in zip(deliveries, reorders) { Self.enqueue(delivery, overtakes, in: &queue) }
            queue.most = min(max(1, atOnce), SimulatorsLimits.ActiveCampaign.deliveriesAtOnce)
            let starts = max(0, min(queue.most - queue.workers, queue.waiting.count))
            queue.workers += starts
            return starts
        }
        for _ in 0..<starts { Task { await self.run() } }
    }

    private static func enqueue(_ delivery: CampaignDelivery, _ overtakes: Bool, in queue: inout Queue) {
        guard queue.waiting.count < SimulatorsLimits.ActiveCampaign.waitingDeliveries else {
            queue.tally.overflowed += 1
            return
        }
        let place = overtakes && !queue.waiting.isEmpty ? queue.waiting.count - 1 : queue.waiting.count
        queue.waiting.insert(delivery, at: place)
    }

    /// Returns once nothing is waiting or under way.
    func settled() async {
        await withCheckedContinuation { continuation in
            let isIdle = queue.withLock { queue in
                if queue.workers > 0 { queue.idleWaiters.append(continuation) }
                return queue.workers == 0
            }
            if isIdle { continuation.resume() }
        }
    }

    // MARK: - Running

    private enum Step {
        case deliver(CampaignDelivery)
        case wait
        case stop([CheckedContinuation<Void, Never>])
    }

    private func run() async {
        while true {
            switch nextStep() {
            case .deliver(let delivery): await make(delivery)
            // The simulators' clock does not say when it is moved, so late deliveries look at it now and then.
            case .wait: try? await Task.sleep(for: .milliseconds(10))
            case .stop(let waiters):
                for waiter in waiters { waiter.resume() }
                return
            }
        }
    }

    private func nextStep() -> Step {
        let now = clock.now.timeIntervalSince1970
        return queue.withLock { queue in
            if queue.workers <= queue.most, let index = queue.waiting.firstIndex(where: { $0.dueAt <= now }) {
                return .deliver(queue.waiting.remove(at: index))
            }
            // One is enough to look at the clock for those that wait for it.
            guard queue.waiting.isEmpty || queue.workers > 1 else { return .wait }
            queue.workers -= 1
            guard queue.workers == 0 else { return .stop([]) }
            defer { queue.idleWaiters = [] }
            return .stop(queue.idleWaiters)
        }
    }

    private func make(_ delivery: CampaignDelivery) async {
        var status: Int?
        if let post = ActiveCampaignPost(delivery) { status = await deliver(post) }
        let isAccepted = status.map { (200..<300).contains($0) } ?? false
        let now = clock.now.timeIntervalSince1970
        queue.withLock { queue in
            if isAccepted { queue.tally.delivered += 1 } else { queue.tally.refused += 1 }
            guard !isAccepted, delivery.triesLeft > 1 else { return }
            var again = delivery
            again.triesLeft -= 1
            again.dueAt = now + delivery.retrySeconds
            Self.enqueue(again, false, in: &queue)
        }
        if status == 410, let hook = delivery.hook { onGone(hook) }
    }
}

/// One call of a webhook's or a callback's receiver.
package struct ActiveCampaignPost: Sendable {
    /// Where to.
    package var url: URL
    /// `POST`, or `GET` for a callback that asked for it.
    package var method = "POST"
    /// The form; empty with `GET`, whose form is in the address.
    package var body: Data
    /// Always a form's, so far.
    package var contentType = "application/x-www-form-urlencoded; charset=utf-8"
    /// What the callback's owner asked for.
    package var headers: [(name: String, value: String)] = []
    /// Seconds the receiver may take.
    package var timeoutSeconds = SimulatorsLimits.ActiveCampaign.deliverySeconds

    /// A form for a receiver.
    package init(url: URL, body: Data) {
        self.url = url
        self.body = body
    }

    /// Nil when the receiver's address is none.
    init?(_ delivery: CampaignDelivery) {
        var address = delivery.url
        if delivery.method == "GET" {
            address += (address.contains("?") ? "&" : "?") + String(decoding: delivery.body, as: UTF8.self)
        }
        guard let url = URL(string: address) else { return nil }
        self.url = url
        method = delivery.method
        body = delivery.method == "GET" ? Data() : delivery.body
        headers = delivery.headers
        timeoutSeconds = delivery.timeoutSeconds
    }
}

extension ActiveCampaignSimulator {
    /// Calls a receiver; answers the status, or nil when there was no answer.
    package typealias Deliver = @Sendable (_ post: ActiveCampaignPost) async -> Int?

    /// Real HTTP with a bounded wait.
    package static let deliverOverHTTP: Deliver = { post in
        var request = URLRequest(url: post.url, timeoutInterval: post.timeoutSeconds)
        request.httpMethod = post.method
        if post.method != "GET" {
            request.httpBody = post.body
            request.setValue(post.contentType, forHTTPHeaderField: "content-type")
        }
        request.setValue("ActiveCampaign Webhooks", forHTTPHeaderField: "user-agent")
        for header in post.headers { request.setValue(header.value, forHTTPHeaderField: header.name) }
        let answer = try? await URLSession.shared.data(for: request)
        return (answer?.1 as? HTTPURLResponse)?.statusCode
    }
}
