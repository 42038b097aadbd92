import Drivers

/// One row of a config table about to be written: only the columns that were given, so that the others take their
/// defaults. Column and table names come from this file, never from outside.
struct ConfigRow {
    let table: String
    /// The columns a second row of the same key would collide on.
    let key: [String]
    let columns: [(name: String, value: PostgresValue?)]
    /// Columns that keep their stored value when they are not given.
    var kept: [String] = []

    private var given: [(name: String, value: PostgresValue)] {
        columns.compactMap { column in column.value.map { (column.name, $0) } }
    }

    /// Inserts the row; a second one of the same key is refused by its constraint.
    func insert() -> PostgresStatement {
        let names = given.map(\.name)
        let values = (1...names.count).map { "$\($0)" }
        return PostgresStatement(
            "INSERT INTO ferry.\(table) (\(names.joined(separator: ", "))) VALUES (\(values.joined(separator: ", ")))",
            given.map(\.value), isCached: false)
    }

    /// Inserts the row, or makes the stored one equal to it.
    func upsert() -> PostgresStatement {
        let names = given.map(\.name)
        let keep = kept.filter { name in !names.contains(name) }
        let condition = key.map { name in "\(name) = $\((names.firstIndex(of: name) ?? 0) + 1)" }.joined(
            separator: " AND ")
        let stored = keep.map { "(SELECT \($0) FROM ferry.\(table) WHERE \(condition))" }
        let values = (1...names.count).map { "$\($0)" } + stored
        let defaults = columns.map(\.name).filter { !names.contains($0) && !keep.contains($0) }
        let changes =
            (names + keep).filter { !key.contains($0) }.map { "\($0) = excluded.\($0)" }
            + defaults.map { "\($0) = DEFAULT" }
        let action = changes.isEmpty ? "NOTHING" : "UPDATE SET \(changes.joined(separator: ", "))"
        return PostgresStatement(
            """
            INSERT INTO ferry.\(table) (\((names + keep).joined(separator: ", ")))
            VALUES (\(values.joined(separator: ", ")))
            ON CONFLICT (\(key.joined(separator: ", "))) DO \(action)
            """, given.map(\.value), isCached: false)
    }
}

extension ConnectionDocument {
    func row(of tenant: String) -> ConfigRow {
        ConfigRow(
            table: "connections", key: ["tenant", "provider"],
            columns: [
                ("tenant", .text(tenant)), ("provider", .text(provider)), ("base_url", .text(baseURL)),
                ("secret", secret.map { .text($0) }), ("api_version", apiVersion.map { .text($0) }),
                ("package_installed", packageInstalled.map { .bool($0) }),
                ("external_id_field", externalIDField.map { .text($0) }),
            ], kept: ["secret"])
    }
}

extension SettingsDocument {
    func row(of tenant: String) -> ConfigRow {
        ConfigRow(
            table: "sync_settings", key: ["tenant"],
            columns: [
                ("tenant", .text(tenant)), ("outbound_enabled", outboundEnabled.map { .bool($0) }),
                ("sync_direction", syncDirection.map { .text($0) }),
                ("inbound_interval_hours", inboundIntervalHours.map { .int4(Int32(clamping: $0)) }),
                ("daily_hour", dailyHour.map { .int4(Int32(clamping: $0)) }), ("time_zone", timeZone.map { .text($0) }),
                ("contact_selection", contactSelection.map { .text($0) }),
                ("lead_selection", leadSelection.map { .text($0) }),
                ("include_updated_existing", includeUpdatedExisting.map { .bool($0) }),
                ("marker_field", markerField.map { .text($0) }), ("clear_blanks", clearBlanks.map { .bool($0) }),
                ("sync_opt_out", syncOptOut.map { .bool($0) }),
                ("push_formula_changes", pushFormulaChanges.map { .bool($0) }),
                ("company_fallback", companyFallback.map { .text($0) }),
                ("remove_lead_tag_on_conversion", removeLeadTagOnConversion.map { .bool($0) }),
                ("default_list_id", defaultListID.map { .int8($0) }),
                ("default_owner_id", defaultOwnerID.map { .text($0) }),
                ("default_record_type_id", defaultRecordTypeID.map { .text($0) }),
                ("use_assignment_rule", useAssignmentRule.map { .bool($0) }),
                ("sync_accounts", syncAccounts.map { .bool($0) }),
                ("match_accounts_by_name", matchAccountsByName.map { .bool($0) }),
                ("sync_opportunities", syncOpportunities.map { .bool($0) }),
                ("opportunity_target", opportunityTarget.map { .text($0) }),
                ("person_account_selection", personAccountSelection.map { .text($0) }),
                ("include_updated_person_accounts", includeUpdatedPersonAccounts.map { .bool($0) }),
                ("allow_leads_without_company", allowLeadsWithoutCompany.map { .bool($0) }),
                ("contact_record_type_id", contactRecordTypeID.map { .text($0) }),
                ("person_account_record_type_id", personAccountRecordTypeID.map { .text($0) }),
            ])
    }
}

extension MappingDocument {
    func row(of tenant: String) -> ConfigRow {
        ConfigRow(
            table: "field_mappings", key: ["tenant", "object", "sf_field"],
            columns: [
                ("tenant", .text(tenant)), ("object", .text(object)), ("sf_field", .text(sfField)),
                ("ac_field", .text(acField)), ("sf_type", sfType.map { .text($0) }),
                ("ac_type", acType.map { .text($0) }), ("update_mode", updateMode.map { .text($0) }),
                ("truncate", truncate.map { .bool($0) }), ("copy_blank", copyBlank.map { .bool($0) }),
            ])
    }
}

extension CriterionDocument {
    func row(of tenant: String) -> ConfigRow {
        ConfigRow(
            table: "selection_criteria", key: ["tenant", "object", "group_no", "position"],
            columns: [
                ("tenant", .text(tenant)), ("object", .text(object)),
                ("group_no", .int4(Int32(clamping: groupNo ?? 1))),
                ("position", .int4(Int32(clamping: position ?? 1))), ("field", .text(field)),
                ("operator", .text(self.operator)), ("value_type", valueType.map { .text($0) }),
                ("operands", operands.map { .array($0) }),
            ])
    }
}

extension BudgetDocument {
    func row(of tenant: String) -> ConfigRow {
        ConfigRow(
            table: "api_budgets", key: ["tenant", "provider"],
            columns: [
                ("tenant", .text(tenant)), ("provider", .text(provider)),
                ("daily_calls", dailyCalls.map { .int4(Int32(clamping: $0)) }),
                ("daily_share", dailyShare.map { .float8($0) }),
                ("org_ceiling_share", orgCeilingShare.map { .float8($0) }), ("edition", edition.map { .text($0) }),
                ("licences", licences.map { .int4(Int32(clamping: $0)) }),
            ])
    }
}
