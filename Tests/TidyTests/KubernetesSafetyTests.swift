import Foundation
import Testing

/// What a pod of Ferry may not do, and whom it may not reach.
@Suite(.timeLimit(.minutes(1)))
struct KubernetesSafetyTests {
    let cluster: KubernetesManifests

    init() throws { cluster = try KubernetesManifests() }

    @Test func thereIsOneWorkloadForEachRole() {
        #expect(cluster.workloads.map(\.role).sorted() == ["ingest", "migrate", "scheduler", "worker"])
        for workload in cluster.workloads {
            #expect(workload.pod?["containers"].list.count == 1 && workload.pod?["initContainers"].exists == false)
            #expect(workload.container["args"].texts == [workload.role])
            #expect(workload.podLabels["app.kubernetes.io/component"] == workload.role)
        }
    }

    @Test func podsHaveNoRights() {
        for workload in cluster.workloads {
            let pod = workload.pod ?? YAMLTree(value: nil)
            let name = workload.name
            // Variables of services are named like settings, and Ferry refuses settings it doesn't know.
            #expect(pod["enableServiceLinks"].text == "false", "\(name)")
            #expect(pod["automountServiceAccountToken"].text == "false", "\(name)")
            #expect(pod[path: "securityContext.runAsNonRoot"].text == "true", "\(name)")
            #expect(pod[path: "securityContext.seccompProfile.type"].text == "RuntimeDefault", "\(name)")
            for shared in ["hostNetwork", "hostPID", "hostIPC"] { #expect(!pod[shared].exists, "\(name)") }
            let rights = workload.container["securityContext"]
            #expect(rights["allowPrivilegeEscalation"].text == "false", "\(name)")
            #expect(rights["readOnlyRootFilesystem"].text == "true", "\(name)")
            #expect(rights[path: "capabilities.drop"].texts == ["ALL"], "\(name)")
            #expect(!rights[path: "capabilities.add"].exists && !rights["privileged"].exists, "\(name)")
            #expect(workload.container[path: "resources.limits.memory"].exists, "\(name)")
            #expect(workload.container[path: "resources.requests.cpu"].exists, "\(name)")
            #expect(workload.container["volumeMounts"].list.allSatisfy { $0["readOnly"].text == "true" }, "\(name)")
        }
        for account in cluster.all("ServiceAccount") {
            #expect(account.tree["automountServiceAccountToken"].text == "false")
        }
        let labels = cluster.all("Namespace").first?.tree[path: "metadata.labels"].textMapping
        #expect(labels?["pod-security.kubernetes.io/enforce"] == "restricted")
    }

    @Test func onlyWorkersHoldThePrivateKeys() {
        for workload in cluster.workloads {
            let secrets = (workload.pod?.everything("secretName") ?? []).compactMap(\.text)
            #expect(secrets.contains("ferry-private-keys") == (workload.role == "worker"), "\(workload.name)")
            let names = workload.container["env"].list.compactMap { $0["name"].text }
            #expect(names.contains("FERRY_PRIVATE_KEYS_FILE") == (workload.role == "worker"), "\(workload.name)")
        }
    }

    @Test func secretsAreFilesAndNeverVariables() {
        let words = ["FERRY_POSTGRES_URL", "FERRY_REDIS_URL"]
        #expect(words.allSatisfy { cluster.settings()[$0] == nil })
        for workload in cluster.workloads {
            #expect(workload.container.everything("secretKeyRef").isEmpty)
            #expect(workload.container.everything("secretRef").isEmpty)
            let names = workload.container["env"].list.compactMap { $0["name"].text }
            #expect(Set(names).isDisjoint(with: words), "\(workload.name)")
        }
    }

    // MARK: - Network

    /// Ports that pods of a role may open connections to.
    private func ways(out role: String) throws -> Set<String> {
        let workload = try #require(cluster.workloads.first { $0.role == role })
        let policies = cluster.all("NetworkPolicy").filter {
            KubernetesManifests.selects($0.tree[path: "spec.podSelector"], workload.podLabels)
        }
        let rules = policies.flatMap { $0.tree[path: "spec.egress"].list }
        return Set(rules.flatMap { $0["ports"].list.compactMap { $0["port"].text } })
    }

    @Test func whatIsNotAllowedIsDenied() throws {
        let deny = try cluster.one("NetworkPolicy", "ferry-deny").tree["spec"]
        #expect(deny["podSelector"].mapping.isEmpty && deny["podSelector"].exists)
        #expect(deny["policyTypes"].texts.sorted() == ["Egress", "Ingress"])
        #expect(!deny["ingress"].exists && !deny["egress"].exists)
        for policy in cluster.all("NetworkPolicy") where policy.name != "ferry-deny" {
            // A rule without peers or ports would open everything.
            for rule in policy.tree[path: "spec.egress"].list {
                #expect(!rule["to"].list.isEmpty && !rule["ports"].list.isEmpty, "\(policy.name)")
            }
            for rule in policy.tree[path: "spec.ingress"].list {
                #expect(!rule["from"].list.isEmpty && !rule["ports"].list.isEmpty, "\(policy.name)")
            }
        }
    }

    @Test func rolesReachOnlyWhatTheyNeed() throws {
        #expect(try ways(out: "worker") == ["53", "443", "5432", "6379"])
        #expect(try ways(out: "scheduler") == ["53", "5432", "6379"])
        #expect(try ways(out: "ingest") == ["53", "5432"])
        #expect(try ways(out: "migrate") == ["53", "5432"])
    }

    @Test func workersReachPublicAddressesOnly() throws {
        let providers = try cluster.one("NetworkPolicy", "ferry-providers")
        let blocks = providers.tree.everything("ipBlock")
        #expect(blocks.compactMap { $0["cidr"].text }.sorted() == ["0.0.0.0/0", "::/0"])
        let excepted = Set(blocks.flatMap { $0["except"].texts })
        // Private networks, this machine, and the link on which clouds serve machines' credentials.
        let inside = [
            "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "100.64.0.0/10",
            "fc00::/7", "fe80::/10", "::1/128",
        ]
        #expect(excepted.isSuperset(of: inside))
    }

    @Test func adminDoorsOpenForMonitoringAndTheAutoscalerAlone() {
        var callers: [String: Set<String>] = [:]
        for policy in cluster.all("NetworkPolicy") {
            for rule in policy.tree[path: "spec.ingress"].list {
                let ports = rule["ports"].list.compactMap { $0["port"].text }
                let spaces = rule["from"].list.flatMap { $0.everything("kubernetes.io/metadata.name") }
                for port in ports { callers[port, default: []].formUnion(spaces.compactMap(\.text)) }
            }
        }
        #expect(callers == ["admin": ["monitoring", "keda"], "http": ["ingress-nginx"]])
    }
}
