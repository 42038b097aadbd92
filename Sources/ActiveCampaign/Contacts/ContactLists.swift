import Drivers
import Foundation

/// A contact's standing with a list. Consent is the person's: nothing writes it unless a mapping says so (T28).
package struct ListMembership: Sendable, Hashable {
    /// Standing with one list.
    package enum Status: Int, Sendable {
        case unconfirmed = 0
        case active = 1
        case unsubscribed = 2
        case bounced = 3
    }

    /// The list's number.
    package let listID: Int64
    /// The standing; nil for one that isn't known here.
    package let status: Status?
}

extension ActiveCampaignClient {
    /// Whether there is a list of this number.
    package func hasList(_ id: Int64) async throws(ActiveCampaignError) -> Bool {
        do {
            return try await perform(.get(.list, "lists/\(id)")) { _ in true }
        } catch let error where error.isNotFound {
            return false
        }
    }

    /// A contact's lists; nil when there is no such contact.
    package func lists(ofContact id: Int64) async throws(ActiveCampaignError) -> [ListMembership]? {
        do {
            // Never the global `contactLists`: its filters do nothing (reference 3.10).
            let rows: [ContactListRow] = try await wholeList(
                .get(.contactLists, "contacts/\(id)/contactLists"), key: "contactLists")
            return rows.compactMap(\.membership)
        } catch let error where error.isNotFound {
            return nil
        }
    }

    /// Subscribes a contact to a list or unsubscribes it. Subscribing overrides a person's own unsubscription.
    /// - Returns: false when there is no such contact or list.
    package func setSubscribed(
        _ isSubscribed: Bool, contact contactID: Int64, list listID: Int64
    ) async throws(ActiveCampaignError) -> Bool {
        struct Body: Encodable {
            struct Row: Encodable { let list, contact: Int64, status: Int }
            let contactList: Row
        }
        let status: ListMembership.Status = isSubscribed ? .active : .unsubscribed
        let body = Body(contactList: .init(list: listID, contact: contactID, status: status.rawValue))
        let call = try APICall.write(.contactListSet, .post, "contactLists", body)
        do {
            try await perform(call) { _ in }
            return true
        } catch let error where error.isNotFound {
            return false
        }
    }
}
