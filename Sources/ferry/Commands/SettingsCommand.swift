import ArgumentParser

/// `ferry settings`: what can be set, what is set, and what is wrong with it.
struct SettingsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "settings",
        abstract: "List every setting with its default, and check those that are set.")

    @OptionGroup var output: OutputOptions

    private struct Row: Encodable {
        let name: String
        let isSet: Bool
        let defaultValue: String?
        let help: String
    }

    func run() throws {
        let settings = try Settings()
        let rows = Setting.allCases.map {
            Row(
                name: $0.rawValue, isSet: settings[$0] != nil && settings[$0] != $0.defaultValue,
                defaultValue: $0.defaultValue, help: $0.help)
        }
        try output.print(rows) {
            var table = TextTable("SETTING", "SET", "DEFAULT", "MEANING")
            for row in rows { table.add(row.name, row.isSet ? "yes" : "-", row.defaultValue ?? "-", row.help) }
            return table.text
        }
    }
}
