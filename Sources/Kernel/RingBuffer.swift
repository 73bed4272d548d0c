import CLibBPF
import Core
import Glibc

/// A BPF ring buffer: records in order, handed to `take` in place.
public final class RingBuffer {
    private let raw: OpaquePointer
    private let box: Box
    /// Its size.
    public let bytes: Int
    /// Records handed over so far.
    public private(set) var consumed: UInt64 = 0

    /// What the C callback gets as context.
    private final class Box {
        let take: (UnsafeRawBufferPointer) -> Void
        var taken = 0
        var limit = Int.max

        init(_ take: @escaping (UnsafeRawBufferPointer) -> Void) { self.take = take }
    }

    init(_ map: Int32, name: String, take: @escaping (UnsafeRawBufferPointer) -> Void) throws(PortcullisError) {
        box = Box(take)
        let context = Unmanaged.passUnretained(box).toOpaque()
        let callback: ring_buffer_sample_fn = { context, data, size in
            guard let context, let data else { return 0 }
            let box = Unmanaged<Box>.fromOpaque(context).takeUnretainedValue()
            box.take(UnsafeRawBufferPointer(start: data, count: Int(size)))
            box.taken += 1
            return box.taken < box.limit ? 0 : -EINTR
        }
        guard let ring = ring_buffer__new(map, callback, context, nil) else {
            throw PortcullisError(.kernel, "opening the ring buffer \(name)", errno: errno)
        }
        raw = ring
        var info = bpf_map_info()
        var size = UInt32(MemoryLayout<bpf_map_info>.size)
        bytes = bpf_obj_get_info_by_fd(map, &info, &size) == 0 ? Int(info.max_entries) : 0
    }

    deinit { ring_buffer__free(raw) }

    /// Becomes readable when there are records.
    public var descriptor: Int32 { ring_buffer__epoll_fd(raw) }

    /// Hands over at most `limit` records; returns how many there were. Producers may be faster than us, hence the limit.
    @discardableResult
    public func consume(limit: Int) -> Int {
        box.taken = 0
        box.limit = limit
        _ = ring_buffer__consume(raw)
        consumed &+= UInt64(box.taken)
        return box.taken
    }
}
