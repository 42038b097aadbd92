package import Foundation

/// Every bound of the running parts' operation: switches, probes and metrics.
package enum OperationsLimits {
    /// Time between two looks at what a process is asked to do.
    package static let look: Duration = .seconds(3)
    /// Time between two samples of the cluster's gauges.
    package static let sample: Duration = .seconds(15)
    /// Seconds after which a sample is too old to act on.
    package static let sampleLife: TimeInterval = 90
    /// Time a readiness check may take.
    package static let check: Duration = .seconds(2)
    /// Time an answer about readiness is given again without a new check.
    package static let checkLife: Duration = .seconds(1)
    /// Series one process may have; more are counted and dropped.
    package static let series = 1_000
    /// Bounds of histograms of durations, in seconds.
    package static let durationBuckets: [Double] = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800]
    /// Workers the autoscaling signal asks for at most.
    package static let desiredWorkers = 10_000
    /// Seconds a run is taken to last while none has been measured.
    package static let assumedRunSeconds = 2.0
}
