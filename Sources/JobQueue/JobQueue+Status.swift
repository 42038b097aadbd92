import Drivers
package import Foundation

/// What the queue holds, all shards together.
package struct QueueStatus: Hashable, Sendable {
    /// Jobs that wait in a queue, whether their tenant may run or not.
    package var queued = 0
    /// Jobs that are leased.
    package var running = 0
    /// Jobs that wait for their time.
    package var delayed = 0
    /// Dead letters.
    package var dead = 0
    /// Tenants that could run now, by class.
    package var readyTenants: [JobClass: Int] = [:]
    /// Tenant classes that are parked and have work.
    package var parked = 0
    /// Paused tenants.
    package var pausedTenants = 0
}

/// A worker as the queue sees it.
package struct WorkerStatus: Hashable, Sendable {
    package var worker: WorkerID
    /// Leases it holds.
    package var leases: Int
    /// Time to its deadline; negative when it is overdue. The nearest of its shards.
    package var deadline: Duration
}

/// The one thing that keeps a tenant from running.
package enum TenantReason: Hashable, Sendable {
    /// Nothing is asked for.
    case idle
    /// It runs these kinds now.
    case running(kinds: [String])
    /// Its turn comes.
    case ready
    /// As many of its jobs run as may.
    case atLimit(running: Int)
    /// Until an instant, for a reason.
    case parked(until: Date, reason: String)
    /// Until a human resumes it.
    case paused(reason: String)
    /// Its next job is due at an instant.
    case delayed(until: Date)
    /// All it has are dead letters.
    case dead(kinds: [String])
}

extension JobQueue {
    /// What all shards hold.
    package func status() async throws(JobQueueError) -> QueueStatus {
        var status = QueueStatus()
        for parts in try await shardStatus() {
            let numbers = parts.prefix(11).map { Int($0.number ?? 0) }
            status.queued += numbers[2]
            status.running += numbers[3]
            for jobClass in JobClass.allCases {
                status.readyTenants[jobClass, default: 0] += numbers[4 + Int(jobClass.rawValue)]
            }
            status.parked += numbers[7]
            status.delayed += numbers[8]
            status.dead += numbers[9]
            status.pausedTenants += numbers[10]
        }
        return status
    }

    /// The workers that hold leases or have sent a heartbeat, by name.
    package func workers() async throws(JobQueueError) -> [WorkerStatus] {
        var found: [WorkerID: WorkerStatus] = [:]
        for parts in try await shardStatus() {
            let list = parts[11].elements ?? []
            for start in stride(from: 0, to: list.count - 2, by: 3) {
                guard let name = list[start].text, let left = list[start + 1].number,
                    let leases = list[start + 2].number
                else { throw Self.unexpected("status") }
                let worker = WorkerID(name)
                var entry = found[worker] ?? WorkerStatus(worker: worker, leases: 0, deadline: .milliseconds(left))
                entry.leases += Int(leases)
                entry.deadline = min(entry.deadline, .milliseconds(left))
                found[worker] = entry
            }
        }
        return found.values.sorted { $0.worker.name < $1.worker.name }
    }

    /// The tenants that are paused.
    package func pausedTenants() async throws(JobQueueError) -> [Int32] {
        let results = await fleet.pipeline(
            zip(map.names, map.slots).map { RoutedCommand(RedisCommand("SMEMBERS", $0 + ":paused"), slot: $1) })
        var tenants: [Int32] = []
        for result in results {
            switch result {
            case .success(let value): tenants += (value.elements ?? []).compactMap { $0.number.map { Int32($0) } }
            case .failure(let error): throw JobQueueError(error)
            }
        }
        return tenants.sorted()
    }

    /// Why a tenant does not run (or that it does).
    package func why(tenant: Int32) async throws(JobQueueError) -> TenantReason {
        let answer = try await run(.status, map.shard(of: tenant), ["\(tenant)"]).elements ?? []
        guard answer.count == 2, let now = answer[0].number, let fields = answer[1].elements else {
            throw Self.unexpected("status")
        }
        return TenantReport(fields, now: now).reason
    }

    private func shardStatus() async throws(JobQueueError) -> [[RESPValue]] {
        var shards: [[RESPValue]] = []
        for answer in await caller.run((0..<options.shards).map({ call(.status, $0, [""]) })) {
            guard let parts = try answer.get().elements, parts.count == 12 else { throw Self.unexpected("status") }
            shards.append(parts)
        }
        return shards
    }
}
