/// Shows rows as JSON records: `attributes` first, then the columns, parents nested under their relationship.
struct RecordRenderer {
    /// The columns of one object in the tree of relationships.
    private final class Node {
        var members: [Member] = []
    }

    private enum Member {
        case field(FieldDefinition)
        case parent(name: String, reference: FieldDefinition, node: Node)
    }

    private let database: OrgDatabase
    private let table: Int
    private let version: String
    private let root = Node()

    /// A renderer of columns of one table; `version` as in paths, `66.0`.
    init(_ columns: [SOQLColumn], table: Int, database: OrgDatabase, version: String) {
        self.database = database
        self.table = table
        self.version = version
        for column in columns {
            var node = root
            for (name, reference) in zip(column.relationships, column.path.references) {
                node = Self.child(of: node, name, reference)
            }
            node.members.append(.field(column.path.field))
        }
    }

    private static func child(of node: Node, _ name: String, _ reference: FieldDefinition) -> Node {
        for case .parent(name, _, let child) in node.members { return child }
        let child = Node()
        node.members.append(.parent(name: name, reference: reference, node: child))
        return child
    }

    /// One record.
    func record(_ row: RecordRow, _ number: Int) -> WireJSON {
        render(root, row, table: table, number: number)
    }

    private func render(_ node: Node, _ row: RecordRow, table: Int, number: Int) -> WireJSON {
        var object = WireObject()
        object.members.reserveCapacity(node.members.count + 1)
        object.members.append(("attributes", attributes(table, number)))
        for member in node.members {
            switch member {
            case .field(let field):
                if case .address(let address) = field.source {
                    object.members.append((field.name, address.json(row)))
                    continue
                }
                let value = database.value(field, of: row, table: table, number: number)
                object.members.append((field.name, value.json(field.type)))
            case .parent(let name, let reference, let child):
                object.members.append((name, parent(child, reference, row, table: table, number: number)))
            }
        }
        return .object(object)
    }

    private func parent(
        _ node: Node, _ reference: FieldDefinition, _ row: RecordRow, table: Int, number: Int
    ) -> WireJSON {
        let id = database.value(reference, of: row, table: table, number: number)
        guard case .text(let id) = id, let place = database.locate(id),
            let row = database.tables[place.table].visible(place.row), row.state != .purged
        else { return .null }
        return render(node, row, table: place.table, number: place.row)
    }

    private func attributes(_ table: Int, _ number: Int) -> WireJSON {
        let object = database.definition(table).name
        return [
            "type": .string(object),
            "url": .string("/services/data/v\(version)/sobjects/\(object)/\(database.id(table, number))"),
        ]
    }
}
