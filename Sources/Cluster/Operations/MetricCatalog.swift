import Foundation
package import JobQueue
import Metrics
import Store
package import SyncRules

/// Every metric Ferry has, its help text, and the one place where each is recorded. No label names a tenant: the number of
/// series does not grow with the customers, and one tenant's troubles are not another's to read.
package enum MetricCatalog {
    /// Help texts by name; a metric without one is a mistake that a test finds.
    package static let help: [String: String] = [
        "ferry_jobs_total": "Jobs this worker ran, by kind and by what the queue was told.",
        "ferry_job_duration_seconds": "Time from a job's start to its end in this worker, by kind.",
        "ferry_jobs_running": "Jobs running in this process, those that wait for their turn to call included.",
        "ferry_jobs_waiting":
            "Of the jobs running in this process, those that wait for their turn to call and leave their place to others.",
        "ferry_provider_calls_total": "Calls to the providers, repeats included, by provider and class of call.",
        "ferry_unplanned_use_total":
            "Times a tenant's org was called far more by others than is usual: another integration, or a stolen token.",
        "ferry_call_extensions_total":
            "Times a run asked for more calls, by what it was told: granted, refused or lost.",
        "ferry_worker_quiet": "1 while this worker was told to lease nothing.",
        "ferry_ingest_hints_total":
            "Webhooks by what became of them: accepted, unknown_token, malformed or not_stored.",
        "ferry_queue_jobs": "Jobs on the queue, by state: queued, running, delayed or dead.",
        "ferry_queue_ready_tenants": "Tenants that could run now, by class of job.",
        "ferry_queue_parked_tenants": "Tenants with work that may not run before an instant.",
        "ferry_queue_paused_tenants": "Tenants paused on the queue.",
        "ferry_queue_mode": "1 for the mode the cluster's switch stands in: running, draining or paused.",
        "ferry_pending_changes": "Contacts known to have changed and not settled, counted up to a million.",
        "ferry_failed_records": "Records that can't be synced as they are, counted up to a million.",
        "ferry_open_imports": "Bulk imports whose outcome is not known yet.",
        "ferry_fenced_commits_total": "Commits of this worker that were refused because their lease was lost.",
        "ferry_oldest_overdue_seconds": "How long the oldest due stream has waited for its run to end.",
        "ferry_scheduler_lateness_seconds": "How long the oldest due stream has waited for a scheduler.",
        "ferry_dispatch_lateness_seconds":
            "Time from the instant a stream could be claimed to the one its job was on the queue, in this scheduler.",
        "ferry_queue_generation_changes_total":
            "Times this scheduler took shards over that were lost or came back older.",
        "ferry_queue_swept_leases_total":
            "Leases this process gave back to the queue because their worker had been silent for too long.",
        "ferry_queue_rebuilt_streams_total": "Due streams put on the queue again after their shard was taken over.",
        "ferry_audited_streams_total": "Claimed streams this scheduler's auditor looked for on the queue.",
        "ferry_audit_readded_total": "Claimed streams that were on no queue and are asked for again.",
        "ferry_audit_dropped_total": "Jobs dropped from the queue because their tenant is gone.",
        "ferry_run_mean_seconds": "Mean length of the last quarter of an hour's runs.",
        "ferry_workers": "Worker processes that reported within a minute.",
        "ferry_worker_places": "Jobs those workers can run at once.",
        "ferry_desired_workers": "Workers that the runnable work is worth; parked tenants count nothing.",
        "ferry_samples_failed_total": "Samples of the cluster's gauges that failed.",
        "process_start_time_seconds": "When this process started, in seconds since 1970.",
    ]

    // MARK: - Workers

    /// A job came to its end.
    package static func ended(_ kind: String, _ outcome: JobOutcome, after duration: Duration) {
        let word =
            switch outcome {
            case .done: "done"
            case .again: "again"
            case .retry: "retry"
            case .dead: "dead"
            case .returned: "returned"
            }
        // A kind of a newer version is not worth a series of its own.
        let kind = JobKind(rawValue: kind)?.rawValue ?? "other"
        Counter(label: "ferry_jobs_total", dimensions: [("kind", kind), ("outcome", word)]).increment()
        Metrics.Timer(label: "ferry_job_duration_seconds", dimensions: [("kind", kind)])
            .recordNanoseconds(Int64(duration.seconds * 1e9))
    }

    /// A job began (1) or ended (-1).
    package static func running(_ change: Double) {
        Meter(label: "ferry_jobs_running").increment(by: change)
    }

    /// A job began to wait for its turn to call (1) or goes on (-1).
    static func waiting(_ change: Double) {
        Meter(label: "ferry_jobs_waiting").increment(by: change)
    }

    /// A provider was called.
    package static func called(_ provider: Side, _ callClass: CallClass) {
        Counter(
            label: "ferry_provider_calls_total",
            dimensions: [
                ("provider", provider == .salesforce ? "salesforce" : "activecampaign"), ("class", callClass.name),
            ]
        ).increment()
    }

    /// A run asked for more calls.
    package static func extended(_ result: ExtensionResult) {
        let word =
            switch result {
            case .granted: "granted"
            case .refused: "refused"
            case .leaseLost: "lost"
            }
        Counter(label: "ferry_call_extensions_total", dimensions: [("result", word)]).increment()
    }

    // MARK: - Ingest

    /// What became of webhooks.
    package enum Hint: String, Sendable, CaseIterable {
        case accepted
        case unknownToken = "unknown_token"
        case malformed
        case notStored = "not_stored"
    }

    /// Webhooks met their end.
    package static func hints(_ end: Hint, _ count: Int = 1) {
        Counter(label: "ferry_ingest_hints_total", dimensions: [("result", end.rawValue)]).increment(by: count)
    }

    // MARK: - The cluster

    /// A sample of the whole cluster was taken.
    package static func sampled(_ sample: ClusterSample) {
        sampled(sample.queue)
        sampled(sample.store)
        for mode in QueueMode.allCases {
            gauge("ferry_queue_mode", mode == sample.mode ? 1 : 0, [("mode", mode.rawValue)])
        }
        gauge("ferry_desired_workers", Double(sample.signal.desiredWorkers))
    }

    private static func sampled(_ queue: QueueStatus) {
        let states = [
            ("queued", queue.queued), ("running", queue.running), ("delayed", queue.delayed), ("dead", queue.dead),
        ]
        for (state, count) in states { gauge("ferry_queue_jobs", Double(count), [("state", state)]) }
        for jobClass in JobClass.allCases {
            gauge(
                "ferry_queue_ready_tenants", Double(queue.readyTenants[jobClass] ?? 0), [("class", "\(jobClass)")])
        }
        gauge("ferry_queue_parked_tenants", Double(queue.parked))
        gauge("ferry_queue_paused_tenants", Double(queue.pausedTenants))
    }

    private static func sampled(_ store: StoreGauges) {
        gauge("ferry_pending_changes", Double(store.pendingChanges))
        gauge("ferry_failed_records", Double(store.failedRecords))
        gauge("ferry_open_imports", Double(store.openImports))
        gauge("ferry_oldest_overdue_seconds", store.oldestOverdueSeconds)
        gauge("ferry_scheduler_lateness_seconds", store.latenessSeconds)
        gauge("ferry_run_mean_seconds", store.meanRunSeconds ?? 0)
        gauge("ferry_workers", Double(store.workers))
        gauge("ferry_worker_places", Double(store.places))
    }

    /// Sets a gauge.
    package static func gauge(_ name: String, _ value: Double, _ dimensions: [(String, String)] = []) {
        Gauge(label: name, dimensions: dimensions).record(value)
    }

    /// A scheduler put a stream's job on the queue, so many seconds after it could have.
    package static func dispatched(lateBy seconds: Double) {
        Metrics.Timer(label: "ferry_dispatch_lateness_seconds").recordNanoseconds(Int64(max(0, seconds) * 1e9))
    }

    /// Counts.
    package static func count(_ name: String, _ amount: Int = 1) { Counter(label: name).increment(by: amount) }
}
