import CABI
import Core

/// All labels of living tasks, listed by an iterator program.
struct LabelListing {
    let program: OpaquePointer

    func counts() throws(PortcullisError) -> [SlotReference: Int] {
        var counts: [SlotReference: Int] = [:]
        var pending: [UInt8] = []
        let lineBytes = MemoryLayout<pc_label_line>.size
        try TaskIterator.run(program, "listing labels", bufferBytes: 64 << 10) { printed in
            pending.append(contentsOf: printed)
            let whole = pending.count / lineBytes
            pending.withUnsafeBytes { bytes in
                for index in 0..<whole {
                    let line = bytes.loadUnaligned(fromByteOffset: index * lineBytes, as: pc_label_line.self)
                    counts[SlotReference(slot: line.slot, generation: line.generation), default: 0] += 1
                }
            }
            pending.removeFirst(whole * lineBytes)
        }
        return counts
    }
}
