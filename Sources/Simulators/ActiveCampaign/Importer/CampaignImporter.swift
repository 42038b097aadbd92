import Foundation

/// One contact of a bulk import. Names of tags and accounts, numbers of fields: the importer speaks another dialect
/// (6).
struct CampaignImportItem {
    var draft: CampaignContactDraft
    var tags: [String] = []
    var accountName: String?
    var subscribe: [UInt32] = []
    var unsubscribe: [UInt32] = []
}

/// The bulk importer of an account: batches wait until the clock passes their due time.
struct CampaignImporter {
    /// A batch that has not taken effect.
    struct Batch {
        var id: String
        /// Seconds since 1970.
        var queuedAt: Double
        var dueAt: Double
        var items: [CampaignImportItem]
        var callback: CampaignImportCallback?
    }

    /// What came of a batch.
    struct Finished {
        var finishedAt: Double
        var contacts: Int
        /// Ids of contacts.
        var success: [UInt32] = []
        /// E-mail addresses.
        var failure: [String] = []
    }

    /// By due time.
    private(set) var open: [Batch] = []
    private(set) var finished: [String: Finished] = [:]
    private var finishedOrder: [String] = []
    private var lastDue = 0.0
    private var queued: UInt64 = 0

    /// Queues a batch and gives its id; with `keepsOrder` it is due no earlier than those before it.
    mutating func queue(
        _ items: [CampaignImportItem], callback: CampaignImportCallback?, seed: UInt64, now: Double, latency: Double,
        keepsOrder: Bool
    ) -> String {
        queued += 1
        let id = CampaignRandom.uuid(seed ^ 0x1111, queued)
        let due = keepsOrder ? max(lastDue, now + latency) : now + latency
        lastDue = max(lastDue, due)
        let batch = Batch(id: id, queuedAt: now, dueAt: due, items: items, callback: callback)
        let place = open.firstIndex { $0.dueAt > due } ?? open.count
        open.insert(batch, at: place)
        return id
    }

    /// Takes out the first batch that is due.
    mutating func nextDue(at now: Double) -> Batch? {
        guard let first = open.first, first.dueAt <= now else { return nil }
        return open.removeFirst()
    }

    /// Keeps what came of a batch; the oldest results are forgotten beyond the bound.
    mutating func finish(_ id: String, _ result: Finished) {
        finished[id] = result
        finishedOrder.append(id)
        guard finishedOrder.count > SimulatorsLimits.ActiveCampaign.finishedImports else { return }
        finished[finishedOrder.removeFirst()] = nil
    }

    /// Results by the day they came, newest last.
    var finishedByTime: [Finished] {
        finishedOrder.compactMap { finished[$0] }
    }
}

extension CampaignState {
    /// Carries out the batches whose time has come, each at its own instant, so that stamps do not depend on who
    /// looked when.
    mutating func carryOutDueImports() {
        guard !importer.open.isEmpty else { return }
        let (instantBefore, sourceBefore) = (instant, source)
        source = nil
        while let batch = importer.nextDue(at: instantBefore) {
            instant = batch.dueAt
            carryOut(batch)
        }
        (instant, source) = (instantBefore, sourceBefore)
    }

    private mutating func carryOut(_ batch: CampaignImporter.Batch) {
        var result = CampaignImporter.Finished(finishedAt: instant, contacts: batch.items.count)
        for item in batch.items {
            if let contact = carryOut(item) {
                result.success.append(contact)
            } else {
                result.failure.append(item.draft.email ?? "")
            }
        }
        importer.finish(batch.id, result)
        if let callback = batch.callback { stage(callback, of: batch, result) }
    }

    private mutating func carryOut(_ item: CampaignImportItem) -> UInt32? {
        guard let email = item.draft.email, !options.excludedEmails.contains(email.lowercased()) else { return nil }
        let contact: UInt32
        if let known = contacts.find(email: email) {
            contact = known
            var draft = item.draft
            // The address is the key; a different letter case does not rename anybody.
            draft.email = nil
            changeContact(contact, to: draft)
        } else {
            guard faultOfCreating(item.draft) == nil else { return nil }
            contact = createContact(item.draft)
        }
        for tag in item.tags { addTag(named: tag, to: contact) }
        if let name = item.accountName { joinAccount(named: name, contact: contact) }
        for list in item.subscribe where hasList(list) {
            // Whoever unsubscribed stays unsubscribed.
            let status = membershipID(of: contact, list: list).map { memberships[$0].status }
            if status != 2 { _ = setMembership(of: contact, list: list, status: 1) }
        }
        for list in item.unsubscribe where hasList(list) { _ = setMembership(of: contact, list: list, status: 2) }
        return contact
    }

    private mutating func stage(
        _ callback: CampaignImportCallback, of batch: CampaignImporter.Batch, _ result: CampaignImporter.Finished
    ) {
        var form = CampaignForm()
        form.add("batchId", batch.id)
        form.add("status", "completed")
        if callback.isDetailed, callback.method == "POST" {
            form.add("successes", String(result.success.count))
            form.add("failures", String(result.failure.count))
        }
        for item in callback.parameters { form.add(item.name, item.value) }
        var delivery = CampaignDelivery(
            hook: nil, url: callback.url, body: form.data, dueAt: instant,
            timeoutSeconds: options.webhookTimeoutSeconds)
        delivery.method = callback.method
        delivery.headers = callback.headers
        delivery.triesLeft = max(1, options.importCallbackTries)
        delivery.retrySeconds = options.importCallbackRetrySeconds
        outbox.append(delivery)
    }
}
