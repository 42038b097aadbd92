/// The editions, as far as the API allocation differs (reference section 3.1).
package enum SalesforceEdition: String, Sendable {
    case developer = "Developer Edition"
    case professional = "Professional Edition"
    case enterprise = "Enterprise Edition"
    case unlimited = "Unlimited Edition"

    /// Calls per 24 hours of an org with this many Salesforce licences.
    func dailyCalls(licences: Int) -> Int {
        switch self {
        case .developer: 15_000
        case .professional, .enterprise: 100_000 + 1_000 * licences
        case .unlimited: 100_000 + 5_000 * licences
        }
    }
}

extension SalesforceEdition {
    /// Requests of 20 seconds and more at once.
    var longRunningCalls: Int {
        self == .developer ? SimulatorsLimits.longRunningCallsInDeveloper : SimulatorsLimits.longRunningCalls
    }
}

/// What an org is like; the defaults are a healthy Enterprise org with the sync package.
package struct SalesforceOrgOptions: Sendable {
    /// Shown in usernames; letters, digits and dashes.
    package var name: String
    package var edition = SalesforceEdition.enterprise
    /// Salesforce licences, which add to the allocation.
    package var licences = 15
    /// Whether the org is a sandbox, whose JWT audience is `test.salesforce.com`.
    package var isSandbox = false
    /// The sync package of reference section 13 is installed.
    package var hasPackage = true
    /// Without the package: whether Contact and Lead have `AC_Contact_Id__c` all the same.
    package var hasExternalIdField = false
    /// Accounts may be persons.
    package var hasPersonAccounts = false
    /// States and countries of addresses are picklists.
    package var hasStateCountryPicklists = false
    /// Calls per 24 hours; `nil` takes the edition's.
    package var apiLimit: Int?
    /// Calls above the limit that still succeed, as paid editions allow.
    package var apiOverage = 0
    /// Whether the edition has the API at all.
    package var hasAPI = true
    /// Seconds between a write's stamp and its visibility to readers.
    package var commitDelay: Double = 0
    /// Probability that a record of an API write fails with UNABLE_TO_LOCK_ROW.
    package var lockErrorRate: Double = 0
    /// Whether callers come from a network the org trusts: a password is enough, without the security token.
    package var trustsNetwork = false
    /// Seconds an access token lives.
    package var sessionLifetime: Double = 7200
    /// Every refresh returns a new refresh token and kills the old one.
    package var rotatesRefreshTokens = false
    /// Days a refresh token may sit unused; `nil` for ever.
    package var refreshIdleDays: Double?
    /// Whether the integration user is pre-authorised for the app.
    package var isApproved = true
    /// Whether the app's client-credentials flow has a run-as user.
    package var hasRunAsUser = true
    /// The app's client id; `nil` makes one of the org's own.
    package var clientID: String?
    /// Most rows of a query page, to make pages smaller than asked.
    package var queryPageRows = 2_000
    /// Conversion copies the lead's `AC_Contact_Id__c` to the contact.
    package var convertsContactID = true
    /// A field the org does not have fails a whole collections request instead of its row (unverified which is right).
    package var unknownFieldFailsRequest = false
    /// Seconds a bulk job waits before its first rows are written.
    package var bulkQueueSeconds: Double = 1
    /// Seconds each 200 rows of a bulk job take.
    package var bulkStepSeconds = 0.1
    /// Currencies of a multi-currency org, the corporate one first; empty for an org with one, whose records have no
    /// `CurrencyIsoCode`.
    package var currencies: [String] = []
    /// Record types that Account, Contact, Lead and Opportunity have each, the default first; accounts of an org with
    /// person accounts keep those of persons.
    package var recordTypes: [String] = []
    /// Facts nobody could confirm.
    package var unconfirmed = SalesforceUnconfirmed()
    /// Makes the org's rates and tokens repeatable.
    package var seed: UInt64 = 1

    /// Options with defaults.
    package init(name: String) {
        self.name = name
    }
}

/// What a custom field may hold.
package enum CustomFieldType: Sendable {
    /// Text of at most this many characters.
    case text(length: Int)
    /// An external id, unique or not.
    case externalID(length: Int, unique: Bool)
    /// A number of this many digits, so many of them after the point.
    case number(precision: Int, scale: Int)
    case checkbox(default: Bool)
    case date
    case dateTime
    case email
    case phone
    case url
    case longText(length: Int)
    /// One of these values; unrestricted picklists take others too.
    case picklist([String], restricted: Bool)

    func field(_ name: String, label: String?, isRequired: Bool) -> FieldDefinition {
        base(name, label: label).with {
            $0.isCustom = true
            if isRequired { $0.isNillable = false }
        }
    }

    private func base(_ name: String, label: String?) -> FieldDefinition {
        switch self {
        case .text(let length): FieldDefinition(name, label: label, .string, length: length)
        case .externalID(let length, let unique):
            FieldDefinition(name, label: label, .string, length: length).with {
                $0.isExternalID = true
                $0.isUnique = unique
            }
        case .number(let precision, let scale):
            FieldDefinition(name, label: label, .double).with {
                $0.precision = precision
                $0.scale = scale
            }
        case .checkbox(let isOn):
            FieldDefinition(name, label: label, .boolean).with {
                $0.isNillable = false
                $0.isDefaultedOnCreate = true
                $0.defaultValue = .bool(isOn)
            }
        case .date: FieldDefinition(name, label: label, .date)
        case .dateTime: FieldDefinition(name, label: label, .datetime)
        case .email: FieldDefinition(name, label: label, .email, length: 80)
        case .phone: FieldDefinition(name, label: label, .phone, length: 40)
        case .url: FieldDefinition(name, label: label, .url, length: 255)
        case .longText(let length): FieldDefinition(name, label: label, .textarea, length: length)
        case .picklist(let values, let restricted):
            FieldDefinition(name, label: label, .picklist, length: 255).with {
                $0.picklistValues = values
                $0.isRestrictedPicklist = restricted
            }
        }
    }
}
