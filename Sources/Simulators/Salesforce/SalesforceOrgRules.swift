/// What an org's administrator installs, and what the platform does on its own.
extension SalesforceOrg {
    /// Adds a validation rule of the org's own.
    package func addValidationRule(_ rule: ValidationRule) {
        transaction { state, _ in state.records.validationRules.append(rule) }
    }

    /// Adds a duplicate rule.
    package func addDuplicateRule(_ rule: DuplicateRule) {
        transaction { state, _ in state.records.duplicateRules.append(rule) }
    }

    /// Adds automation that runs after saves. It runs while the org is locked: it must not ask the org anything.
    package func addAutomation(_ automation: OrgAutomation) {
        transaction { state, _ in state.records.automations.append(automation) }
    }

    /// Activates the assignment rule of Lead, Account or Case: whatever the API creates or updates there gets this
    /// owner, unless `Sforce-Auto-Assign: FALSE` is sent. `nil` takes the org's administrator.
    package func activateAssignment(of object: String, to ownerID: String? = nil) {
        transaction { state, _ in
            state.records.assignments[object] = ownerID ?? state.records.userID(OrgRecords.humanUser)
        }
    }

    /// Id of the person at the screen, `LastModifiedById` of what `actAsUser` wrote.
    package var humanUserID: String {
        transaction { state, _ in state.records.userID(OrgRecords.humanUser) }
    }

    /// Moves `SystemModstamp` of every live record of an object and nothing else, as platform maintenance does.
    package func runMaintenance(on object: String) {
        transaction { state, now in
            guard let table = state.records.database.table(object) else { return }
            for number in state.records.database.tables[table].rows.indices {
                var row = state.records.database.row(table, number)
                guard row.state == .live else { continue }
                row.stamp = Int(now)
                state.records.database.update(table, number, to: row, now: now)
            }
        }
    }

    /// Empties the recycle bin: what was deleted is gone for queryAll and getDeleted too.
    package func emptyRecycleBin() {
        transaction { state, now in
            let context = SaveContext.human(now: now)
            for table in state.records.database.tables.indices {
                for number in state.records.database.tables[table].rows.indices
                where state.records.database.row(table, number).state == .deleted {
                    state.records.purge(table, number, context: context)
                }
            }
        }
    }

    /// Requests of 20 seconds and more that other integrations have running, from now on. While there are as many as
    /// the edition allows (25, 5 in Developer Edition) every call is refused.
    package func setLongRunningCalls(_ calls: Int) {
        transaction { state, _ in state.longRunningCalls = calls }
    }
}
