import ArgumentParser
import Drivers
import Foundation
import JobQueue
import Store

/// What control commands share: a short-lived runtime, and errors a human can use.
enum Control {
    /// Runs a command's work on the settings' stores and closes them.
    static func run<Value>(_ name: String, _ body: (Runtime) async throws -> Value) async throws -> Value {
        let runtime = try Runtime(name, settings: Settings())
        do {
            let value = try await body(runtime)
            await runtime.pool.close()
            return value
        } catch {
            await runtime.pool.close()
            throw error
        }
    }

    /// A tenant by its id.
    static func tenant(_ id: String, in store: Store) async throws -> TenantSummary {
        guard let tenant = try await store.tenant(id) else {
            throw ValidationError("there is no tenant \(id); `ferry tenants list` lists them")
        }
        return tenant
    }

    /// What the queue answers; nil when Redis was wiped and no scheduler has taken it over again, which holds nothing.
    static func unlessWiped<Value>(_ body: () async throws(JobQueueError) -> Value) async throws -> Value? {
        do { return try await body() } catch {
            if error.code == .generationLost { return nil }
            throw error
        }
    }
}

/// Who asks for a change, and why; kept in the audit table.
struct ErrandOptions: ParsableArguments {
    @Option(help: "Why, for the audit table.")
    var reason: String?

    @Option(name: [.customLong("as"), .customLong("actor")], help: "Who, for the audit table; default LOGIN@HOST.")
    var actor: String?

    var errand: Errand {
        let login = ProcessInfo.processInfo.environment["USER"] ?? "unknown"
        return Errand(actor: actor ?? "\(login)@\(ProcessInfo.processInfo.hostName)", reason: reason)
    }
}

/// What every command needs before it does something in bulk that can't be taken back.
struct ConsentOptions: ParsableArguments {
    @Flag(help: "Only say what would be done.")
    var dryRun = false

    @Flag(help: "Yes, do it.")
    var yes = false

    /// Whether to go ahead; says how many are meant first.
    /// - Throws: `ValidationError` when there is something to do and nobody said yes.
    func allows(_ deed: String, count: Int) throws -> Bool {
        if dryRun { return false }
        if count > 0, !yes { throw ValidationError("this would \(deed); add --yes, or --dry-run to see them") }
        return true
    }
}
