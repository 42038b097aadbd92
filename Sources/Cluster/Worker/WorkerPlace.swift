package import ActiveCampaign
import JobQueue

/// A running job's place in its worker.
///
/// While the job does nothing but wait for its turn to call a provider, its place is another job's: neither a storm of
/// refusals nor a long pull at four calls a second keeps other tenants waiting.
struct WorkerPlace: Sendable {
    /// The place of the job that the current task runs; nil outside a worker.
    @TaskLocal static var current: WorkerPlace?

    let desk: WorkerDesk
    let job: LeaseName

    /// Runs `wait` away from the current job's place.
    static func leave(_ wait: () async throws -> Void) async rethrows {
        guard let place = current else { return try await wait() }
        place.desk.rest(place.job)
        MetricCatalog.waiting(1)
        defer {
            MetricCatalog.waiting(-1)
            place.desk.wake(place.job)
        }
        try await wait()
    }
}

extension PaceClock {
    /// This clock; a worker's job that waits by it leaves its place to another.
    package var leavingPlaces: PaceClock {
        PaceClock(now: { now }, sleep: { duration in try await WorkerPlace.leave { try await sleep(duration) } })
    }
}
