import Cluster
import Drivers
import Foundation
import JobQueue
import Logging
import ServiceLifecycle
import Store

/// The admin door of a role: probes and metrics, when `FERRY_ADMIN_PORT` asks for it.
extension Runtime {
    /// The services of the door; none when it stays shut.
    /// - Parameters:
    ///   - checks: what the role needs to be of use.
    ///   - signal: the autoscaling signal; nil for roles that have none.
    func door(
        _ checks: [ReadinessCheck], signal: (@Sendable () -> AutoscaleSignal?)? = nil
    ) throws -> [any Service] {
        guard let port = try settings.adminPort else { return [] }
        let registry = PrometheusRegistry.installed
        MetricCatalog.gauge("process_start_time_seconds", clock.now.timeIntervalSince1970.rounded())
        let logger = logger
        return [
            AdminServer(
                host: try settings.required(.adminHost), port: port, readiness: Readiness(checks), registry: registry,
                logger: logger, signal: signal,
                onBound: { port in logger.info("admin door open", metadata: ["admin-port": "\(port)"]) })
        ]
    }

    /// Whether PostgreSQL answers with a schema this program can use.
    var postgresCheck: ReadinessCheck {
        let store = store
        return ReadinessCheck("postgres") {
            do { _ = try await store.queueSwitch() } catch { return "\(error)" }
            return nil
        }
    }

    /// Whether Redis answers and holds the queue.
    func queueCheck(_ queue: JobQueue) -> ReadinessCheck {
        ReadinessCheck("redis") {
            do throws(JobQueueError) {
                return try await queue.generation().lost.isEmpty ? nil : "no scheduler has taken it into use yet"
            } catch { return "\(error)" }
        }
    }
}
