import Foundation
import Metrics
import Synchronization

/// One series' value and how it is written down.
protocol PrometheusSeries: AnyObject, Sendable {
    /// Prometheus' word for its type.
    var type: String { get }
    /// Its lines.
    func samples(_ name: SeriesName) -> [String]
}

/// A number that only grows.
final class CounterSeries: PrometheusSeries, CounterHandler {
    private let value = Mutex<Int64>(0)

    let type = "counter"

    func increment(by amount: Int64) { value.withLock { $0 = $0.addingReportingOverflow(max(0, amount)).partialValue } }
    func reset() { value.withLock { $0 = 0 } }
    func samples(_ name: SeriesName) -> [String] { [name.line("\(value.withLock { $0 })")] }
}

/// A number that goes up and down.
final class GaugeSeries: PrometheusSeries, RecorderHandler, MeterHandler {
    private let value = Mutex(0.0)

    let type = "gauge"

    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }
    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { self.value.withLock { $0 = value } }
    func increment(by amount: Double) { value.withLock { $0 += amount } }
    func decrement(by amount: Double) { value.withLock { $0 -= amount } }
    func samples(_ name: SeriesName) -> [String] { [name.line(number(value.withLock { $0 }))] }
}

/// How often values fell below bounds; timers' values are seconds.
final class HistogramSeries: PrometheusSeries, RecorderHandler, TimerHandler {
    private struct State {
        var counts: [Int64]
        var sum = 0.0
    }

    private let bounds: [Double]
    private let state: Mutex<State>

    let type = "histogram"

    /// - Parameter bounds: upper bounds of the buckets, growing.
    init(_ bounds: [Double]) {
        self.bounds = bounds
        state = Mutex(State(counts: [Int64](repeating: 0, count: bounds.count + 1)))
    }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock { state in
            state.counts[bucket] += 1
            state.sum += value
        }
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    func samples(_ name: SeriesName) -> [String] {
        let (counts, sum) = state.withLock { ($0.counts, $0.sum) }
        var lines: [String] = []
        var total: Int64 = 0
        for (index, count) in counts.enumerated() {
            total += count
            let bound = index < bounds.count ? number(bounds[index]) : "+Inf"
            lines.append(name.line("\(total)", suffix: "_bucket", extra: "le=\"\(bound)\""))
        }
        return lines + [name.line(number(sum), suffix: "_sum"), name.line("\(total)", suffix: "_count")]
    }
}

/// A number as Prometheus reads it: whole ones without a fraction.
private func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
    return Int64(exactly: value).map(String.init) ?? "\(value)"
}
