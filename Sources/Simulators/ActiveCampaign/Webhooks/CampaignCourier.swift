package import Foundation
import Synchronization

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Makes one account's webhook calls, one after the other and beside everything else: nobody who changes a contact
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
        var isRunning = false
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

    /// Takes deliveries over. `reorders` says for each whether it overtakes the one that was queued before it.
    func take(_ deliveries: [CampaignDelivery], reorders: [Bool]) {
        let starts = queue.withLock { queue in
            for (delivery, overtakes) in zip(deliveries, reorders) { Self.enqueue(delivery, overtakes, in: &queue) }
            guard !queue.isRunning, !queue.waiting.isEmpty else { return false }
            queue.isRunning = true
            return true
        }
        if starts { Task { await self.run() } }
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
                if queue.isRunning { queue.idleWaiters.append(continuation) }
                return !queue.isRunning
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
            if let index = queue.waiting.firstIndex(where: { $0.dueAt <= now }) {
                return .deliver(queue.waiting.remove(at: index))
            }
            guard queue.waiting.isEmpty else { return .wait }
            queue.isRunning = false
            defer { queue.idleWaiters = [] }
            return .stop(queue.idleWaiters)
        }
    }

    private func make(_ delivery: CampaignDelivery) async {
        var status: Int?
        if let url = URL(string: delivery.url) {
            status = await deliver(url, delivery.body, "application/x-www-form-urlencoded; charset=utf-8")
        }
        let isAccepted = status.map { (200..<300).contains($0) } ?? false
        queue.withLock { queue in
            if isAccepted { queue.tally.delivered += 1 } else { queue.tally.refused += 1 }
        }
        if status == 410, let hook = delivery.hook { onGone(hook) }
    }
}

extension ActiveCampaignSimulator {
    /// Posts a body to a webhook's receiver; answers the status, or nil when there was no answer.
    package typealias Deliver = @Sendable (_ url: URL, _ body: Data, _ contentType: String) async -> Int?

    /// Real HTTP with a bounded wait.
    package static let deliverOverHTTP: Deliver = { url, body, contentType in
        var request = URLRequest(url: url, timeoutInterval: SimulatorsLimits.ActiveCampaign.deliverySeconds)
        request.httpMethod = "POST"
        request.httpBody = body
        request.setValue(contentType, forHTTPHeaderField: "content-type")
        request.setValue("ActiveCampaign Webhooks", forHTTPHeaderField: "user-agent")
        let answer = try? await URLSession.shared.data(for: request)
        return (answer?.1 as? HTTPURLResponse)?.statusCode
    }
}
