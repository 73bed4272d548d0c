/// The two frames around what a scan for running containers sends: what stands between them on a connection is an add like any
/// other, but one that a hook's word wins over.
public enum ReplayMark: Equatable, Sendable {
    case begin
    /// - Parameter problems: What could not be read, for a person. At most `problemLimit`, each of at most `problemBytes`.
    case end(problems: [[UInt8]])

    public static let problemLimit = 100
    public static let problemBytes = 400

    /// The whole frame, length first.
    public func encoded() -> [UInt8] {
        switch self {
        case .begin:
            var writer = FrameWriter(.replayBegin, capacity: 8)
            return writer.finish()
        case .end(let problems):
            var writer = FrameWriter(.replayEnd, capacity: 256)
            for problem in problems.prefix(Self.problemLimit) { writer.field(.problem, Array(problem.prefix(Self.problemBytes))) }
            return writer.finish()
        }
    }

    /// Reads a body; nil if it is a frame of another type.
    ///
    /// - Throws: `FrameError` for a mark that no scanner would have written.
    public init?(decoding body: ArraySlice<UInt8>) throws(FrameError) {
        var reader = FrameReader(body)
        switch try reader.header() {
        case .replayBegin:
            guard reader.atEnd else { throw .unknownField }
            self = .begin
        case .replayEnd:
            var problems: [[UInt8]] = []
            while !reader.atEnd {
                let tag: UInt16 = try reader.integer()
                let size: UInt32 = try reader.integer()
                guard tag == FieldTag.problem.rawValue else { throw .unknownField }
                guard size <= Self.problemBytes, problems.count < Self.problemLimit else { throw .fieldSize }
                problems.append(Array(try reader.take(Int(size))))
            }
            self = .end(problems: problems)
        case .add, .remove, .report, .answer: return nil
        }
    }
}

/// Where a scan can find a container; a set, since most are found in several places.
public struct ReplaySources: OptionSet, Hashable, Sendable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// runc's `state.json`.
    public static let runc = ReplaySources(rawValue: 1)
    /// crun's `status`.
    public static let crun = ReplaySources(rawValue: 2)
    /// A bundle of containerd's.
    public static let containerd = ReplaySources(rawValue: 4)
    /// A directory of containers/storage, as podman and CRI-O have it.
    public static let storage = ReplaySources(rawValue: 8)
    /// A containerd shim in `/proc`.
    public static let shim = ReplaySources(rawValue: 16)
    /// A conmon in `/proc`.
    public static let conmon = ReplaySources(rawValue: 32)
    /// The cgroup of a process that nothing else speaks of.
    public static let cgroup = ReplaySources(rawValue: 64)
    /// The runtime's own word, through its plugin interface NRI.
    public static let nri = ReplaySources(rawValue: 128)

    /// Each source with its name, in the order of their bits.
    public static var named: [(source: ReplaySources, name: StaticString)] {
        [
            (.runc, "runc"), (.crun, "crun"), (.containerd, "containerd"), (.storage, "storage"), (.shim, "shim"), (.conmon, "conmon"), (.cgroup, "cgroup"),
            (.nri, "nri"),
        ]
    }
}
