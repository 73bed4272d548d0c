import CLibBPF
import Core
import Glibc

/// What the kernel says its maps take.
enum MapMemory {
    /// Bytes of all maps of the objects; a map that several share counts once. What policy sets take is not among it: the kernel counts
    /// only the list of them.
    static func bytes(_ objects: [BPFObject]) -> Int {
        var sizes: [Int: Int] = [:]
        for object in objects {
            var map = bpf_object__next_map(object.raw, nil)
            while let current = map {
                let fields = fields(ofDescriptor: bpf_map__fd(current))
                if let number = fields["map_id"], let size = fields["memlock"] { sizes[number] = size }
                map = bpf_object__next_map(object.raw, current)
            }
        }
        return sizes.values.reduce(0, +)
    }

    /// Lines "name:\tvalue" of proc_pid_fdinfo(5).
    private static func fields(ofDescriptor descriptor: Int32) -> [String: Int] {
        guard descriptor >= 0, let text = TextFile.read("/proc/self/fdinfo/\(descriptor)") else { return [:] }
        var fields: [String: Int] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, let value = Int(parts[1].drop { $0 == "\t" || $0 == " " }) else { continue }
            fields[String(parts[0])] = value
        }
        return fields
    }
}
