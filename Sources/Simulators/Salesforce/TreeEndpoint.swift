/// `/composite/tree/{T}`: records and their children created together, all or nothing, as one counted call.
extension OrgState {
    mutating func compositeTree(_ request: APIRequest, now: Double) throws(RequestError) -> APIReply {
        guard request.method == "POST" else { throw .methodNotAllowed(request.method) }
        guard request.segments.count == 3, let table = records.database.table(request.segments[2]) else {
            throw .notFound()
        }
        guard let entries = try request.object()["records"]?.arrayValue else {
            throw RequestError(400, "INVALID_INPUT", "records is required")
        }
        var reader = TreeReader(database: records.database)
        try reader.read(entries, table: table, parent: nil, depth: 1)
        return create(reader.nodes, .api(request, now: now))
    }

    private mutating func create(_ nodes: [TreeNode], _ context: SaveContext) -> APIReply {
        let savepoint = records.database.savepoint
        var ids: [String?] = []
        var results: [WireJSON] = []
        var failures: [WireJSON] = []
        for node in nodes {
            var record = node.record
            if let parent = node.parent, let id = ids[parent.node] { record[parent.field] = .string(id) }
            let result = records.create(record, table: node.table, context: context)
            ids.append(result.id)
            guard result.succeeded, let id = result.id else {
                failures.append([
                    "referenceId": .string(node.referenceID), "errors": .array(result.errors.map(\.collectionJSON)),
                ])
                // Children of a record that is not there would only add noise.
                break
            }
            results.append(["referenceId": .string(node.referenceID), "id": .string(id)])
        }
        guard failures.isEmpty else {
            records.database.rollback(to: savepoint)
            return APIReply(status: 400, body: ["hasErrors": true, "results": .array(failures)])
        }
        return APIReply(status: 201, body: ["hasErrors": false, "results": .array(results)])
    }
}

/// One record of a tree.
struct TreeNode {
    let table: Int
    let referenceID: String
    let record: WireObject
    /// Place of the parent among the nodes, and the field that leads to it.
    let parent: (node: Int, field: String)?
}

/// Flattens a tree, parents first.
struct TreeReader {
    let database: OrgDatabase
    private(set) var nodes: [TreeNode] = []
    private var references: Set<String> = []
    private var tables: Set<Int> = []

    init(database: OrgDatabase) {
        self.database = database
    }

    /// Reads records of one level and everything below them.
    mutating func read(
        _ entries: [WireJSON], table: Int, parent: (node: Int, field: String)?, depth: Int
    ) throws(RequestError) {
        guard depth <= SimulatorsLimits.treeDepth else { throw Self.invalid("A tree is at most 5 records deep") }
        for entry in entries {
            guard case .object(let record) = entry else { throw .json("a record must be an object") }
            let attributes = record["attributes"]
            guard let type = attributes?["type"]?.stringValue, database.table(type) == table,
                let reference = attributes?["referenceId"]?.stringValue, references.insert(reference).inserted
            else {
                throw Self.invalid("Each record needs attributes of its type and a referenceId of its own")
            }
            try add(record, reference, table: table, parent: parent, depth: depth)
        }
    }

    private mutating func add(
        _ record: WireObject, _ reference: String, table: Int, parent: (node: Int, field: String)?, depth: Int
    ) throws(RequestError) {
        tables.insert(table)
        var own = record
        own.members.removeAll { database.child($0.name, of: table) != nil }
        let place = nodes.count
        nodes.append(TreeNode(table: table, referenceID: reference, record: own, parent: parent))
        guard nodes.count <= SimulatorsLimits.collectionRecords, tables.count <= SimulatorsLimits.treeTypes else {
            throw Self.invalid("A tree holds at most 200 records of 5 types")
        }
        for (name, value) in record.members {
            guard let child = database.child(name, of: table) else { continue }
            try read(
                value["records"]?.arrayValue ?? [], table: child.table, parent: (place, child.field), depth: depth + 1)
        }
    }

    private static func invalid(_ text: String) -> RequestError { RequestError(400, "INVALID_INPUT", text) }
}
