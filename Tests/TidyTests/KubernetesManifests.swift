import Foundation

/// The manifests of `deploy/kubernetes`, and what a kustomization makes of them.
struct KubernetesManifests {
    static let folder = "\(Deployment.folder)/kubernetes"

    /// One manifest and the file it stands in.
    struct Manifest {
        let path: String
        let tree: YAMLTree

        var kind: String { tree["kind"].text ?? "" }
        var name: String { tree[path: "metadata.name"].text ?? "" }
        /// What is not a manifest for a cluster but an instruction to put some together.
        var isKustomization: Bool { path.hasSuffix("/kustomization.yaml") }
        /// A part that is laid over a manifest of the same kind and name.
        let isPatch: Bool
        /// The pod it makes, where it makes some.
        var pod: YAMLTree? {
            let spec = tree[path: "spec.template.spec"]
            return ["Deployment", "Job"].contains(kind) && !isPatch && spec.exists ? spec : nil
        }
        var podLabels: [String: String] { tree[path: "spec.template.metadata.labels"].textMapping }
        /// The one container of the pod.
        var container: YAMLTree { pod?["containers"].list.first ?? YAMLTree(value: nil) }
        /// The role: `scheduler`, `worker`, `ingest` or `migrate`.
        var role: String { name.replacing("ferry-", with: "") }
    }

    /// A kustomization's folder and content.
    struct Kustomization {
        let folder: String
        let tree: YAMLTree

        /// Files and folders it puts together, relative to its own folder.
        var entries: [String] { tree["resources"].texts + tree["components"].texts }
        /// Files with patches.
        var patches: [String] { tree["patches"].list.compactMap { $0["path"].text } }

        /// `folder/../..` without the dots.
        func resolved(_ entry: String) -> String {
            URL(filePath: "/\(folder)/\(entry)").standardized.path.split(separator: "/").joined(separator: "/")
        }
    }

    let manifests: [Manifest]
    let kustomizations: [Kustomization]

    init() throws {
        let paths = SourceTree.files(under: Self.folder, suffix: ".yaml")
        kustomizations = try paths.filter { $0.hasSuffix("/kustomization.yaml") }.flatMap { path in
            try YAMLTree.documents(path).map {
                Kustomization(folder: path.replacing("/kustomization.yaml", with: ""), tree: $0)
            }
        }
        let patches = Set(kustomizations.flatMap { one in one.patches.map(one.resolved) })
        manifests = try paths.flatMap { path in
            try YAMLTree.documents(path).map { Manifest(path: path, tree: $0, isPatch: patches.contains(path)) }
        }
    }

    /// Whole manifests of a kind.
    func all(_ kind: String) -> [Manifest] { manifests.filter { $0.kind == kind && !$0.isPatch } }

    func one(_ kind: String, _ name: String) throws -> Manifest {
        guard let found = all(kind).first(where: { $0.name == name }) else {
            throw Deployment.Missing(what: "\(kind) \(name)")
        }
        return found
    }

    /// What runs pods.
    var workloads: [Manifest] { manifests.filter { $0.pod != nil } }
    var deployments: [Manifest] { all("Deployment") }

    /// Settings of all roles, an overlay's over the base's.
    func settings() -> [String: String] {
        let generators = kustomizations.sorted { $0.folder < $1.folder }.flatMap { $0.tree["configMapGenerator"].list }
        let literals = generators.filter { $0["name"].text == "ferry-settings" }.flatMap { $0["literals"].texts }
        return Dictionary(
            literals.map { literal in
                let parts = literal.split(separator: "=", maxSplits: 1).map(String.init)
                return (parts[0], parts.count == 2 ? parts[1] : "")
            }, uniquingKeysWith: { $1 })
    }

    /// Whether a label selector takes a pod with these labels.
    static func selects(_ selector: YAMLTree, _ labels: [String: String]) -> Bool {
        let equal = selector["matchLabels"].textMapping.allSatisfy { labels[$0.key] == $0.value }
        let within = selector["matchExpressions"].list.allSatisfy { expression in
            guard expression["operator"].text == "In", let key = expression["key"].text else { return false }
            return labels[key].map { expression["values"].texts.contains($0) } ?? false
        }
        return equal && within
    }
}
