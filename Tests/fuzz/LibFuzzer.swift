#if LIBFUZZER
import Glibc

/// The reader that a coverage-guided run is about, chosen by the variable FUZZ_TARGET.
nonisolated(unsafe) private let chosen: ([UInt8]) throws(BrokenPromise) -> Bool = {
    let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = FuzzTarget.all.first(where: { $0.name == name }), let reader = try? target.reader() else {
        complain("FUZZ_TARGET must be one of \(FuzzTarget.all.map(\.name).joined(separator: " "))")
        exit(2)
    }
    return reader
}()

/// libFuzzer's entry: `main` is its own, and so are mutation, the corpus and the time limit.
@c(LLVMFuzzerTestOneInput)
public func fuzzOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: bytes, count: count))
    do throws(BrokenPromise) { _ = try chosen(input) } catch {
        complain("broken promise: \(error)")
        abort()
    }
    return 0
}
#endif
