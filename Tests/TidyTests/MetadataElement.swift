import Foundation

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// An element of a Salesforce metadata file.
struct MetadataElement: Sendable {
    let name: String
    let namespace: String
    var text = ""
    var children: [MetadataElement] = []

    /// The elements of a name right below this one.
    subscript(_ name: String) -> [MetadataElement] { children.filter { $0.name == name } }

    /// The text of the first element at the end of a path of names; nil when there is none.
    func value(_ path: String...) -> String? {
        path.reduce([self]) { found, name in found.flatMap { $0[name] } }.first?.text
    }

    /// The texts of all elements of a name, at any depth.
    func everyValue(_ name: String) -> [String] {
        children.flatMap { ($0.name == name ? [$0.text] : []) + $0.everyValue(name) }
    }

    /// The file's root.
    /// - Throws: `Malformed`, with the place, when the file is not well-formed XML.
    static func parse(_ path: String) throws -> MetadataElement {
        let parser = XMLParser(data: Data(try SourceTree.text(path).utf8))
        parser.shouldProcessNamespaces = true
        let builder = Builder()
        parser.delegate = builder
        guard parser.parse(), let root = builder.root else {
            throw Malformed(path: path, line: parser.lineNumber, column: parser.columnNumber)
        }
        return root
    }

    struct Malformed: Error {
        let path: String
        let line: Int
        let column: Int
    }

    /// Builds the tree while the parser walks the file.
    private final class Builder: NSObject, XMLParserDelegate {
        private var open: [MetadataElement] = []
        private(set) var root: MetadataElement?

        func parser(
            _ parser: XMLParser, didStartElement elementName: String, namespaceURI: String?,
            qualifiedName qName: String?, attributes attributeDict: [String: String] = [:]
        ) {
            open.append(MetadataElement(name: elementName, namespace: namespaceURI ?? ""))
        }

        func parser(_ parser: XMLParser, foundCharacters string: String) {
            guard !open.isEmpty else { return }
            open[open.count - 1].text += string
        }

        func parser(
            _ parser: XMLParser, didEndElement elementName: String, namespaceURI: String?, qualifiedName qName: String?
        ) {
            guard var element = open.popLast() else { return }
            // Blanks between elements are layout; a leaf's text is content.
            if !element.children.isEmpty { element.text = "" }
            if open.isEmpty { root = element } else { open[open.count - 1].children.append(element) }
        }
    }
}
