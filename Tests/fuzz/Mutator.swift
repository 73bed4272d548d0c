/// Makes inputs out of seeds: the seeds themselves first, then what becomes of them by a few changes each.
struct Mutator {
    /// Real documents and hand-made ones; at least one.
    let seeds: [[UInt8]]
    /// What is put in at random places: words of the format, and bytes that formats stumble over.
    let words: [[UInt8]]
    /// Bytes of an input.
    let limit: Int
    /// Puts an input together by the format's own rules; nil where seeds are enough.
    let generate: ((inout FuzzRandom) -> [UInt8])?

    /// One input in so many is blown up by repetition: what takes long shows only in what is long.
    private static let hugeEvery: UInt64 = 4099

    func input(_ number: UInt64, seed: UInt64) -> [UInt8] {
        if number < UInt64(seeds.count) { return seeds[Int(number)] }
        var random = FuzzRandom(seed: seed, number: number)
        var input: [UInt8]
        if let generate, random.chance(40) {
            input = generate(&random)
            if random.chance(50) { return Array(input.prefix(limit)) }
        } else {
            input = random.pick(seeds)
        }
        // Mostly one or two changes: what is changed more is refused at once and shows nothing.
        var changes = 1
        while changes < 12, random.chance(45) { changes += 1 }
        for _ in 0..<changes { change(&input, &random) }
        if number % Self.hugeEvery == 0 { blowUp(&input, &random) }
        if input.count > limit { input.removeLast(input.count - limit) }
        return input
    }

    private func change(_ input: inout [UInt8], _ random: inout FuzzRandom) {
        let start = random.below(input.count + 1)
        let end = min(input.count, start + 1 + random.below(random.pick([1, 4, 16, 128])))
        switch random.below(14) {
        case 0: if start < input.count { input[start] ^= 1 << UInt8(random.below(8)) }
        case 1: if start < input.count { input[start] = random.chance(50) ? random.byte() : random.pick(Self.bytes) }
        case 2: input.removeSubrange(start..<end)
        case 3: input.insert(contentsOf: input[start..<end], at: random.below(input.count + 1))
        case 4, 5: input.insert(contentsOf: random.pick(words), at: start)
        case 6: input.replaceSubrange(start..<end, with: random.pick(words))
        case 7: input.append(contentsOf: random.pick(words))
        case 8: input.removeLast(input.count - start)
        case 9: splice(&input, at: start, &random)
        case 10: for _ in 0..<1 + random.below(40) { input.insert(contentsOf: input[start..<end].prefix(64), at: start) }
        case 11: setInteger(&input, at: start, &random)
        case 12: setDigits(&input, near: start, &random)
        default: for index in start..<end where index + 1 < input.count { input.swapAt(index, start + random.below(end - start)) }
        }
    }

    /// Goes on as another seed does.
    private func splice(_ input: inout [UInt8], at start: Int, _ random: inout FuzzRandom) {
        let other = random.pick(seeds)
        let from = random.below(other.count + 1)
        let part = other[from..<min(other.count, from + 1 + random.below(random.pick([16, 256, 4096])))]
        if random.chance(50) { input.insert(contentsOf: part, at: start) } else { input.replaceSubrange(start..., with: part) }
    }

    /// A length field that lies.
    private func setInteger(_ input: inout [UInt8], at start: Int, _ random: inout FuzzRandom) {
        let width = random.pick([2, 4, 8])
        guard start + width <= input.count else { return }
        var value = random.chance(70) ? random.pick(Self.integers) : UInt64(input.count) &- UInt64(random.below(16))
        for index in start..<(start + width) {
            input[index] = UInt8(truncatingIfNeeded: value)
            value >>= 8
        }
    }

    /// Another number where the text has one.
    private func setDigits(_ input: inout [UInt8], near start: Int, _ random: inout FuzzRandom) {
        func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
        guard let first = input[start...].firstIndex(where: isDigit) else { return }
        let last = input[first...].firstIndex { !isDigit($0) } ?? input.count
        input.replaceSubrange(first..<last, with: Array(random.pick(Self.numbers).utf8))
    }

    private func blowUp(_ input: inout [UInt8], _ random: inout FuzzRandom) {
        let start = random.below(input.count + 1)
        let piece = random.chance(50) ? random.pick(words) : Array(input[start..<min(input.count, start + 1 + random.below(12))])
        guard !piece.isEmpty else { return }
        var run: [UInt8] = []
        run.reserveCapacity(limit)
        while run.count + input.count < limit { run.append(contentsOf: piece) }
        input.insert(contentsOf: run, at: start)
    }

    private static let bytes: [UInt8] = [0, 1, 0x09, 0x0A, 0x0D, 0x1F, 0x20, 0x22, 0x2F, 0x5C, 0x7B, 0x7D, 0x7F, 0x80, 0xBF, 0xC0, 0xE2, 0xED, 0xF4, 0xFF]
    private static let integers: [UInt64] = [
        0, 1, 3, 7, 8, 255, 256, 4095, 4096, 4097, 1024, 1025, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 1 << 20, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF,
        0xFFFF_FFFE, UInt64(Int64.max), 1 << 63, UInt64.max,
    ]
    private static let numbers = [
        "0", "00", "1", "-1", "2147483647", "2147483648", "4294967295", "4294967296", "9223372036854775807", "9223372036854775808",
        "99999999999999999999999999", "1e400", "0x10", "1.5", "1_0",
    ]
}
