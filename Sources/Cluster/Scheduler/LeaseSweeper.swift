import JobQueue
import Logging

/// Gives the leases of dead workers back to the queue, now and then. Workers and schedulers all do: as long as one process
/// lives it is known who died, and work goes on within seconds.
///
/// When it dies another process goes on.
struct LeaseSweeper {
    let queue: JobQueue
    let logger: Logger

    func run() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: ClusterLimits.sweep)
            do {
                let count = try await queue.sweep()
                guard count > 0 else { continue }
                MetricCatalog.count("ferry_queue_swept_leases_total", count)
                logger.notice("took over leases of dead workers", metadata: ["count": "\(count)"])
            } catch {
                logger.warning("sweep failed", metadata: ["error": "\(error)"])
            }
        }
    }
}
