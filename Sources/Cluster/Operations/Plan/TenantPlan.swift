import ActiveCampaign
import Foundation
import SyncRules

/// One record of a plan: ids and field names, never values.
package struct PlanSample: Sendable, Hashable, Codable {
    package let contact: Int64?
    package let record: String?
    /// Salesforce names of the fields that would be written.
    package let fields: [String]
}

/// Records that the same thing would happen to, for the same reason.
package struct PlanClass: Sendable, Hashable, Codable {
    /// What would be done.
    package enum Action: String, Sendable, Codable, CaseIterable {
        case create, update
        /// A link or a status changes, and no mapped value is written.
        case note
        /// The link goes on with the record that took this one's place: a conversion or a merge.
        case relink
        case skip
        /// A field is left out of a write, and the record's others go.
        case drop
    }

    package let direction: String
    package let object: String
    package let action: Action
    /// The rule; nil for writes.
    package let reason: String?
    /// The reason in words.
    package let words: String?
    package fileprivate(set) var count: Int
    /// The first records of the class, `PlanLimits.samples` at most.
    package fileprivate(set) var samples: [PlanSample]
}

/// How far one stream was looked at.
package struct PlanReach: Sendable, Hashable, Codable {
    package let direction: String
    package let object: String
    package let seen: Int
    /// False when the plan stopped at its bound and the next runs would go on.
    package let isWhole: Bool
    /// Why nothing was looked at; nil when something was.
    package let trouble: String?
}

/// What the next runs of a tenant would do.
package struct TenantPlan: Sendable, Hashable, Codable {
    package private(set) var classes: [PlanClass] = []
    package private(set) var reaches: [PlanReach] = []
    /// Calls the plan itself has cost.
    package var recordCalls = 0
    package var contactCalls = 0

    mutating func reach(_ reach: PlanReach) { reaches.append(reach) }

    mutating func add(
        _ direction: Direction, _ object: ObjectKind, _ action: PlanClass.Action, reason: String? = nil,
        words: String? = nil, sample: PlanSample
    ) {
        let index = classes.firstIndex {
            $0.direction == direction.name && $0.object == object.name && $0.action == action && $0.reason == reason
        }
        guard let index else {
            classes.append(
                PlanClass(
                    direction: direction.name, object: object.name, action: action, reason: reason, words: words,
                    count: 1, samples: [sample]))
            return
        }
        classes[index].count += 1
        if classes[index].samples.count < PlanLimits.samples { classes[index].samples.append(sample) }
    }
}

/// Every bound of a plan.
package enum PlanLimits {
    /// Records named by one class.
    package static let samples = 10
    /// Pages of one pull.
    package static let recordPages = 3
    /// Pages of one batch's walk.
    package static let contactPages = 10
    /// Calls a plan may make at most, to Salesforce and to ActiveCampaign, as it says before.
    package static let recordCalls = people + accounts + opportunities
    private static let people = 2 + recordPages + 2 + 2
    /// Pages, and those that people belong to.
    private static let accounts = recordPages + 1
    /// Pages, each with its contact roles.
    private static let opportunities = 2 * recordPages
    package static let contactCalls = 2 + 2 * contactPages
}

/// Why a tenant could not be asked, in a sentence with the remedy.
package struct TenantRefusal: Error, CustomStringConvertible {
    package let description: String
}

/// What a back-fill would cost.
package struct BackfillForecast: Sendable, Hashable, Codable {
    /// Records that would be read.
    package let records: Int
    /// Calls to Salesforce.
    package let recordCalls: Int
    /// Calls to ActiveCampaign.
    package let contactCalls: Int
    /// Minutes at the importer's pace.
    package let minutes: Int
}

extension BackfillForecast {
    /// Opportunities: a page and its contact roles a call each, and one write each, for there is no import of them.
    static func ofOpportunities(_ records: Int) -> BackfillForecast {
        BackfillForecast(
            records: records, recordCalls: 1 + 2 * CallCosts.pages(of: records), contactCalls: records,
            minutes: Int((Double(records) / ActiveCampaignLimits.callsPerSecond / 60).rounded(.up)))
    }
}
