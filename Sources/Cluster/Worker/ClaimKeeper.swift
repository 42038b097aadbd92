import Drivers
import Foundation
import Store

/// Keeps a running job's claim, so that the scheduler does not ask for it again while it runs.
///
/// When it fails the job is asked for once more and finds nothing due: a wasted lease, nothing worse.
struct ClaimKeeper: Sendable {
    let store: Store
    let tenant: Int32
    let kind: JobKind
    let clock: WallClock

    /// Runs a body and holds the claim until it ends.
    func whileHeld(_ body: () async throws -> Void) async throws {
        let keeping = Task { await keep() }
        defer { keeping.cancel() }
        try await body()
    }

    private func keep() async {
        // The claims of imports are made anew with every look at them.
        guard kind != .imports else { return }
        while true {
            do { try await Task.sleep(for: ClusterLimits.claimRenewal) } catch { return }
            if kind == .sweep {
                let until = clock.now.addingTimeInterval(ClusterLimits.asideClaimSeconds)
                try? await store.holdSweeps(tenant: tenant, until: until)
            } else {
                let until = clock.now.addingTimeInterval(ClusterLimits.claimSeconds)
                try? await store.holdClaims(tenant: tenant, direction: kind.direction, until: until)
            }
        }
    }
}
