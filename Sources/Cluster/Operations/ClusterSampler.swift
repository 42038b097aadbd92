package import Drivers
package import Foundation
package import JobQueue
package import Logging
import ServiceLifecycle
package import Store
import Synchronization

/// The whole cluster at one instant.
package struct ClusterSample: Sendable {
    package let at: Date
    package let mode: QueueMode
    package let queue: QueueStatus
    package let store: StoreGauges
    package let signal: AutoscaleSignal
}

/// Looks at the whole cluster now and then, for gauges and the autoscaling signal. Each scheduler does; a dashboard takes
/// the maximum over them.
///
/// When it fails or dies, gauges stay as they were and the signal is refused once its sample is old: an autoscaler then
/// keeps what it has.
package final class ClusterSampler: Service {
    private let store: Store
    private let queue: JobQueue
    private let clock: WallClock
    private let logger: Logger
    private let targetSeconds: Double
    private let placesPerWorker: Int
    private let latest = Mutex<ClusterSample?>(nil)

    /// Makes a sampler.
    /// - Parameters:
    ///   - targetSeconds: time in which runnable work should be done.
    ///   - placesPerWorker: jobs at once of a worker, while none has reported.
    package init(
        store: Store, queue: JobQueue, clock: WallClock, logger: Logger, targetSeconds: Double, placesPerWorker: Int
    ) {
        self.store = store
        self.queue = queue
        self.clock = clock
        self.logger = logger
        self.targetSeconds = targetSeconds
        self.placesPerWorker = placesPerWorker
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.sampleOnce()
                try? await Task.sleep(for: OperationsLimits.sample)
            }
        }
    }

    private func sampleOnce() async {
        do { try await sample() } catch {
            MetricCatalog.count("ferry_samples_failed_total")
            logger.warning("cluster not sampled", metadata: ["error": "\(error)"])
        }
    }

    /// Takes a sample and records it.
    @discardableResult
    package func sample() async throws -> ClusterSample {
        let now = clock.now
        let gauges = try await store.gauges(now: now)
        let status = try await queue.status()
        let mode = try await store.queueSwitch().mode
        let places = gauges.workers > 0 ? gauges.places / gauges.workers : placesPerWorker
        let sample = ClusterSample(
            at: now, mode: mode, queue: status, store: gauges,
            signal: AutoscaleSignal(
                mode: mode, runnableJobs: status.readyTenants.values.reduce(0, +), runningJobs: status.running,
                meanRunSeconds: gauges.meanRunSeconds, targetSeconds: targetSeconds, placesPerWorker: places))
        latest.withLock { $0 = sample }
        MetricCatalog.sampled(sample)
        return sample
    }

    /// The signal; nil when nothing fresh is known.
    package var signal: AutoscaleSignal? {
        guard let sample = latest.withLock({ $0 }) else { return nil }
        return abs(clock.now.timeIntervalSince(sample.at)) < OperationsLimits.sampleLife ? sample.signal : nil
    }
}
