/// A line for the runtime's log, as runc writes it: who reads that file for the reason of a failure, as containerd's shim does for
/// Docker, reads the wrapper's too.
public enum RuntimeLog {
    /// A moment in UTC.
    public struct Moment {
        public var year, month, day, hour, minute, second: Int

        public init(year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) {
            self.year = year
            self.month = month
            self.day = day
            self.hour = hour
            self.minute = minute
            self.second = second
        }
    }

    /// One error, its line's end included. `problem` must be UTF-8.
    public static func error(_ problem: [UInt8], at moment: Moment, isJSON: Bool) -> [UInt8] {
        var line: [UInt8] = []
        if isJSON {
            JSONText.append(#"{"level":"error","msg":"#, to: &line)
            JSONText.append(string: problem, to: &line)
            JSONText.append(#","time":""#, to: &line)
            append(moment, to: &line)
            JSONText.append("\"}\n", to: &line)
        } else {
            JSONText.append("time=\"", to: &line)
            append(moment, to: &line)
            JSONText.append("\" level=error msg=", to: &line)
            JSONText.append(string: problem, to: &line)
            JSONText.append("\n", to: &line)
        }
        return line
    }

    private static func append(_ moment: Moment, to line: inout [UInt8]) {
        JSONText.append(number: moment.year, digits: 4, to: &line)
        JSONText.append("-", to: &line)
        JSONText.append(number: moment.month, digits: 2, to: &line)
        JSONText.append("-", to: &line)
        JSONText.append(number: moment.day, digits: 2, to: &line)
        JSONText.append("T", to: &line)
        JSONText.append(number: moment.hour, digits: 2, to: &line)
        JSONText.append(":", to: &line)
        JSONText.append(number: moment.minute, digits: 2, to: &line)
        JSONText.append(":", to: &line)
        JSONText.append(number: moment.second, digits: 2, to: &line)
        JSONText.append("Z", to: &line)
    }
}
