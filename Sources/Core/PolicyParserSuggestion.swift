/// Finds what was probably meant by a misspelt name.
enum PolicySuggestion {
    /// The candidate that needs the fewest changes to become `name`; nil if all are too far off to be worth a word.
    static func nearest(to name: String, among candidates: [String]) -> String? {
        let given = Array(name.lowercased().utf8)
        // Beyond it no field is near, and the time to find that out would be the text's to choose.
        guard given.count <= 40 else { return nil }
        var best: (name: String, distance: Int)?
        for candidate in candidates {
            let distance = distance(given, Array(candidate.lowercased().utf8))
            if distance <= max(1, candidate.utf8.count / 3), distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.name
    }

    /// Insertions, removals, replacements and exchanges of neighbours that make one of the other.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast = [Int](repeating: 0, count: right.count + 1)
        var last = Array(0...right.count)
        for row in left.indices {
            var current = [row + 1]
            for column in right.indices {
                var cost = min(last[column + 1] + 1, current[column] + 1, last[column] + (left[row] == right[column] ? 0 : 1))
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            (beforeLast, last) = (last, current)
        }
        return last[right.count]
    }
}
