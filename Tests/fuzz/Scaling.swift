/// Looks for inputs whose time grows faster than their length: hangs that only a long input would show.
struct Scaling {
    let target: FuzzTarget
    let mutator: Mutator
    /// Bytes of the two inputs that are compared.
    private let small = 1 << 15, large = 1 << 17
    /// Four times the bytes may take so many times as long, and less than this is not worth a look.
    private let ratioLimit = 8.0, worthwhile = 0.02

    /// Repeats each word, and pairs of words, behind, in front of and inside of seeds.
    func run(pairs: Int) throws {
        let read = try target.reader()
        var random = FuzzRandom(seed: 1, number: 0)
        var pieces = mutator.words
        for _ in 0..<pieces.count + pairs { pieces.append((0..<2 + random.below(3)).flatMap { _ in random.pick(mutator.words) }) }
        var slowest = (seconds: 0.0, piece: [UInt8]())
        for piece in pieces where !piece.isEmpty {
            for place in 0..<3 {
                let seed = random.pick(mutator.seeds.count > 6 ? Array(mutator.seeds.prefix(6)) : mutator.seeds)
                let start = [0, seed.count, random.below(seed.count + 1)][place]
                func time(_ size: Int) -> Double {
                    var input = seed
                    input.insert(contentsOf: Array(repeating: piece, count: size / piece.count + 1).joined(), at: start)
                    let begin = Worker.processorTime()
                    do throws(BrokenPromise) { _ = try read(input) } catch { complain("\(text(piece)) at \(start): \(error)".prefix(300).description) }
                    return Double(Worker.processorTime() - begin) / 1e9
                }
                let first = time(small), second = time(large)
                if second > slowest.seconds { slowest = (second, piece) }
                if second > worthwhile, second / max(first, 1e-6) > ratioLimit {
                    say("\(target.name): \(text(piece)) at \(start) of a seed of \(seed.count): \(first) s, then \(second) s")
                }
            }
        }
        say("\(target.name): \(pieces.count * 3) shapes; the slowest took \(slowest.seconds) s for \(large) bytes: \(text(slowest.piece))")
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self).debugDescription }
}
