extension String {
    /// The word that was probably meant; of none, a question mark. What breaks off early is taken for the shortest word
    /// that begins so, however much is missing.
    func nearest(of words: [String]) -> String {
        let longer = words.filter { $0.hasPrefix(self) }
        return longer.min { $0.count < $1.count } ?? words.min { distance(to: $0) < distance(to: $1) } ?? "?"
    }

    /// Levenshtein distance.
    private func distance(to other: String) -> Int {
        var row = Array(0...other.count)
        for (i, left) in enumerated() {
            var previous = row[0]
            row[0] = i + 1
            for (j, right) in other.enumerated() {
                let substituted = previous + (left == right ? 0 : 1)
                previous = row[j + 1]
                row[j + 1] = Swift.min(substituted, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[other.count]
    }
}
