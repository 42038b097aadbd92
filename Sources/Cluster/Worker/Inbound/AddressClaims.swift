import SyncRules

/// Addresses that records of one run have taken, so that two new records with one address do not both enter (D3, R91).
///
/// A record that an open import carries has taken its address too: its link is stored only when the import is settled.
struct AddressClaims {
    /// The record that was first.
    struct Owner: Equatable {
        let object: ObjectKind
        let recordID: String
    }

    private var owners: [[UInt8]: Owner] = [:]

    /// Takes an address for a record.
    /// - Parameter hash: `EmailAddress.hash`.
    /// - Returns: the record that was first, when it is another one.
    mutating func claim(_ hash: [UInt8], for object: ObjectKind, _ recordID: String) -> Owner? {
        if let owner = owners[hash] { return owner.recordID == recordID ? nil : owner }
        owners[hash] = Owner(object: object, recordID: recordID)
        return nil
    }
}
