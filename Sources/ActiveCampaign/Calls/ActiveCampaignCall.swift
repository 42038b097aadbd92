/// One request that went to ActiveCampaign, as observers see it.
package struct ActiveCampaignCall: Sendable, Hashable {
    /// Classes of calls, as metrics and benches name them.
    package enum Kind: String, Sendable, CaseIterable {
        case usersMe = "users_me"
        case contactsPage = "contacts_page"
        case contactsByID = "contacts_by_id"
        case contactByEmail = "contact_by_email"
        case contactGet = "contact_get"
        case contactSync = "contact_sync"
        case contactCreate = "contact_create"
        case contactUpdate = "contact_update"
        case contactDelete = "contact_delete"
        case fields
        case tags
        case tagCreate = "tag_create"
        case contactTags = "contact_tags"
        case contactTagAdd = "contact_tag_add"
        case contactTagRemove = "contact_tag_remove"
        case list
        case contactLists = "contact_lists"
        case contactListSet = "contact_list_set"
        case bulkImport = "import"
        case importInfo = "import_info"
        case webhooks
        case webhookCreate = "webhook_create"
        case webhookDelete = "webhook_delete"
        case accountsPage = "accounts_page"
        case accountGet = "account_get"
        case accountCreate = "account_create"
        case accountUpdate = "account_update"
        case accountFields = "account_fields"
        case accountValues = "account_values"
        case accountPlaces = "account_places"
        case accountPlaceAdd = "account_place_add"
        case accountPlaceRemove = "account_place_remove"
        case objectSchemas = "object_schemas"
        case objectSchemaCreate = "object_schema_create"
        case objectRecordUpsert = "object_record_upsert"
        case deals
        case dealCreate = "deal_create"
        case dealUpdate = "deal_update"
        case dealFields = "deal_fields"
        case dealPipelines = "deal_pipelines"
        case dealPipelineCreate = "deal_pipeline_create"
        case dealStages = "deal_stages"
        case dealStageCreate = "deal_stage_create"
    }

    /// What was asked.
    package let kind: Kind
    /// Status of the answer; nil when none came.
    package let status: Int?
    /// Whether the account may have counted it; false when no byte of it left.
    package let wasSent: Bool
    /// Which try of its call this was, from 1.
    package let attempt: Int
    /// Time spent waiting for the account's pace before it was sent.
    package let waited: Duration
    /// Time from sending to the whole answer or the failure.
    package let took: Duration
}
