/// Where word of a change came from. Raw values are stored; never renumber them.
package enum ChangeSource: Int16, Sendable, CaseIterable {
    case webhook = 1
    case poll = 2
    case command = 3
    case retry = 4
    case backfill = 5
    case reevaluation = 6
    case formulas = 7
}
