import Foundation

/// What a webhook can be told about (8.1); raw values are the wire's.
enum CampaignEvent: String, CaseIterable {
    case bounce, click, forward, open, reply, sent, share, subscribe, unsubscribe, update
    case contactTagAdded = "contact_tag_added"
    case contactTagRemoved = "contact_tag_removed"
    case dealAdd = "deal_add"
    case dealNoteAdd = "deal_note_add"
    case dealPipelineAdd = "deal_pipeline_add"
    case dealStageAdd = "deal_stage_add"
    case dealTaskAdd = "deal_task_add"
    case dealTaskComplete = "deal_task_complete"
    case dealTasktypeAdd = "deal_tasktype_add"
    case dealUpdate = "deal_update"
    case listAdd = "list_add"
    case smsReply = "sms_reply"
    case smsSent = "sms_sent"
    case smsUnsub = "sms_unsub"
    case note = "subscriber_note"
    // Not in the list that the API gives, yet seen.
    case accountAdd = "account_add"
    case accountUpdate = "account_update"
    case accountContactAdd = "account_contact_add"
    case accountContactUpdate = "account_contact_update"
    case contactTaskAdd = "contact_task_add"

    /// Whether `GET /webhook/events` names it.
    var isListed: Bool {
        switch self {
        case .accountAdd, .accountUpdate, .accountContactAdd, .accountContactUpdate, .contactTaskAdd: false
        default: true
        }
    }

    /// Whether a hook's `listid` decides about it.
    var isListEvent: Bool {
        switch self {
        case .subscribe, .unsubscribe, .bounce, .click, .forward, .open, .reply, .sent, .share: true
        default: false
        }
    }
}

/// One webhook.
struct CampaignWebhookRow {
    var name: String
    var url: String
    var events: [String]
    var sources: [String]
    var list: UInt32
    var cdate: UInt32
    /// Whether the receiver said 410: the hook is still shown and never called again.
    var isDead = false
    var isDeleted = false
}

/// The webhooks of an account by id - 1.
struct CampaignWebhookTable {
    var rows: [CampaignWebhookRow] = []

    var liveIDs: [UInt32] { rows.indices.filter { !rows[$0].isDeleted }.map { UInt32($0 + 1) } }

    /// The hooks that want to know of an event.
    func listeners(_ event: CampaignEvent, source: ActiveCampaignSource, list: UInt32) -> [UInt32] {
        liveIDs.filter { id in
            let row = rows[Int(id - 1)]
            return !row.isDead && row.events.contains(event.rawValue) && row.sources.contains(source.rawValue)
                && (!event.isListEvent || row.list == 0 || row.list == list)
        }
    }
}

/// One call of a receiver that is to be made.
struct CampaignDelivery: Sendable {
    /// The webhook; nil for an importer's callback.
    var hook: UInt32?
    var url: String
    var body: Data
    /// Not before this instant, seconds since 1970.
    var dueAt: Double
    /// `POST`, or `GET` with the form in the address.
    var method = "POST"
    /// What an importer's callback carries besides.
    var headers: [(name: String, value: String)] = []
    /// Seconds the receiver may take.
    var timeoutSeconds: Double
    /// Tries that are left, this one included; webhooks have one.
    var triesLeft = 1
    /// Seconds until the next try.
    var retrySeconds = 0.0
}

extension CampaignState {
    /// Tells the webhooks about a contact. Imports tell nobody.
    mutating func emit(_ event: CampaignEvent, contact: UInt32, tag: String? = nil, list: UInt32 = 0) {
        guard let source, !webhooks.rows.isEmpty else { return }
        let hooks = webhooks.listeners(event, source: source, list: list)
        guard !hooks.isEmpty else { return }
        var form = head(event, source, list: list)
        addContact(contact, to: &form)
        if let tag { form.add("tag", tag) }
        stage(form, to: hooks)
    }

    /// The keys that every event starts with.
    func head(_ event: CampaignEvent, _ source: ActiveCampaignSource, list: UInt32 = 0) -> CampaignForm {
        var form = CampaignForm()
        form.add("type", event.rawValue)
        form.add("date_time", zone.stamp(now))
        form.add("initiated_from", source.rawValue)
        form.add("initiated_by", source.rawValue)
        form.add("list", String(list))
        return form
    }

    private func addContact(_ id: UInt32, to form: inout CampaignForm) {
        let row = contacts[id]
        form.add("contact[id]", String(id))
        form.add("contact[email]", row.email)
        form.add("contact[first_name]", row.firstName)
        form.add("contact[last_name]", row.lastName)
        form.add("contact[phone]", row.phone)
        form.add("contact[ip]", "0.0.0.0")
        form.add(
            "contact[tags]",
            taggings.chain(from: row.firstTag).map { tags[taggings[$0].tag].name }.joined(separator: ", "))
        if let account = customers.account(of: id) {
            form.add("contact[customer_acct_name]", customers.accounts[account].name)
            form.add("contact[customer_acct_id]", String(account))
            form.add("contact[orgname]", customers.accounts[account].name)
        }
        for value in values.chain(from: row.firstValue)
        where !(options.webhooksOmitEmptyFields && values[value].value.isEmpty) {
            form.add("contact[fields][\(values[value].field)]", values[value].value)
        }
    }

    /// Puts one delivery a hook into the outbox, after the faults that the switches ask for.
    mutating func stage(_ form: CampaignForm, to hooks: [UInt32]) {
        for hook in hooks {
            guard !random.happens(rate: options.webhookDropRate) else { continue }
            var delivery = CampaignDelivery(
                hook: hook, url: webhooks.rows[Int(hook - 1)].url, body: form.data, dueAt: instant,
                timeoutSeconds: options.webhookTimeoutSeconds)
            if random.happens(rate: options.webhookLateRate) { delivery.dueAt += options.webhookLateSeconds }
            outbox.append(delivery)
            if random.happens(rate: options.webhookDuplicateRate) { outbox.append(delivery) }
        }
    }
}
