import CABI

/// The word by which a slot names its policy set: `PC_POLICY_SET` and `PC_POLICY_FLAGS` of bpf/abi.h.
public enum PolicyWord {
    private static let flagMask: UInt64 = (1 << 32) - (1 << UInt64(PC_POLICY_SET_BITS))

    static func word(set: UInt32, flags: UInt32, generation: UInt32) -> UInt64 {
        UInt64(set) | UInt64(flags) << UInt64(PC_POLICY_SET_BITS) | UInt64(generation) << 32
    }

    /// Index of the set; 0: none.
    static func set(_ word: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: word) & (UInt32(PC_SETS_MAX) - 1) }

    /// Bits of `pc_set_flag`.
    static func flags(_ word: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: word) >> UInt32(PC_POLICY_SET_BITS) }

    /// A word that says of its set that it contains nothing, so that no program looks for it.
    public static func withoutFlags(_ word: UInt64) -> UInt64 { word & ~flagMask }
}
