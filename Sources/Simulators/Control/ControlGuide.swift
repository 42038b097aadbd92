/// The routes of the control interface, for `ferry simulate --help` and `GET /_control`.
package enum ControlGuide {
    /// Method, path below `/_control`, and what it does with which members.
    package static let routes: [(call: String, what: String)] = [
        ("GET /world", "how many accounts, orgs and faults there are, and the clock"),
        ("POST /clock", "{advanceSeconds} or {offsetSeconds}: move both providers' clock"),
        ("POST /accounts", "{name, count, options}: make ActiveCampaign accounts; answers their tokens"),
        ("GET /accounts", "?limit&offset: accounts and tokens"),
        ("GET /accounts/A", "contacts, calls, imports and webhook deliveries"),
        ("GET|PATCH /accounts/A/options", "every switch of the account, webhook faults among them"),
        ("POST /accounts/A/fields", "{title, type, options, perstag}: add a custom field"),
        ("POST /accounts/A/lists", "{name}: add a list"),
        ("POST /accounts/A/segments", "{name, tag | list | field, value}: add a segment"),
        ("POST /accounts/A/noise", "{count}: that many contacts open mails; nothing but their udate moves"),
        ("POST /accounts/A/seed", "{count, prefix, domain, fields, tags, ageSeconds}: add contacts fast"),
        (
            "POST /accounts/A/people",
            "{as, actions: [{do: add|edit|delete|erase|tag|untag|subscribe|unsubscribe|openMail, contact, …}]}"
        ),
        ("POST /accounts/A/automations", "{automation: create-contact|create-lead, contact}"),
        ("GET /accounts/A/contacts", "?limit&after: contacts with fields, tags and lists"),
        ("GET /accounts/A/contacts/C", "one contact by id or address"),
        ("POST /accounts/A/marks", "remember the calls so far"),
        ("GET /accounts/A/calls", "?since=MARK: calls by class"),
        ("POST /accounts/A/tokens", "{do: revoke|rotate|add|disableUser, forbidding, token}"),
        ("POST /accounts/A/webhooks-settled", "answers once no webhook is waiting"),
        (
            "POST /orgs",
            "{name, count, options: {edition, …, unconfirmed: {…}}}: make Salesforce orgs; answers their credentials"
        ),
        ("GET /orgs", "?limit&offset: orgs and credentials"),
        ("GET /orgs/O", "records by object, calls, API usage"),
        ("GET /orgs/O/key", "the private key of the JWT flow"),
        (
            "PATCH /orgs/O/switches",
            "{isApproved, hasRunAsUser, commitDelay, lockErrorRate, apiLimit, apiOverage, spendCalls, longRunningCalls}"
        ),
        ("POST /orgs/O/fields", "{object, name, type, …}: add a custom field"),
        ("PATCH /orgs/O/fields", "{object, name, readable, writable}: field-level security"),
        (
            "POST /orgs/O/rules",
            "{do: duplicate|required|assign|maintenance|emptyRecycleBin, object, fields, blocks, field, message}"
        ),
        ("POST /orgs/O/seed", "{object, count, first, fields}: add records fast; texts may hold {n} {first} {last}"),
        (
            "POST /orgs/O/users",
            "{actions: [{do: create|update|delete|undelete|merge|convert, object, id, fields, losers, as, …}]}"
        ),
        ("GET /orgs/O/records/OBJECT", "?limit&after&deleted: records with every field"),
        ("GET /orgs/O/records/OBJECT/ID", "one record, deleted or not"),
        ("POST /orgs/O/marks", "remember the calls so far"),
        ("GET /orgs/O/calls", "?since=MARK: calls by class"),
        ("POST /orgs/O/tokens", "{do: open|revoke, refreshTokens}"),
        (
            "POST /faults",
            """
            {effect: answer|cutBody|reset|stall|loseAnswer|revokeToken|salesforce…, status, json, html, seconds, \
            account, org, method, pathPrefix, callClass, times, skipping, rate}
            """
        ),
        ("PATCH /faults", "{seed}: start the random rates anew"),
        ("GET|DELETE /faults/N", "how often it struck; take it back"),
        ("DELETE /faults", "take all faults back"),
    ]

    /// The routes as lines of text.
    package static var text: String {
        routes.map { "  \($0.call)\n      \($0.what)" }.joined(separator: "\n")
    }

    static var json: WireJSON {
        ["routes": .array(routes.map { ["call": .string($0.call), "what": .string($0.what)] })]
    }
}
