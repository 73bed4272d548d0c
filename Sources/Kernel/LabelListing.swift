import CABI
import CLibBPF
import Core
import Glibc

/// All labels of living tasks, listed by an iterator program (bpf_iter, kernel 5.8).
struct LabelListing {
    let program: OpaquePointer

    func counts() throws(PortcullisError) -> [SlotReference: Int] {
        guard let link = bpf_program__attach_iter(program, nil) else {
            throw PortcullisError(.kernel, "attaching the label listing", errno: errno)
        }
        defer { bpf_link__destroy(link) }
        let descriptor = bpf_iter_create(bpf_link__fd(link))
        guard descriptor >= 0 else { throw PortcullisError(.kernel, "starting the label listing", errno: errno) }
        defer { close(descriptor) }
        var counts: [SlotReference: Int] = [:]
        var pending: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let lineBytes = MemoryLayout<pc_label_line>.size
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count >= 0 else { throw PortcullisError(.kernel, "reading the label listing", errno: errno) }
            if count == 0 { return counts }
            pending.append(contentsOf: buffer[..<count])
            let whole = pending.count / lineBytes
            pending.withUnsafeBytes { bytes in
                for index in 0..<whole {
                    let line = bytes.loadUnaligned(fromByteOffset: index * lineBytes, as: pc_label_line.self)
                    counts[SlotReference(slot: line.slot, generation: line.generation), default: 0] += 1
                }
            }
            pending.removeFirst(whole * lineBytes)
        }
    }
}
