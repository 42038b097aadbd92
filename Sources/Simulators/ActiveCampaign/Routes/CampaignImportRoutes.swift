import Foundation

extension CampaignState {
    /// `/import/…` (6)
    mutating func routeImport(_ call: CampaignCall) -> CampaignAnswer {
        switch (call.method, call.path.dropFirst().joined(separator: "/")) {
        case ("POST", "bulk_import"): postImport(call)
        case ("GET", "bulk_import"): importOverview()
        case ("GET", "info"): importInfo(call)
        default: .notFound
        }
    }

    // MARK: - Queueing

    private mutating func postImport(_ call: CampaignCall) -> CampaignAnswer {
        typealias Limits = SimulatorsLimits.ActiveCampaign
        guard call.body.count <= Limits.importBytes else {
            return .importRefused("The payload exceeds the allowed size.", status: options.importOversizeStatus)
        }
        guard let rows = call.wrapped("contacts")?.elements, !rows.isEmpty else {
            return Self.invalidImport([["contact": .int(0), "failureReason": "Field 'contacts' is required."]])
        }
        if let refusal = importLimitRefusal(contacts: rows.count) { return refusal }
        guard rows.count <= Limits.importContacts else {
            return Self.invalidImport([.string("Up to \(Limits.importContacts) contacts may be imported per request.")])
        }
        let invalid = rows.indices.filter { !Self.isEmail(rows[$0]["email"]?.text ?? "") }
        guard invalid.isEmpty else {
            return Self.invalidImport(
                invalid.map {
                    ["contact": .int($0 + options.importIndexBase), "failureReason": "Field‘ email’ incorrect format"]
                })
        }
        return queueImport(rows, call)
    }

    private mutating func importLimitRefusal(contacts: Int) -> CampaignAnswer? {
        guard options.limitsImports else { return nil }
        let (isAllowed, limit) = importLimiter.admit(contacts: contacts, at: instant)
        guard !isAllowed else { return nil }
        calls.noteImportLimited()
        return .importRefused(
            "Rate limit exceeded.",
            reasons: [
                .string(
                    "Up to \(limit) imports may be requested per minute.Please batch contacts into larger requests, "
                        + "or retry this request in a minute.")
            ])
    }

    private mutating func queueImport(_ rows: [CampaignJSON], _ call: CampaignCall) -> CampaignAnswer {
        guard importer.open.count < SimulatorsLimits.ActiveCampaign.openImports else {
            return .importRefused("The import queue is full.", status: 503)
        }
        let latency =
            options.importLatency.lowerBound < options.importLatency.upperBound
            ? Double.random(in: options.importLatency, using: &random) : options.importLatency.lowerBound
        let id = importer.queue(
            rows.map { importItem($0) }, callback: CampaignImportCallback(call.wrapped("callback")),
            seed: options.seed, now: instant, latency: latency, keepsOrder: options.importsKeepOrder)
        return CampaignAnswer([
            "Success": .int(1), "queued_contacts": .int(rows.count), "batchId": .string(id),
            "message": "Contact import queued",
        ])
    }

    private func importItem(_ json: CampaignJSON) -> CampaignImportItem {
        var draft = CampaignContactDraft()
        draft.email = json["email"]?.text
        draft.firstName = importText(json["first_name"])
        draft.lastName = importText(json["last_name"])
        draft.phone = importText(json["phone"])
        draft.values = (json["fields"]?.elements ?? []).compactMap { field in
            guard let id = field["id"]?.identifier, let money = money(field),
                !money.text.isEmpty || options.importEmptyClears
            else { return nil }
            draft.currencies[id] = money.currency
            return (id, money.text)
        }
        var item = CampaignImportItem(draft: draft)
        item.tags = (json["tags"]?.elements ?? []).compactMap(\.text).filter { !$0.isEmpty }
        item.accountName = json["customer_acct_name"]?.text.flatMap { $0.isEmpty ? nil : $0 }
        item.subscribe = (json["subscribe"]?.elements ?? []).compactMap { $0["listid"]?.identifier }
        item.unsubscribe = (json["unsubscribe"]?.elements ?? []).compactMap { $0["listid"]?.identifier }
        return item
    }

    private func importText(_ value: CampaignJSON?) -> String? {
        guard let text = text(value) else { return nil }
        return text.isEmpty && !options.importEmptyClears ? nil : text
    }

    private static func invalidImport(_ reasons: [CampaignJSON]) -> CampaignAnswer {
        .importRefused(
            "JSON payload did not pass validation. Please fix failure Reasons and retry. "
                + "The import was not queued for processing.",
            reasons: reasons)
    }

    // MARK: - Reading

    private func importOverview() -> CampaignAnswer {
        let open = Dictionary(grouping: importer.open) { day(of: $0.queuedAt) }
        let done = Dictionary(grouping: importer.finishedByTime) { day(of: $0.finishedAt) }
        return CampaignAnswer([
            "outstanding": .array(
                open.keys.sorted().map { day in
                    let batches = open[day] ?? []
                    return Self.overview(day, batches.count, batches.reduce(0) { $0 + $1.items.count })
                }),
            "recentlyCompleted": .array(
                done.keys.sorted().map { day in
                    let batches = done[day] ?? []
                    return Self.overview(day, batches.count, batches.reduce(0) { $0 + $1.contacts })
                }),
        ])
    }

    private func day(of instant: Double) -> String {
        String(zone.naiveStamp(UInt32(clamping: Int(clampingDouble: instant))).prefix(10))
    }

    private static func overview(_ day: String, _ batches: Int, _ contacts: Int) -> CampaignJSON {
        ["forDate": .string(day), "batches": .id(batches), "contacts": .id(contacts)]
    }

    private func importInfo(_ call: CampaignCall) -> CampaignAnswer {
        guard let id = call.value("batchId") else {
            return CampaignAnswer(status: 400, ["success": .int(0), "message": "'batchId' is a required field."])
        }
        if let result = importer.finished[id] {
            return CampaignAnswer([
                "status": "completed", "success": .array(result.success.map { .id($0) }),
                "failure": .array(result.failure.map { .string($0) }),
            ])
        }
        let status = importer.open.first { $0.id == id }.map { importStatus($0) } ?? .bool(false)
        return CampaignAnswer(["status": status, "success": [], "failure": []])
    }

    /// A batch is unknown for a moment, then waits, is claimed and becomes active by thirds of its time.
    private func importStatus(_ batch: CampaignImporter.Batch) -> CampaignJSON {
        let age = instant - batch.queuedAt
        guard age >= options.importUnknownSeconds else { return .bool(false) }
        let part = age / max(batch.dueAt - batch.queuedAt, 0.001)
        return part < 1.0 / 3 ? "waiting" : part < 2.0 / 3 ? "claimed" : "active"
    }
}
