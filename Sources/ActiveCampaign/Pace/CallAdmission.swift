/// Who is asked before an account is called: the cluster's pace and the tenant's allowance.
package struct CallAdmission: Sendable {
    /// Lets a call of these lanes go, or throws why it may not.
    let admit: @Sendable ([PaceLane], ActiveCampaignCall.Kind) async throws(ActiveCampaignError) -> Void
    /// Told that the account refused calls of a lane and is left alone for a while; must not block.
    let paused: @Sendable (PaceLane, Duration) -> Void

    /// Makes an admission.
    package init(
        admit: @escaping @Sendable ([PaceLane], ActiveCampaignCall.Kind) async throws(ActiveCampaignError) -> Void,
        paused: @escaping @Sendable (PaceLane, Duration) -> Void = { _, _ in }
    ) {
        self.admit = admit
        self.paused = paused
    }

    /// Lets every call go.
    package static let open = CallAdmission(admit: { _, _ in })
}
