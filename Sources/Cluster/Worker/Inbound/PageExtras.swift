import Store
import SyncRules

/// What sets a page apart from one of an ordinary pull, and what is stored with it.
struct PageExtras {
    /// Other rules than the session's, as when a back-fill takes records whatever their age.
    var rules: InboundRules?
    /// How the records came to be read; nil tells the pull's own page from records read again.
    var source: ChangeSource?
    /// Pairs looked at anew.
    var reopening: Reopening?
    /// Requests of people that this page answers.
    var resyncs: [ResyncRequest] = []
    /// How far a sweep is behind this page.
    var sweep: SweepProgress?
}
