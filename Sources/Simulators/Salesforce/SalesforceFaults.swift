/// Faults as Salesforce words them.
extension FaultEffect {
    /// 25 requests of 20 seconds and more are already running; a matter of seconds.
    package static var salesforceConcurrentLimit: FaultEffect {
        .answer(
            status: 403,
            body: .json(
                #"[{"message":"ConcurrentRequests (Concurrent API Requests) Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#
            ))
    }

    /// The instance is in maintenance; an HTML page says so.
    package static var salesforceMaintenance: FaultEffect {
        .answer(status: 503, body: .html("<html><body><h1>Service Unavailable</h1></body></html>"))
    }

    /// The edge has no route to the instance, as during an org migration.
    package static var salesforceNoRoute: FaultEffect { .answer(status: 420, body: .empty) }

    /// The platform failed; whether a write was made is not known.
    package static var salesforceUnknownException: FaultEffect {
        .answer(
            status: 500,
            body: .json(
                #"[{"message":"An unexpected error occurred. Please include this ErrorId if you contact support: 1-2 (3)","errorCode":"UNKNOWN_EXCEPTION"}]"#
            ))
    }
}
