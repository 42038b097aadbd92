/// What is new in a linked record, told apart: changes made in Salesforce, our own writes coming back (R58), and
/// formulas Salesforce calculated anew (R59).
struct InboundChange {
    let record: SalesforceRecord
    let projection: Projection
    let link: Link
    /// Fields that changed in Salesforce or are owed to ActiveCampaign, formulas included, our own writes excluded.
    let foreign: [String]
    private let isEcho: Bool
    private let formulas: Set<String>

    init(
        record: SalesforceRecord, projection: Projection, link: Link, echoes: [Fingerprint], projector: Projector
    ) {
        self.record = record
        self.projection = projection
        self.link = link
        let outstanding = (link.recordFingerprint ?? Fingerprint()).outstandingFields(in: projection)
        foreign = outstanding.filter { field in
            !echoes.contains { $0.records(field) && $0.agrees(with: projection[field], in: field) }
        }
        isEcho = foreign.count < outstanding.count
        formulas = Set(projector.mappings.filter(\.salesforceType.isFormula).map(\.salesforceField))
    }

    /// Whether the record goes to ActiveCampaign: a formula alone is no reason, but goes along with any other (R59).
    func isTrigger(countingFormulas: Bool) -> Bool {
        if countingFormulas || record.status == .waiting { return !foreign.isEmpty }
        return foreign.contains { !formulas.contains($0) }
    }

    /// Whether the link or the status must be stored although nothing is written: the record waits (R52), or it was
    /// undeleted (R89).
    var isToBeAcknowledged: Bool { record.status == .waiting || link.state.isAway }

    /// The link of a record that is only acknowledged. Its fingerprint stays: what is our own write is settled by the
    /// batch that made it.
    var acknowledged: Link {
        var link = link.reading(record)
        link.state = .active
        return link
    }

    /// Why nothing is done at all.
    var drop: InboundIntent {
        if isEcho { return .drop(.echoDropped, reason: "R58") }
        return .drop(.unchangedProjection, reason: foreign.isEmpty ? "R29" : "R59")
    }
}
