package import Store

/// How many workers the present work is worth. Pure.
///
/// Counts what could run now, not what waits: a tenant that is parked or paused buys no machine, and a tenant runs one job
/// at a time, so its second queued job buys none either. On a paused queue nothing could run. Jobs under way keep their
/// workers until they end.
package struct AutoscaleSignal: Sendable, Hashable, Codable {
    package let desiredWorkers: Int
    /// Jobs that could start at once.
    package let runnableJobs: Int
    /// Jobs under way.
    package let runningJobs: Int
    /// Mean length of a run, in seconds.
    package let meanRunSeconds: Double
    /// Time in which the runnable work should be done, in seconds.
    package let targetSeconds: Double
    /// Jobs one worker runs at once.
    package let placesPerWorker: Int

    /// `ceil((runnable × mean ÷ target + running) ÷ places)`, and one worker at least for any work.
    /// - Parameters:
    ///   - mode: what the queue's switch stands at.
    ///   - runnableJobs: tenant classes that could run now.
    ///   - meanRunSeconds: nil while none has been measured.
    ///   - targetSeconds: positive.
    ///   - placesPerWorker: positive.
    package init(
        mode: QueueMode, runnableJobs: Int, runningJobs: Int, meanRunSeconds: Double?, targetSeconds: Double,
        placesPerWorker: Int
    ) {
        let runnableJobs = mode == .paused ? 0 : runnableJobs
        let mean = max(0.001, meanRunSeconds ?? OperationsLimits.assumedRunSeconds)
        let places = Double(max(1, placesPerWorker))
        // More places at once than jobs are of no use, however long the jobs last.
        let wanted = min(Double(runnableJobs), Double(runnableJobs) * mean / max(1, targetSeconds))
        let workers = ((wanted + Double(runningJobs)) / places).rounded(.up)
        desiredWorkers = min(OperationsLimits.desiredWorkers, max(0, Int(workers)))
        self.runnableJobs = runnableJobs
        self.runningJobs = runningJobs
        self.meanRunSeconds = mean
        self.targetSeconds = targetSeconds
        self.placesPerWorker = Int(places)
    }
}
