/// Numbers and days in the one spelling they are compared in; nil for what is neither.
enum CanonicalForm {
    /// A decimal number without exponent, plus sign, sign of zero, or superfluous zeros. Exact: no digit goes through a
    /// binary or a rounded form. Groups, commas and anything else but one number are refused.
    static func number(_ text: String) -> String? {
        var rest = Substring(text.trimmed)
        let isNegative = rest.first == "-"
        if isNegative || rest.first == "+" { rest = rest.dropFirst() }
        let parts = rest.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == "e" || $0 == "E" }
        guard let mantissa = parts.first, let exponent = parts.count == 1 ? 0 : Int(parts[1]),
            abs(exponent) <= SyncRulesLimits.numberDigits
        else { return nil }
        let halves = mantissa.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let whole = halves[0]
        let fraction = halves.count == 2 ? halves[1] : ""
        guard !whole.isEmpty || !fraction.isEmpty, isDigits(whole), isDigits(fraction),
            mantissa.utf8.count <= SyncRulesLimits.numberDigits
        else { return nil }
        let digits = place(point: whole.count + exponent, in: String(whole + fraction))
        return digits == "0" ? "0" : (isNegative ? "-" : "") + digits
    }

    /// The digits with a decimal point before the one at `point`, zeros added where needed and dropped where not.
    private static func place(point: Int, in digits: String) -> String {
        let padded = String(repeating: "0", count: max(0, 1 - point)) + digits
        let split = max(point, 1)
        let full = padded + String(repeating: "0", count: max(0, split - padded.count))
        let whole = full.prefix(split).drop { $0 == "0" }
        var fraction = full.dropFirst(split)
        while fraction.last == "0" { fraction.removeLast() }
        return (whole.isEmpty ? "0" : whole) + (fraction.isEmpty ? "" : "." + fraction)
    }

    /// `YYYY-MM-DD`: the date part of what starts with one; never shifted by a time zone (T9).
    static func day(_ text: String) -> String? {
        let trimmed = text.trimmed
        let day = trimmed.prefix(10)
        // What follows may be a time of day, nothing else.
        if let next = trimmed.dropFirst(10).first, next != "T", next != " " { return nil }
        let parts = day.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.count) == [4, 2, 2], parts.allSatisfy(isDigits), let year = Int(parts[0]),
            let month = Int(parts[1]), let number = Int(parts[2]), year >= 1, (1...12).contains(month),
            (1...daysInMonth(month, of: year)).contains(number)
        else { return nil }
        return String(day)
    }

    private static func isDigits(_ text: Substring) -> Bool { text.utf8.allSatisfy { (48...57).contains($0) } }

    private static func daysInMonth(_ month: Int, of year: Int) -> Int {
        let isLeap = (year.isMultiple(of: 4) && !year.isMultiple(of: 100)) || year.isMultiple(of: 400)
        return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    }
}
