/// Who writes, when, and what the request's headers say about automation.
struct SaveContext {
    /// The instant, seconds since 1970.
    let now: Double
    /// Row of the writing user.
    let userRow: Int32
    /// Whether field-level security and read-only fields hold; false for the platform itself.
    var enforcesAccess: Bool
    /// `allowSave` of `Sforce-Duplicate-Rule-Header`: save in spite of rules that only alert.
    var allowsDuplicates = false
    /// `includeRecordDetails` of the same header.
    var includesDuplicateDetails = false
    /// Whether active assignment rules run (`Sforce-Auto-Assign`, true when absent).
    var assigns = false
    /// Version in URLs of answers, `66.0`.
    var version = "66.0"
    /// Attempt at the whole batch, 1…3 (reference section 4, partial save).
    var pass = 1
    /// Saves around this one: 0 for the caller's own, more for what automation writes.
    var depth = 0

    /// Stamp of everything the transaction writes: whole seconds.
    var stamp: Int { Int(now.rounded(.down)) }

    /// A write through the API by the integration user.
    static func api(now: Double) -> SaveContext {
        var context = SaveContext(now: now, userRow: OrgRecords.integrationUser, enforcesAccess: true)
        context.assigns = true
        return context
    }

    /// A call through the API, its headers read.
    static func api(_ request: APIRequest, now: Double) -> SaveContext {
        var context = api(now: now)
        context.version = request.version
        if let assigns = request.headers["sforce-auto-assign"] { context.assigns = assigns.lowercased() != "false" }
        if let rule = request.headers["sforce-duplicate-rule-header"] {
            for option in rule.split(separator: ";") {
                let parts = option.split(separator: "=").map { $0.trimming { $0 == " " }.lowercased() }
                guard parts.count == 2 else { continue }
                if parts[0] == "allowsave" { context.allowsDuplicates = parts[1] == "true" }
                if parts[0] == "includerecorddetails" { context.includesDuplicateDetails = parts[1] == "true" }
            }
        }
        return context
    }

    /// A person at the screen, who saves in spite of alerts.
    static func human(now: Double) -> SaveContext {
        var context = SaveContext(now: now, userRow: OrgRecords.humanUser, enforcesAccess: false)
        context.allowsDuplicates = true
        return context
    }

    /// What automation writes within this save: as the same user, in system context.
    func nested() -> SaveContext {
        var context = self
        context.depth += 1
        context.enforcesAccess = false
        context.allowsDuplicates = true
        context.assigns = false
        return context
    }
}

extension Substring {
    /// Without the characters at both ends that meet the condition.
    func trimming(_ isTrimmed: (Character) -> Bool) -> Substring {
        var rest = drop(while: isTrimmed)
        while let last = rest.last, isTrimmed(last) { rest.removeLast() }
        return rest
    }
}
