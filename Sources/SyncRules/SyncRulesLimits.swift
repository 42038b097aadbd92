/// Every bound of the rules, in one place.
package enum SyncRulesLimits {
    /// Mapped fields of one object; what a stored fingerprint may hold at most.
    package static let mappedFields = 500
    /// Digits of a number in canonical form, exponents written out.
    package static let numberDigits = 60
    /// Rows of selection criteria of one object.
    package static let criteriaRows = 100
    /// Characters of an ActiveCampaign account name.
    package static let accountNameLength = 255
}
