import Cluster
import Foundation
import Store
import Testing

/// What the process tests can't see well: the signal's arithmetic, and how metrics are written.
@Suite(.timeLimit(.minutes(1)))
struct SignalTests {
    @Test(arguments: [
        // runnable, running, mean, target, places, desired
        (0, 0, 2.0, 30.0, 64, 0),
        (1, 0, 2.0, 30.0, 64, 1),
        (3, 0, 0.01, 30.0, 64, 1),
        (0, 65, 2.0, 30.0, 64, 2),
        (64_000, 0, 30.0, 30.0, 64, 1_000),
        (64_000, 0, 3.0, 30.0, 64, 100),
        // Runs longer than the target want no more places than there are jobs.
        (640, 0, 3_000.0, 30.0, 64, 10),
        (100_000_000, 0, 30.0, 30.0, 1, OperationsLimits.desiredWorkers),
    ])
    func desiredWorkersFollowRunnableWorkOnly(
        runnable: Int, running: Int, mean: Double, target: Double, places: Int, desired: Int
    ) {
        let signal = AutoscaleSignal(
            mode: .running, runnableJobs: runnable, runningJobs: running, meanRunSeconds: mean, targetSeconds: target,
            placesPerWorker: places)
        #expect(signal.desiredWorkers == desired)
    }

    @Test func aPausedQueueAsksForNoMoreWorkersThanWhatStillRuns() {
        let signal = AutoscaleSignal(
            mode: .paused, runnableJobs: 6_400, runningJobs: 65, meanRunSeconds: 30, targetSeconds: 30,
            placesPerWorker: 64)
        #expect(signal.desiredWorkers == 2 && signal.runnableJobs == 0)
    }

    @Test func nothingMeasuredIsNoReasonToDivideByZero() {
        let signal = AutoscaleSignal(
            mode: .running, runnableJobs: 100, runningJobs: 0, meanRunSeconds: nil, targetSeconds: 0,
            placesPerWorker: 0)
        #expect(signal.desiredWorkers == 100)
        #expect(signal.meanRunSeconds == OperationsLimits.assumedRunSeconds)
    }

    @Test func metricsAreWrittenAsPrometheusReadsThemAndAreBounded() {
        let registry = PrometheusRegistry.installed
        MetricCatalog.hints(.accepted, 3)
        MetricCatalog.hints(.accepted, 2)
        MetricCatalog.hints(.unknownToken)
        MetricCatalog.gauge("ferry_queue_jobs", 1.5, [("state", "a \"b\"\\\n")])
        #expect(registry.text.contains("\nferry_ingest_hints_total{result=\"accepted\"} 5\n"))
        #expect(registry.text.contains("\nferry_ingest_hints_total{result=\"unknown_token\"} 1\n"))
        #expect(registry.text.contains(#"ferry_queue_jobs{state="a \"b\"\\\n"} 1.5"#))
        #expect(registry.text.components(separatedBy: "# TYPE ferry_ingest_hints_total counter").count == 2)
        for number in 0...OperationsLimits.series { MetricCatalog.gauge("flood", 1, [("n", "\(number)")]) }
        MetricCatalog.hints(.accepted)
        #expect(registry.text.contains("accepted\"} 6"), "those that are there go on")
        let lines = registry.text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(lines.count == OperationsLimits.series + 1)
        #expect(registry.text.contains(#/ferry_metrics_dropped_total [1-9]/#))
    }

    @Test func aHungCheckIsAFailedOne() async {
        let readiness = Readiness([
            ReadinessCheck("fine") { nil },
            ReadinessCheck("hung") {
                let (stream, rope) = AsyncStream<Void>.makeStream()
                for await _ in stream {}
                rope.finish()
                return nil
            },
        ])
        let failures = await readiness.failures()
        #expect(Set(failures.keys) == ["hung"])
    }
}
