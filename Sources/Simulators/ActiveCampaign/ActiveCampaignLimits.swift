extension SimulatorsLimits {
    /// The bounds of the ActiveCampaign simulator: those of the real service, and those that keep this process small.
    package enum ActiveCampaign {
        /// Rows of a page when the client names no limit.
        package static let defaultPageRows = 20
        /// Most rows of a page.
        package static let pageRows = 100
        /// Rows of a page of `accountCustomFieldMeta` and `dealCustomFieldMeta` when the client names no limit.
        package static let customFieldMetaPageRows = 100
        /// Contacts of one bulk import.
        package static let importContacts = 250
        /// Bytes of one bulk import.
        package static let importBytes = 399_999
        /// Bulk imports of several contacts a minute.
        package static let importsPerMinute = 100
        /// Bulk imports of a single contact a minute.
        package static let singleImportsPerMinute = 20
        /// Finished import batches an account remembers; older ones are forgotten by `/import/info`.
        package static let finishedImports = 10_000
        /// Import batches that may wait in one account.
        package static let openImports = 10_000
        /// Depth of nested JSON a request may have.
        package static let jsonDepth = 32
        /// Webhook deliveries waiting in one account; further ones are dropped and counted.
        package static let waitingDeliveries = 20_000
        /// Seconds a webhook's receiver may take.
        package static let deliverySeconds = 10.0
        /// Parameters, and headers, of an import's callback.
        package static let callbackPairs = 50
        /// Deliveries of one account that may be under way at once, whatever the switch says.
        package static let deliveriesAtOnce = 32
        /// Webhooks of one account.
        package static let webhooks = 100
        /// Letters of a tag's name.
        package static let tagLetters = 255
        /// Letters of an e-mail address.
        package static let emailLetters = 254
    }
}
