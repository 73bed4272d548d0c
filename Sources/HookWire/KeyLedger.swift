/// The member names of the objects that are open at the moment, to find one that is named twice.
///
/// Two readers that disagree about which of two equal members counts are an attacker's tool, so a duplicate refuses the
/// document. Names are compared as bytes, never by hash: annotations come from whoever may create a pod, and colliding
/// hashes would let them make their own container's registration fail.
struct KeyLedger {
    private struct Name {
        let start: Int
        let count: Int
    }

    private var bytes: [UInt8] = []
    private var names: [Name] = []

    /// The first name of the object being opened; hand it back to `close`.
    func open() -> Int { names.count }

    /// Members of the object opened at `mark` so far.
    func count(since mark: Int) -> Int { names.count - mark }

    /// Notes `key` as a member of the object opened at `mark`. False if a small object has it already.
    mutating func insert(_ key: [UInt8], since mark: Int) -> Bool {
        if names.count - mark < JSONLimits.comparedMembers {
            for index in mark..<names.count where equals(names[index], key) { return false }
        }
        names.append(Name(start: bytes.count, count: key.count))
        bytes.append(contentsOf: key)
        return true
    }

    /// Forgets the object opened at `mark`. False if it was too large for `insert` to compare and has a duplicate.
    mutating func close(_ mark: Int) -> Bool {
        guard names.count > mark else { return true }
        var unique = true
        if names.count - mark > JSONLimits.comparedMembers {
            var sorted = Array(names[mark...])
            sorted.sort { compare($0, $1) < 0 }
            for index in 1..<sorted.count where compare(sorted[index - 1], sorted[index]) == 0 { unique = false }
        }
        bytes.removeLast(bytes.count - names[mark].start)
        names.removeLast(names.count - mark)
        return unique
    }

    private func equals(_ name: Name, _ key: [UInt8]) -> Bool {
        guard name.count == key.count else { return false }
        for index in 0..<key.count where bytes[name.start + index] != key[index] { return false }
        return true
    }

    private func compare(_ left: Name, _ right: Name) -> Int {
        for index in 0..<min(left.count, right.count) {
            let difference = Int(bytes[left.start + index]) - Int(bytes[right.start + index])
            if difference != 0 { return difference }
        }
        return left.count - right.count
    }
}
