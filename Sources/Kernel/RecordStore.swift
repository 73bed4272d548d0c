import CABI
import CLibBPF
import Core
import Glibc

/// The map `records`: what a restarted daemon must know of each container, in chunks.
struct RecordStore {
    private let map: BPFMap<pc_record_key, pc_record>
    /// Kept to hand out zeroed ones: a pc_record is a kilobyte.
    private let empty = pc_record()

    init(_ descriptor: Int32) { map = BPFMap(name: "records", descriptor: descriptor) }

    func set(_ reference: SlotReference, _ bytes: [UInt8]) throws(PortcullisError) {
        let chunkBytes = Int(PC_RECORD_CHUNK_BYTES)
        let chunks = (bytes.count + chunkBytes - 1) / chunkBytes
        guard chunks <= Int(PC_RECORD_CHUNKS) else {
            throw PortcullisError(.full, "a record of \(bytes.count) bytes does not fit \(PC_RECORD_CHUNKS) chunks")
        }
        var record = empty
        record.generation = reference.generation
        record.length = UInt32(bytes.count)
        // Chunk 0 last: a reader that finds it finds all of them.
        for chunk in (0..<chunks).reversed() {
            let part = bytes[(chunk * chunkBytes)..<min((chunk + 1) * chunkBytes, bytes.count)]
            withUnsafeMutableBytes(of: &record.bytes) { $0.copyBytes(from: part) }
            try map.update(pc_record_key(slot: reference.slot, chunk: UInt32(chunk)), record)
        }
    }

    /// The record of exactly this use of the slot; nil if there is none or it is incomplete.
    func record(_ reference: SlotReference) throws(PortcullisError) -> [UInt8]? {
        var bytes: [UInt8] = []
        var chunk: UInt32 = 0
        while true {
            guard let record = try map.lookup(pc_record_key(slot: reference.slot, chunk: chunk), zero: empty),
                record.generation == reference.generation
            else { return nil }
            let left = Int(record.length) - bytes.count
            guard left >= 0 else { return nil }
            withUnsafeBytes(of: record.bytes) { bytes.append(contentsOf: $0.prefix(left)) }
            if bytes.count >= Int(record.length) { return bytes }
            chunk += 1
        }
    }

    func remove(unless inUse: (UInt32) -> Bool) throws(PortcullisError) {
        for key in try map.keys(zero: pc_record_key()) where !inUse(key.slot) { try map.remove(key) }
    }

    /// Slots that have a record.
    func count() throws(PortcullisError) -> Int { try map.keys(zero: pc_record_key()).count { $0.chunk == 0 } }

    func remove(_ slot: UInt32) throws(PortcullisError) {
        for chunk in 0..<UInt32(PC_RECORD_CHUNKS) {
            var key = pc_record_key(slot: slot, chunk: chunk)
            // Chunks are written from the highest down and removed from the lowest up: the first gap is the end.
            if bpf_map_delete_elem(map.descriptor, &key) != 0 {
                guard errno == ENOENT else { throw PortcullisError(.kernel, "deleting from the map records", errno: errno) }
                return
            }
        }
    }
}
