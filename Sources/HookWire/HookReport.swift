/// What a hook says when it could not register its container and there is nothing to spool: a refusal, or input that it could not read. It is
/// told for the log and the counters; nobody answers.
public struct HookReport: Equatable, Sendable {
    /// Empty if not even that could be read.
    public var containerID: [UInt8]
    public var ending: HookEnding
    /// Microseconds from the hook's start to this.
    public var elapsed: UInt32
    /// One clause for a person.
    public var problem: [UInt8]

    public static let problemBytes = 1024

    public init(containerID: [UInt8], ending: HookEnding, elapsed: UInt32, problem: [UInt8]) {
        self.containerID = containerID
        self.ending = ending
        self.elapsed = elapsed
        self.problem = problem
    }

    /// The whole frame, length first.
    public func encoded() -> [UInt8] {
        var writer = FrameWriter(.report, capacity: 256)
        writer.field(.containerID, Array(containerID.prefix(HookLimits.containerID)))
        writer.field(.elapsed, elapsed)
        writer.field(.ending, ending.rawValue)
        writer.field(.problem, Array(problem.prefix(Self.problemBytes)))
        return writer.finish()
    }

    /// Reads a body; nil if it is a frame of another type. Its texts are for the log, and need not be UTF-8.
    ///
    /// - Throws: `FrameError` for a report that no hook would have written.
    public init?(decoding body: ArraySlice<UInt8>) throws(FrameError) {
        var reader = FrameReader(body)
        guard try reader.header() == .report else { return nil }
        self.init(containerID: [], ending: .unknown, elapsed: 0, problem: [])
        while !reader.atEnd {
            let tag: UInt16 = try reader.integer()
            let size: UInt32 = try reader.integer()
            var value = FrameReader(try reader.take(Int(size)))
            switch FieldTag(rawValue: tag) {
            case .containerID where size <= HookLimits.containerID: containerID = Array(try value.take(Int(size)))
            case .elapsed: elapsed = try value.only()
            case .ending:
                let raw: UInt8 = try value.only()
                ending = HookEnding(rawValue: raw) ?? .unknown
            case .problem where size <= Self.problemBytes: problem = Array(try value.take(Int(size)))
            case .containerID, .problem: throw .fieldSize
            default: throw .unknownField
            }
        }
    }
}
