import ArgumentParser
import Drivers
import Foundation
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
}

/// Who asks for a change, and why; kept in the audit table.
struct ErrandOptions: ParsableArguments {
    @Option(help: "Why, for the audit table.")
    var reason: String?

    @Option(help: "Who, for the audit table; default the login name.")
    var actor: String?

    var errand: Errand {
        Errand(actor: actor ?? ProcessInfo.processInfo.environment["USER"] ?? "unknown", reason: reason)
    }
}
