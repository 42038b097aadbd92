/// `/composite/graph`: graphs of row calls, each all or nothing, as one counted call (reference section 5.3).
extension OrgState {
    mutating func compositeGraph(_ request: APIRequest, now: Double) throws(RequestError) -> APIReply {
        guard request.method == "POST" else { throw .methodNotAllowed(request.method) }
        let graphs = try CompositeGraph.read(try request.object())
        var failures = 0
        var answers: [WireJSON] = []
        for graph in graphs {
            let isHalted = failures >= SimulatorsLimits.graphFailures
            let series = isHalted ? graph.halted() : run(graph, now: now)
            if series.hasFailed { failures += 1 }
            answers.append([
                "graphId": .string(graph.id), "graphResponse": series.answer, "isSuccessful": .bool(!series.hasFailed),
            ])
        }
        return .ok(["graphs": .array(answers)])
    }

    /// Runs a graph's nodes in order of dependence; a failure takes all of them back.
    private mutating func run(_ graph: CompositeGraph, now: Double) -> CompositeSeries {
        let savepoint = records.database.savepoint
        var series = CompositeSeries()
        for index in graph.order {
            let node = graph.nodes[index]
            if !series.hasFailed, let resolved = series.resolve(node) {
                series.add(node.referenceID, run(resolved, now: now))
            } else {
                series.add(node.referenceID, CompositeSeries.halted())
            }
        }
        if series.hasFailed {
            records.database.rollback(to: savepoint)
            series.haltSuccesses()
        }
        return series.sorted(as: graph.nodes.map(\.referenceID))
    }
}

/// One graph of the call.
struct CompositeGraph {
    let id: String
    let nodes: [CompositeSubrequest]
    /// Places in `nodes`, each after those it refers to.
    let order: [Int]

    /// Reads and checks the graphs of a call; anything wrong refuses all of them.
    static func read(_ body: WireObject) throws(RequestError) -> [CompositeGraph] {
        guard let entries = body["graphs"]?.arrayValue else { throw invalid("graphs is required") }
        guard entries.count <= SimulatorsLimits.graphs else {
            throw exceeded("A payload holds at most \(SimulatorsLimits.graphs) graphs")
        }
        var graphs: [CompositeGraph] = []
        for entry in entries { graphs.append(try read(entry)) }
        guard Set(graphs.map(\.id)).count == graphs.count else {
            throw invalid("Provide a unique graphId for each graph")
        }
        guard graphs.reduce(0, { $0 + $1.nodes.count }) <= SimulatorsLimits.graphNodes else {
            throw exceeded("A payload holds at most \(SimulatorsLimits.graphNodes) nodes")
        }
        return graphs
    }

    /// Every node halted, because too many graphs before failed.
    func halted() -> CompositeSeries {
        var series = CompositeSeries()
        for node in nodes { series.add(node.referenceID, CompositeSeries.halted()) }
        return series
    }

    // MARK: - Reading

    private static func read(_ entry: WireJSON) throws(RequestError) -> CompositeGraph {
        guard let id = entry["graphId"]?.stringValue, isID(id) else {
            throw invalid("A graphId begins with a letter or digit, has fewer than 40 characters and no dot")
        }
        let nodes = try CompositeSubrequest.readNodes(entry["compositeRequest"]?.arrayValue)
        guard Set(nodes.map(kind)).count <= SimulatorsLimits.graphDifferentNodes else {
            throw exceeded("A graph holds at most \(SimulatorsLimits.graphDifferentNodes) different nodes")
        }
        for node in nodes where !isRow(node) {
            throw invalid("A graph holds only calls that write or read single records: \(node.referenceID)")
        }
        return CompositeGraph(id: id, nodes: nodes, order: try order(nodes))
    }

    private static func isID(_ text: String) -> Bool {
        guard let first = text.first, first.isASCII, first.isLetter || first.isNumber else { return false }
        return text.count < 40 && !text.contains(".")
    }

    /// Version, method and object: what makes nodes different from each other.
    private static func kind(_ node: CompositeSubrequest) -> String {
        node.method + " " + path(node).prefix(5).joined(separator: "/")
    }

    private static func isRow(_ node: CompositeSubrequest) -> Bool {
        let path = path(node)
        guard path.count > 4, path[3] == "sobjects", path.last != "describe" else { return false }
        return path.count > 5 || node.method == "POST"
    }

    private static func path(_ node: CompositeSubrequest) -> [String] {
        RequestTarget(node.url).path.split(separator: "/").map(String.init)
    }

    // MARK: - Order

    /// Sorts nodes behind what they refer to, and checks how deep that goes.
    private static func order(_ nodes: [CompositeSubrequest]) throws(RequestError) -> [Int] {
        let places = Dictionary(nodes.enumerated().map { ($1.referenceID, $0) }) { first, _ in first }
        let needs = nodes.map { node in CompositeReferences.names(in: node).compactMap { places[$0] } }
        var depths = [Int?](repeating: nil, count: nodes.count)
        var order: [Int] = []
        var isMoving = true
        while order.count < nodes.count, isMoving {
            isMoving = false
            for index in nodes.indices where depths[index] == nil {
                let above = needs[index].map { depths[$0] }
                guard !above.contains(nil) else { continue }
                depths[index] = (above.compactMap { $0 }.max() ?? 0) + 1
                order.append(index)
                isMoving = true
            }
        }
        guard order.count == nodes.count else { throw invalid("A graph must not have cycles") }
        guard depths.allSatisfy({ ($0 ?? 0) <= SimulatorsLimits.graphDepth }) else {
            throw exceeded("A graph is at most \(SimulatorsLimits.graphDepth) deep")
        }
        return order
    }

    private static func invalid(_ text: String) -> RequestError { RequestError(400, "INVALID_INPUT", text) }
    private static func exceeded(_ text: String) -> RequestError { RequestError(400, "LIMIT_EXCEEDED", text) }
}
