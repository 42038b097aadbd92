/// Every setting Ferry knows: its variable, default and meaning, in the order `ferry settings` prints them.
///
/// A setting comes from the environment or, where the environment has none, from the file that `FERRY_SETTINGS_FILE`
/// names (`FERRY_NAME=value` a line). Anything else that starts with `FERRY_` stops the start.
enum Setting: String, CaseIterable {
    case settingsFile = "FERRY_SETTINGS_FILE"
    case environment = "FERRY_ENV"
    case postgresURL = "FERRY_POSTGRES_URL"
    case redisURL = "FERRY_REDIS_URL"
    case publicKey = "FERRY_PUBLIC_KEY"
    case privateKeysFile = "FERRY_PRIVATE_KEYS_FILE"
    case certificateAuthorityFile = "FERRY_CA_FILE"
    case hostSuffixes = "FERRY_PROVIDER_HOST_SUFFIXES"
    case ingestHost = "FERRY_INGEST_HOST"
    case ingestPort = "FERRY_INGEST_PORT"
    case ingestURL = "FERRY_INGEST_URL"
    case adminHost = "FERRY_ADMIN_HOST"
    case adminPort = "FERRY_ADMIN_PORT"
    case autoscaleSeconds = "FERRY_AUTOSCALE_SECONDS"
    case workerConcurrency = "FERRY_WORKER_CONCURRENCY"
    case graceSeconds = "FERRY_GRACE_SECONDS"
    case clockOffsetFile = "FERRY_CLOCK_OFFSET_FILE"
    case logLevel = "FERRY_LOG_LEVEL"

    /// The value when none is given; nil when there is no default.
    var defaultValue: String? {
        switch self {
        case .environment: "production"
        case .hostSuffixes:
            "api-us1.com,activehosted.com,salesforce.com,force.com,salesforce.mil,cloudforce.com"
        case .ingestHost: "0.0.0.0"
        case .ingestPort: "8080"
        case .adminHost: "127.0.0.1"
        case .autoscaleSeconds: "30"
        case .workerConcurrency: "64"
        case .graceSeconds: "25"
        case .logLevel: "info"
        default: nil
        }
    }

    /// What the setting does, with units and bounds.
    var help: String {
        switch self {
        case .settingsFile: "file of further settings, FERRY_NAME=value a line; the environment wins"
        case .environment: "production, dev or test; dev and test accept plain http to providers on loopback"
        case .postgresURL: "postgresql://user@host/database[?sslmode=verify-full&sslrootcert=FILE]"
        case .redisURL:
            "redis://[user:password@]host:port[/db], unix:///path, redis+sentinel://host:port,…/master[/db] or "
                + "redis+cluster://host:port,…"
        case .publicKey: "the cluster's public sealing key, for `ferry seal` and `ferry tenants apply`"
        case .privateKeysFile: "file with the cluster's private sealing keys, newest first; workers only"
        case .certificateAuthorityFile: "certificate authorities to trust for providers, PEM; default the system's"
        case .hostSuffixes: "comma-separated host suffixes that provider addresses in rows must end with"
        case .ingestHost: "address ingest listens on"
        case .ingestPort: "port ingest listens on, 0 for any free one"
        case .ingestURL:
            "ingest's address as ActiveCampaign reaches it, https://…; without it no webhooks are registered"
        case .adminHost:
            "address of /livez, /readyz, /metrics and /autoscale; loopback unless set, they have no password"
        case .adminPort: "port of /livez, /readyz, /metrics and /autoscale, 0 for any free one; without it they are off"
        case .autoscaleSeconds: "seconds in which /autoscale wants runnable work done, 1 to 3600; schedulers only"
        case .workerConcurrency:
            "jobs one worker runs at once, 1 to 1000; those that wait for their turn to call do not count"
        case .graceSeconds: "seconds a worker may take to finish or hand back its jobs after SIGTERM, 1 to 3600"
        case .clockOffsetFile: "file holding seconds to add to the clock while running; FERRY_ENV=test only"
        case .logLevel: "trace, debug, info, notice, warning, error or critical"
        }
    }
}
