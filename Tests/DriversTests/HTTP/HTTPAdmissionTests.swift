import Testing

@testable import Drivers

struct HTTPAdmissionTests {
    private func make(perHost: Int = 2, active: Int = 100, waiting: Int = 100, waitingPerHost: Int = 100)
        -> HTTPAdmission
    {
        HTTPAdmission(maxPerHost: perHost, maxActive: active, maxWaiting: waiting, maxWaitingPerHost: waitingPerHost)
    }

    @Test func oneHostRunsNoMoreThanItsShare() {
        var admission = make()
        #expect(admission.submit(1, host: "a") == .start)
        #expect(admission.submit(2, host: "a") == .start)
        #expect(admission.submit(3, host: "a") == .wait)
        #expect(admission.next() == nil)
        admission.finish(host: "a")
        #expect(admission.next() == 3)
        #expect(admission.active == 2 && admission.waiting == 0)
    }

    @Test func aFullHostDoesNotHoldUpAnother() {
        var admission = make(perHost: 1)
        _ = admission.submit(1, host: "slow")
        #expect(admission.submit(2, host: "slow") == .wait)
        #expect(admission.submit(3, host: "quick") == .start)
        #expect(admission.submit(4, host: "quick") == .wait)
        admission.finish(host: "quick")
        #expect(admission.next() == 4)
        #expect(admission.next() == nil)
    }

    @Test func hostsTakeTurnsWhenAllAreFull() {
        var admission = make(perHost: 4, active: 1)
        _ = admission.submit(0, host: "a")
        for id in 1...3 { _ = admission.submit(UInt64(id), host: "a") }
        for id in 11...12 { _ = admission.submit(UInt64(id), host: "b") }
        var order: [UInt64] = []
        var running = "a"
        for _ in 0..<5 {
            admission.finish(host: running)
            guard let id = admission.next() else { break }
            running = id > 10 ? "b" : "a"
            order.append(id)
        }
        #expect(order == [1, 11, 2, 12, 3])
    }

    @Test func waitingIsBoundedInAllAndPerHost() {
        var admission = make(perHost: 1, waiting: 2, waitingPerHost: 1)
        _ = admission.submit(1, host: "a")
        _ = admission.submit(2, host: "b")
        _ = admission.submit(3, host: "c")
        #expect(admission.submit(4, host: "a") == .wait)
        #expect(admission.submit(5, host: "a") == .refuse)
        #expect(admission.submit(6, host: "b") == .wait)
        #expect(admission.submit(7, host: "c") == .refuse)
    }

    @Test func randomComingAndGoingKeepsTheCountsTrue() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SplitMix(state: seed)
        var admission = make(perHost: 3, active: 7, waiting: 20, waitingPerHost: 8)
        var running: [UInt64: String] = [:]
        var waiting: [UInt64: String] = [:]
        for id in UInt64(0)..<5_000 {
            let host = "h\(random.next() % 5)"
            switch random.next() % 4 {
            case 0, 1:
                switch admission.submit(id, host: host) {
                case .start: running[id] = host
                case .wait: waiting[id] = host
                case .refuse: break
                }
            case 2:
                if let (id, host) = running.first {
                    running[id] = nil
                    admission.finish(host: host)
                }
            default:
                if let (id, host) = waiting.first {
                    let wasWaiting = admission.withdraw(id, host: host)
                    #expect(wasWaiting, "seed \(seed)")
                    waiting[id] = nil
                }
            }
            while let next = admission.next() { running[next] = waiting.removeValue(forKey: next) }
            #expect(admission.active == running.count && admission.waiting == waiting.count, "seed \(seed)")
            let perHost = Dictionary(grouping: running.values, by: { $0 }).mapValues(\.count)
            #expect(running.count <= 7 && perHost.values.allSatisfy { $0 <= 3 }, "seed \(seed)")
            let canRun = waiting.values.contains { (perHost[$0] ?? 0) < 3 } && running.count < 7
            #expect(!canRun, "somebody waits who could run, seed \(seed)")
        }
    }
}

private struct SplitMix {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
