import Foundation
import Store
import SyncRules

/// What a chunk of contacts comes to before anything is written.
struct OutboundPlan {
    let chunk: OutboundChunk
    let answers: OutboundAnswers
    let verdicts: [(contactID: Int64, verdict: OutboundVerdict)]

    /// Ledger entries that are settled once links are stored. A link that only notes what its contact holds settles
    /// nothing: whether an earlier write has reached Salesforce is still not known.
    func settledEchoes(by links: [Link]) -> [EchoKey] {
        let observed = Set(
            chunk.intents.compactMap { item in
                if case .observe(let link) = item.intent { link.recordID } else { nil }
            })
        return chunk.echoes.settled(by: links.filter { !observed.contains($0.recordID) }, side: .salesforce)
    }
}

/// Decides what becomes of contacts that were read: the one planning of batches and `ferry tenants plan`. Reads rows, and
/// asks Salesforce what a rule needs to know; writes nothing.
struct OutboundPlanning {
    let session: TenantSession
    let now: Date

    /// Plans a chunk.
    /// - Parameter links: the contacts' links, by contact id.
    func plan(_ contacts: [ActiveCampaignContact], links: [Int64: [Link]]) async throws -> OutboundPlan {
        let linked = links.values.joined().map(\.recordID)
        let echoes = try await session.echoes(of: linked + contacts.map { "new:\($0.id)" })
        var chunk = session.outboundChunk(now: now, echoes: echoes)
        chunk.take(try await withoutKnownFailures(contacts), links: links)
        let answers = try await ask(chunk.questions, accounts: try await ContactAccounts(of: chunk, session))
        chunk.echoes.merge(try await session.echoes(of: answers.found.map(\.id)))
        return OutboundPlan(chunk: chunk, answers: answers, verdicts: chunk.verdicts(answers))
    }

    /// Contacts whose present values were refused for good already; they are tried again when they change.
    private func withoutKnownFailures(_ contacts: [ActiveCampaignContact]) async throws -> [ActiveCampaignContact] {
        let candidates = contacts.filter { !$0.tags.isEmpty }
        guard !candidates.isEmpty else { return contacts }
        let refused = try await session.store.refusedFingerprints(
            tenant: session.number, direction: .outbound, recordIDs: candidates.map { String($0.id) })
        guard !refused.isEmpty else { return contacts }
        return contacts.filter { contact in
            refused[String(contact.id)] != session.fingerprint(of: contact).stored
        }
    }

    private func ask(_ questions: OutboundQuestions, accounts: ContactAccounts) async throws -> OutboundAnswers {
        guard !questions.isEmpty else { return OutboundAnswers() }
        var questions = questions
        questions.accountNames = accounts.searched
        var answers = try await session.salesforce.answer(questions)
        answers.accounts = accounts
        answers.accounts.byName = answers.accountsByName
        let owners = try await session.store.links(
            tenant: session.number, recordIDs: answers.found.map(\.id))
        answers.owners = Dictionary(owners.map { ($0.recordID, $0.contactID) }, uniquingKeysWith: { first, _ in first })
        // Person accounts are never created by external id.
        if !session.hasExternalID || session.salesforce.facts.hasPersonAccounts, !questions.emails.isEmpty {
            answers.creationAttempts = try await session.store.creationAttempts(
                tenant: session.number, since: now.addingTimeInterval(-OutboundChunk.creationQuarantine))
        }
        return answers
    }
}
