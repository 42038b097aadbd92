package import Logging
package import ServiceLifecycle
import Synchronization

/// What a role is to do at present.
package enum RoleOrder: Sendable, Hashable {
    /// Work.
    case work
    /// Stay alive without working.
    case rest
    /// End the process in peace.
    case leave
}

/// What a role does at present.
package enum RoleState: Sendable, Hashable {
    case working
    /// On the way to rest or to leave: what it has is finished or handed back.
    case ending
    case resting
}

/// A role that can be told to rest and to work again while its process lives on, and to leave.
///
/// To rest is to end the role's service as SIGTERM would, to work again is to make it anew; so a role needs no code of its
/// own for either. When orders can't be had, the last ones hold: a database out of reach stops nobody. When the role ends
/// by itself, so does this.
package struct SwitchedService: Service {
    /// Asks for orders, telling the state; throws when nobody answers.
    package typealias Orders = @Sendable (RoleState) async throws -> RoleOrder

    private enum Event: Sendable {
        case look
        case ended((any Error)?)
        case shutdown
    }

    private enum Phase {
        case resting
        case working(ServiceGroup)
        case ending(ServiceGroup)
    }

    private let make: @Sendable () throws -> any Service
    private let orders: Orders
    private let leave: @Sendable () async -> Void
    private let pause: Duration
    private let logger: Logger

    /// Makes a role.
    /// - Parameters:
    ///   - pause: time between two looks at the orders.
    ///   - leave: called when the role is over.
    ///   - make: makes the role's service, anew for every time it works.
    package init(
        logger: Logger, pause: Duration = OperationsLimits.look, orders: @escaping Orders,
        leave: @escaping @Sendable () async -> Void = {}, make: @escaping @Sendable () throws -> any Service
    ) {
        self.make = make
        self.orders = orders
        self.leave = leave
        self.pause = pause
        self.logger = logger
    }

    package func run() async throws {
        let (events, post) = AsyncStream<Event>.makeStream(bufferingPolicy: .bufferingNewest(64))
        post.yield(.look)
        try await withGracefulShutdownHandler {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    while !Task.isCancelled {
                        try await Task.sleep(for: pause)
                        post.yield(.look)
                    }
                }
                defer { group.cancelAll() }
                try await follow(events, post, &group)
            }
        } onGracefulShutdown: {
            post.yield(.shutdown)
        }
        await leave()
    }

    private func follow(
        _ events: AsyncStream<Event>, _ post: AsyncStream<Event>.Continuation,
        _ group: inout ThrowingTaskGroup<Void, any Error>
    ) async throws {
        var phase = Phase.resting
        var isLeaving = false
        var order = RoleOrder.work
        for await event in events {
            switch event {
            case .shutdown:
                // A service under way sees the same signal; it ends by itself.
                guard case .resting = phase else {
                    isLeaving = true
                    continue
                }
                return
            case .ended(let error):
                if let error { throw error }
                guard case .ending = phase, !isLeaving, order != .leave else { return }
                phase = .resting
                post.yield(.look)
            case .look:
                guard !isLeaving else { continue }
                order = await asked(phase) ?? order
            }
            if isLeaving { continue }
            switch (order, phase) {
            case (.work, .resting):
                phase = .working(try begin(post, &group))
                // The new state is told at once.
                post.yield(.look)
            case (.rest, .working(let service)), (.leave, .working(let service)):
                logger.notice("told to \(order == .rest ? "rest" : "leave")")
                await service.triggerGracefulShutdown()
                phase = .ending(service)
            case (.leave, .resting): return
            default: break
            }
        }
    }

    private func asked(_ phase: Phase) async -> RoleOrder? {
        let state: RoleState =
            switch phase {
            case .resting: .resting
            case .working: .working
            case .ending: .ending
            }
        do { return try await orders(state) } catch {
            logger.warning("no orders; the last ones hold", metadata: ["error": "\(error)"])
            return nil
        }
    }

    private func begin(
        _ post: AsyncStream<Event>.Continuation, _ group: inout ThrowingTaskGroup<Void, any Error>
    ) throws -> ServiceGroup {
        let service = ServiceGroup(
            configuration: .init(
                services: [.init(service: try make(), successTerminationBehavior: .gracefullyShutdownGroup)],
                logger: logger))
        group.addTask {
            do {
                try await service.run()
                post.yield(.ended(nil))
            } catch {
                post.yield(.ended(error))
            }
        }
        return service
    }
}
