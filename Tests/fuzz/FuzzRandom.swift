/// Numbers from a seed: input `number` of a target is the same on every machine, so that a finding is named by two numbers.
struct FuzzRandom {
    private var state: UInt64

    init(seed: UInt64, number: UInt64) { state = seed &* 0xD134_2543_DE82_EF95 &+ number &* 0xA076_1D64_78BD_642F }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    /// From 0 to `bound - 1`; 0 for a bound of 0.
    mutating func below(_ bound: Int) -> Int { bound > 0 ? Int(next() % UInt64(bound)) : 0 }

    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

    mutating func byte() -> UInt8 { UInt8(truncatingIfNeeded: next()) }

    mutating func pick<Element>(_ array: [Element]) -> Element { array[below(array.count)] }
}
