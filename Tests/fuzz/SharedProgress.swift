import Glibc

/// What a worker is doing, in memory that its supervisor shares: it can be read after the worker has died of an input.
struct SharedProgress {
    /// Words of the page.
    enum Word: Int, CaseIterable {
        /// Number of the input that is being read.
        case current
        /// Inputs read, those accepted, and their bytes.
        case done, accepted, bytes
        /// Nanoseconds of processor time of the slowest input, and its number.
        case slowest, slowestNumber
    }

    private let words: UnsafeMutablePointer<UInt64>

    /// Nil, with errno, if the file cannot be mapped.
    init?(path: String) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard ftruncate(descriptor, 4096) == 0, let start = mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), start != MAP_FAILED
        else { return nil }
        words = start.bindMemory(to: UInt64.self, capacity: 512)
    }

    subscript(word: Word) -> UInt64 {
        get { words[word.rawValue] }
        nonmutating set { words[word.rawValue] = newValue }
    }

    func clear() { for word in Word.allCases { self[word] = 0 } }
}
