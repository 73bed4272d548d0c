import Core
import Glibc

/// An array map (BPF_F_MMAPABLE) in the daemon's memory: reads cost no system call, and a word is stored atomically.
final class MappedArray<Element> {
    let elements: UnsafeMutableBufferPointer<Element>
    private let bytes: Int

    init(_ descriptor: Int32, count: Int, name: String) throws(PortcullisError) {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        // The kernel pads an element to 8 bytes; every struct mapped here is a multiple of that.
        bytes = (count * MemoryLayout<Element>.stride + page - 1) / page * page
        guard let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), memory != MAP_FAILED else {
            throw PortcullisError(.kernel, "mapping the map \(name)", errno: errno)
        }
        elements = UnsafeMutableBufferPointer(start: memory.assumingMemoryBound(to: Element.self), count: count)
    }

    deinit { munmap(elements.baseAddress, bytes) }
}
