import Foundation
import Testing

/// `deploy/kubernetes`: what no schema sees. The schemas themselves are asked in FerryTests.
@Suite(.timeLimit(.minutes(1)))
struct KubernetesTests {
    let cluster: KubernetesManifests
    let guide: String

    init() throws {
        cluster = try KubernetesManifests()
        guide = try SourceTree.text("\(Deployment.folder)/README.md")
    }

    // MARK: - References

    @Test func kustomizationsListEveryFileBesideThemAndNothingElse() {
        var listed: Set<String> = []
        for one in cluster.kustomizations {
            for entry in (one.entries + one.patches).map(one.resolved) {
                let path = SourceTree.root.appending(path: entry).path
                #expect(FileManager.default.fileExists(atPath: path), "\(one.folder) lists \(entry)")
                listed.insert(entry)
            }
        }
        let files = Set(cluster.manifests.filter { !$0.isKustomization }.map(\.path))
        #expect(files == listed.filter { $0.hasSuffix(".yaml") })
        let folders = Set(cluster.kustomizations.map(\.folder))
        #expect(listed.filter { !$0.hasSuffix(".yaml") }.isSubset(of: folders))
    }

    @Test func patchesMeetWhatTheyPatch() throws {
        for patch in cluster.manifests.filter(\.isPatch) { _ = try cluster.one(patch.kind, patch.name) }
        for target in cluster.kustomizations.flatMap({ $0.tree["patches"].list }).map({ $0["target"] })
        where target.exists {
            _ = try cluster.one(target["kind"].text ?? "", target["name"].text ?? "")
        }
        let containers = Set(cluster.workloads.compactMap { $0.container["name"].text })
        for patch in cluster.manifests.filter(\.isPatch) {
            for container in patch.tree[path: "spec.template.spec.containers"].list {
                #expect(containers.contains(container["name"].text ?? ""), "\(patch.path)")
            }
        }
    }

    @Test func podsFindTheirAccountsSettingsAndSecrets() throws {
        let generated = cluster.kustomizations.flatMap { $0.tree["configMapGenerator"].list }.map { $0["name"].text }
        for workload in cluster.workloads {
            let pod = try #require(workload.pod)
            _ = try cluster.one("ServiceAccount", pod["serviceAccountName"].text ?? "")
            for map in workload.container["envFrom"].list {
                #expect(generated.contains(map[path: "configMapRef.name"].text), "\(workload.path)")
            }
            for volume in pod["volumes"].list {
                let name = try #require(volume[path: "secret.secretName"].text, "\(workload.path)")
                let line = try #require(
                    guide.split(separator: "\n").first { $0.contains("create secret generic \(name) ") }, "\(name)")
                for item in volume[path: "secret.items"].list {
                    #expect(line.contains("--from-file=\(item["key"].text ?? "?")"), "\(workload.path)")
                }
            }
        }
    }

    @Test func mountsAndTheFilesThatSettingsNameExist() throws {
        for workload in cluster.workloads {
            let pod = try #require(workload.pod)
            var files: Set<String> = []
            for mount in workload.container["volumeMounts"].list {
                let volume = pod["volumes"].list.first { $0["name"].text == mount["name"].text }
                let items = try #require(volume, "\(workload.path)")[path: "secret.items"].list
                files.formUnion(items.map { "\(mount["mountPath"].text ?? "")/\($0["path"].text ?? "")" })
            }
            let named = workload.container["env"].list.filter { $0["name"].text?.hasSuffix("_FILE") == true }
            #expect(Set(named.compactMap { $0["value"].text }) == files, "\(workload.path)")
        }
    }

    @Test func servicesBudgetsAndPoliciesSelectPods() {
        let pods = cluster.workloads.map(\.podLabels)
        for service in cluster.all("Service") {
            let wanted = service.tree[path: "spec.selector"].textMapping
            let chosen = cluster.deployments.filter { one in wanted.allSatisfy { one.podLabels[$0.key] == $0.value } }
            #expect(chosen.map(\.name) == [service.name])
            for port in service.tree[path: "spec.ports"].list {
                let names = chosen.flatMap { $0.container["ports"].list.compactMap { $0["name"].text } }
                #expect(names.contains(port["targetPort"].text ?? ""), "\(service.name)")
            }
        }
        for deployment in cluster.deployments {
            #expect(KubernetesManifests.selects(deployment.tree[path: "spec.selector"], deployment.podLabels))
            let budgets = cluster.all("PodDisruptionBudget").filter {
                KubernetesManifests.selects($0.tree[path: "spec.selector"], deployment.podLabels)
            }
            #expect(budgets.map(\.name) == [deployment.name])
            for spread in deployment.pod?["topologySpreadConstraints"].list ?? [] {
                #expect(KubernetesManifests.selects(spread["labelSelector"], deployment.podLabels))
            }
        }
        for policy in cluster.all("NetworkPolicy") {
            let selector = policy.tree[path: "spec.podSelector"]
            #expect(pods.contains { KubernetesManifests.selects(selector, $0) }, "\(policy.name) selects nothing")
        }
    }

    @Test func portsAreNamedWhereTheyAreUsed() throws {
        let settings = cluster.settings()
        let numbers = ["admin": settings["FERRY_ADMIN_PORT"], "http": settings["FERRY_INGEST_PORT"]]
        for deployment in cluster.deployments {
            let ports = deployment.container["ports"].list
            let names = Set(ports.compactMap { $0["name"].text })
            for port in ports { #expect(port["containerPort"].text == numbers[port["name"].text ?? ""]) }
            for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
                let request = deployment.container[probe]["httpGet"]
                #expect(names.contains(request["port"].text ?? ""), "\(deployment.name) \(probe)")
                #expect(request["path"].text == (probe == "readinessProbe" ? "/readyz" : "/livez"))
            }
            let annotations = deployment.tree[path: "spec.template.metadata.annotations"].textMapping
            #expect(annotations["prometheus.io/port"] == settings["FERRY_ADMIN_PORT"])
        }
        let ingress = try #require(cluster.all("Ingress").first)
        for backend in ingress.tree.everything("backend") {
            let service = try cluster.one("Service", backend[path: "service.name"].text ?? "")
            let names = service.tree[path: "spec.ports"].list.map { $0["name"].text }
            #expect(names.contains(backend[path: "service.port.name"].text))
        }
        let host = try #require(settings["FERRY_INGEST_URL"]?.replacing("https://", with: ""))
        #expect(ingress.tree.everything("host").allSatisfy { $0.text == host })
        #expect(ingress.tree.everything("hosts").allSatisfy { $0.texts == [host] })
    }

    // MARK: - Scaling

    @Test func theAutoscalerAsksTheSchedulersAndNeverScalesToZero() throws {
        let scaled = try #require(cluster.all("ScaledObject").first).tree["spec"]
        _ = try cluster.one("Deployment", scaled[path: "scaleTargetRef.name"].text ?? "")
        #expect(scaled[path: "scaleTargetRef.name"].text == "ferry-worker")
        #expect(Int(scaled["minReplicaCount"].text ?? "") ?? 0 >= 1 && !scaled["idleReplicaCount"].exists)
        let trigger = try #require(scaled["triggers"].list.first)
        #expect(trigger["type"].text == "metrics-api" && trigger["metricType"].text == "AverageValue")
        let url = try #require(URL(string: trigger[path: "metadata.url"].text ?? ""))
        let host = (url.host() ?? "").split(separator: ".").map(String.init)
        let service = try cluster.one("Service", host.first ?? "")
        #expect(host.dropFirst().first == cluster.all("Namespace").first?.name)
        #expect(service.tree[path: "spec.ports"].list.first?["port"].text == url.port.map(String.init))
        let door = try SourceTree.text("Sources/Cluster/Operations/AdminServer.swift")
        #expect(door.contains("router.get(\"\(url.path())\")"))
        // A field of the signal by its name on the wire, which is the property's.
        let signal = try SourceTree.text("Sources/Cluster/Operations/AutoscaleSignal.swift")
        let field = try #require(trigger[path: "metadata.valueLocation"].text)
        #expect(signal.contains("package let \(field): Int\n"))
        #expect(trigger[path: "metadata.targetValue"].text == "1", "the signal is the number of workers itself")
    }

    @Test func schedulersKnowHowManyPlacesAWorkerHas() {
        for workload in cluster.workloads {
            #expect(!workload.container["args"].texts.contains { $0.hasPrefix("--concurrency") })
            #expect(!workload.container["env"].list.contains { $0["name"].text == "FERRY_WORKER_CONCURRENCY" })
        }
        #expect(cluster.settings()["FERRY_WORKER_CONCURRENCY"] != nil)
    }

    @Test func podsMayTakeTheirGraceAndTenSecondsMore() throws {
        let grace = try #require(cluster.settings()["FERRY_GRACE_SECONDS"].flatMap(Int.init))
        for deployment in cluster.deployments {
            let pause = deployment.container.everything("preStop").flatMap { $0[path: "exec.command"].texts }.last
            let limit = try #require(deployment.pod?["terminationGracePeriodSeconds"].text.flatMap(Int.init))
            #expect(limit >= grace + (pause.flatMap(Int.init) ?? 0) + 10, "\(deployment.name)")
        }
    }
}
