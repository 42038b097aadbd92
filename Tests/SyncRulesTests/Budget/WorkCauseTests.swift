import SyncRules
import Testing

/// What still may be called for at which part of a tenant's allowance (sync-traps 2d).
struct WorkCauseTests {
    private static let goingOn: [(percent: Int, causes: Set<WorkCause>)] = [
        (59, [.backfill, .retry, .upkeep, .personsEdit, .creation]), (60, [.retry, .upkeep, .personsEdit, .creation]),
        (75, [.upkeep, .personsEdit, .creation]), (90, [.personsEdit, .creation]), (99, [.personsEdit, .creation]),
        (100, []),
    ]

    @Test func eachStepStopsOneKindOfWorkMore() {
        for (percent, causes) in Self.goingOn {
            #expect(Set(WorkCause.allCases.filter { $0.mayRun(at: percent) }) == causes, "at \(percent) %")
        }
    }

    @Test func whatAPersonDidIsToldFromWhatFerryDoesByItself() {
        #expect(WorkCause(isPutOff: false, reason: nil) == .personsEdit)
        #expect(
            WorkCause(isPutOff: false, reason: "UNABLE_TO_LOCK_ROW") == .personsEdit, "changed since it was put off")
        #expect(WorkCause(isPutOff: true, reason: "UNABLE_TO_LOCK_ROW") == .retry)
        #expect(WorkCause(isPutOff: true, reason: "creation_outcome_unknown") == .retry)
        #expect(WorkCause(isPutOff: true, reason: "import_open") == .personsEdit, "it was never tried")
        #expect(WorkCause(isPutOff: true, reason: "looked_at_anew") == .upkeep)
        #expect(WorkCause(isPutOff: true, reason: "review") == .personsEdit, "a pull kept it from being written")
    }

    @Test func aFormulaAloneIsNobodysEditAndEnteringIsACreation() {
        let formulas: Set = ["Score__c", "Age__c"]
        #expect(WorkCause(isNew: true, fields: ["Score__c"], formulas: formulas) == .creation)
        #expect(WorkCause(isNew: false, fields: ["Score__c"], formulas: formulas) == .upkeep)
        #expect(WorkCause(isNew: false, fields: ["Score__c", "Phone"], formulas: formulas) == .personsEdit)
    }
}
