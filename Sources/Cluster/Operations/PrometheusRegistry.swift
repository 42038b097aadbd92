import Foundation
package import Metrics
import Synchronization

/// Where swift-metrics' counters, gauges and histograms live in a process, and how Prometheus reads them.
///
/// Labels are Prometheus names as they are (`ferry_jobs_total`), timers are histograms in seconds. The number of series is
/// bounded: what comes after `OperationsLimits.series` is dropped and counted. A series lives as long as its process.
package final class PrometheusRegistry: MetricsFactory {
    /// The registry of this process, set as swift-metrics' factory on first use.
    package static let installed: PrometheusRegistry = {
        let registry = PrometheusRegistry()
        MetricsSystem.bootstrap(registry)
        return registry
    }()

    private let limit: Int
    private let state = Mutex(State())

    private struct State {
        var series: [SeriesName: any PrometheusSeries] = [:]
        var dropped: Int64 = 0
    }

    /// Makes an empty registry.
    /// - Parameter limit: series at most.
    package init(limit: Int = OperationsLimits.series) { self.limit = limit }

    /// The series of a name, made when it is new; nil when there are too many, or it is there with another type.
    private func series<Series: PrometheusSeries>(
        _ label: String, _ dimensions: [(String, String)], _ make: () -> Series
    ) -> Series? {
        let name = SeriesName(label, dimensions)
        return state.withLock { state in
            if let known = state.series[name] { return known as? Series }
            guard state.series.count < limit else {
                state.dropped += 1
                return nil
            }
            let made = make()
            state.series[name] = made
            return made
        }
    }

    // MARK: - MetricsFactory

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions) { CounterSeries() } ?? NOOPMetricsHandler.instance
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        if aggregate {
            return series(label, dimensions) { HistogramSeries(OperationsLimits.durationBuckets) }
                ?? NOOPMetricsHandler.instance
        }
        return series(label, dimensions) { GaugeSeries() } ?? NOOPMetricsHandler.instance
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions) { GaugeSeries() } ?? NOOPMetricsHandler.instance
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, dimensions) { HistogramSeries(OperationsLimits.durationBuckets) } ?? NOOPMetricsHandler.instance
    }

    /// Series stay: a counter that began anew at each use would tell nothing.
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}

    // MARK: - Reading

    /// Everything in Prometheus' text format 0.0.4, names in order.
    package var text: String {
        let (all, dropped) = state.withLock { ($0.series, $0.dropped) }
        var lines: [String] = []
        var described: Set<String> = []
        for (name, series) in all.sorted(by: { $0.key < $1.key }) {
            if described.insert(name.label).inserted {
                if let help = MetricCatalog.help[name.label] { lines.append("# HELP \(name.label) \(help)") }
                lines.append("# TYPE \(name.label) \(series.type)")
            }
            lines += series.samples(name)
        }
        lines.append("# HELP ferry_metrics_dropped_total Uses of series beyond the bound of \(limit).")
        lines.append("# TYPE ferry_metrics_dropped_total counter")
        lines.append("ferry_metrics_dropped_total \(dropped)")
        return lines.joined(separator: "\n") + "\n"
    }
}

/// A metric's name and its labels, sorted by name, so that equal ones are equal however they were written.
struct SeriesName: Hashable, Comparable {
    let label: String
    /// `{kind="outbound",outcome="done"}` without braces; empty without labels.
    let labels: String

    init(_ label: String, _ dimensions: [(String, String)]) {
        self.label = label
        labels = dimensions.sorted { $0.0 < $1.0 }.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
    }

    static func < (left: Self, right: Self) -> Bool { (left.label, left.labels) < (right.label, right.labels) }

    /// One sample's line.
    func line(_ value: String, suffix: String = "", extra: String = "") -> String {
        let all = [labels, extra].filter { !$0.isEmpty }.joined(separator: ",")
        return "\(label)\(suffix)\(all.isEmpty ? "" : "{\(all)}") \(value)"
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
