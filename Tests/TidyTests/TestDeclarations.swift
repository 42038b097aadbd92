import Foundation

/// A test as its source declares it.
struct TestDeclaration {
    let name: String
    /// The source file, from the project's folder.
    let path: String
    let isDisabled: Bool

    /// Every `@Test` of a folder. A function without the attribute is no test, whatever its name.
    static func all(under folder: String = "Tests") throws -> [TestDeclaration] {
        try SourceTree.files(under: folder, suffix: ".swift").flatMap { path in
            declarations(in: try SourceTree.lines(path).map(String.init), path)
        }
    }

    /// Reads line by line: from the attribute to the function it stands before.
    static func declarations(in lines: [String], _ path: String) -> [TestDeclaration] {
        var found: [TestDeclaration] = []
        var attribute: String?
        var isSuiteDisabled = false
        for line in lines where !line.drop(while: \.isWhitespace).hasPrefix("//") {
            if line.contains("@Suite"), line.contains(".disabled") { isSuiteDisabled = true }
            if line.contains(/@Test\b/) { attribute = "" }
            guard let begun = attribute else { continue }
            attribute = begun + line
            guard let match = line.firstMatch(of: /\bfunc ([A-Za-z0-9_]+)/) else { continue }
            found.append(
                TestDeclaration(
                    name: String(match.1), path: path,
                    isDisabled: isSuiteDisabled || (begun + line).contains(".disabled")))
            attribute = nil
        }
        return found
    }
}
