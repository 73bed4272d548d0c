#if !SINGLE_MODULE
import HookWire
#endif

/// What a command line of runc's or crun's asks for, as far as a wrapper must know: whether a container is made, and of which bundle.
///
/// The two read options differently. runc takes one dash or two, and a value behind `=` or in the next word; crun takes what getopt
/// takes, abbreviations too. What is read here is what either would accept; what would be refused is left to them to refuse.
public struct RuntimeCommandLine {
    /// The bundle's directory; empty for the current one.
    public private(set) var bundle: [UInt8] = []
    /// crun's `--config`, from the current directory on; empty for `config.json` in the bundle.
    public private(set) var configFile: [UInt8] = []
    /// As far as it was found, for messages.
    public private(set) var containerID: [UInt8] = []
    /// Where the runtime keeps its containers; empty for its own default.
    public private(set) var root: [UInt8] = []
    /// What may be the name of a container that is there, in this order, where none is made.
    public private(set) var named: [[UInt8]] = []
    /// Where the runtime writes its errors; empty for standard error.
    public private(set) var log: [UInt8] = []
    public private(set) var isLogJSON = false
    /// Whether the command makes a container: `create`, `run` or `restore`, which all run hooks.
    public private(set) var makesContainer = false
    /// Why it cannot be told what is meant, with the word in question. Only where a container may be meant.
    public private(set) var problem: (word: [UInt8], reason: StaticString)?

    /// Reads the words after the program's name.
    public init(_ words: [[UInt8]]) {
        var index = 0
        while index < words.count, Self.isOption(words[index]) {
            let word = words[index]
            index += 1
            if Self.isEnd(word) { break }
            let (name, inline) = Self.split(word)
            guard Self.isGlobalWithValue(name) else {
                guard inline == nil, !Self.isGlobalFlag(name) else { continue }
                // Whether the next word is its value or the command cannot be known: a container may be meant if it says so anywhere.
                for later in words[index...] where Self.makesContainer(later) { problem = (word, "unknown option before the command") }
                if problem == nil { named = Self.names(words[index...]) }
                return
            }
            guard let value = inline ?? Self.word(words, index) else { return }
            if inline == nil { index += 1 }
            if Self.is_(name, "root") { root = value }
            if Self.is_(name, "log") { log = value }
            if Self.is_(name, "log-format") { isLogJSON = Self.is_(value, "json") }
        }
        guard let command = Self.word(words, index) else { return }
        makesContainer = Self.makesContainer(command)
        if makesContainer { readOptions(Array(words[(index + 1)...])) } else { named = Self.names(words[(index + 1)...]) }
    }

    /// The file that says what the container is.
    public var configPath: [UInt8] {
        if !configFile.isEmpty, !Self.is_(configFile, "config.json") { return configFile }
        var path = bundle.isEmpty ? [UInt8(ascii: ".")] : bundle
        JSONText.append("/config.json", to: &path)
        return path
    }

    private mutating func readOptions(_ words: [[UInt8]]) {
        var index = 0
        while index < words.count {
            let word = words[index]
            index += 1
            if Self.isEnd(word) {
                if containerID.isEmpty, index < words.count { containerID = words[index] }
                return
            }
            guard Self.isOption(word) else {
                if containerID.isEmpty { containerID = word }
                continue
            }
            var (name, inline) = Self.split(word)
            if word[1] != UInt8(ascii: "-"), name.count > 1, !Self.isLong(name) {
                // One dash and several letters, crun's: the first letter's value, if it is one that takes a value.
                guard name[0] == UInt8(ascii: "b") || name[0] == UInt8(ascii: "f") else {
                    return problem = (word, "short options in one word")
                }
                inline = Array(word[2...])
                name = [name[0]]
            }
            let isBundle = Self.isBundle(name)
            let isConfig = Self.isConfig(name)
            guard isBundle || isConfig || Self.takesValue(name) else { continue }
            guard let value = inline ?? Self.word(words, index) else { return problem = (word, "needs a value") }
            if inline == nil { index += 1 }
            if isBundle { bundle = value }
            if isConfig { configFile = value }
        }
    }

    /// Words behind a command that may name a container: the first one does, unless an option before it is not known to take a value.
    private static func names(_ words: ArraySlice<[UInt8]>) -> [[UInt8]] {
        var names: [[UInt8]] = []
        var index = words.startIndex
        while index < words.endIndex, names.count < nameLimit {
            let word = words[index]
            index += 1
            if isOption(word) {
                let (name, inline) = split(word)
                if inline == nil, takesValue(name) || takesValueForNamed(name) { index += 1 }
            } else if !word.isEmpty, word.count <= HookLimits.containerID, !word.contains(UInt8(ascii: "/")), !is_(word, "."), !is_(word, "..") {
                names.append(word)
            }
        }
        return names
    }

    /// How many are tried.
    private static var nameLimit: Int { 4 }

    // MARK: Words

    private static func is_(_ word: [UInt8], _ text: StaticString) -> Bool { ContainerRuntime.equal(word, text) }

    private static func word(_ words: [[UInt8]], _ index: Int) -> [UInt8]? { index < words.count ? words[index] : nil }

    /// A dash alone is a name.
    private static func isOption(_ word: [UInt8]) -> Bool { word.count > 1 && word[0] == UInt8(ascii: "-") }

    private static func isEnd(_ word: [UInt8]) -> Bool { is_(word, "--") }

    private static func makesContainer(_ word: [UInt8]) -> Bool { is_(word, "create") || is_(word, "run") || is_(word, "restore") }

    /// An option without its dashes, and what stands behind its first `=`.
    private static func split(_ word: [UInt8]) -> (name: [UInt8], inline: [UInt8]?) {
        let start = word[1] == UInt8(ascii: "-") ? 2 : 1
        guard let equals = word.firstIndex(of: UInt8(ascii: "=")), equals >= start else { return (Array(word[start...]), nil) }
        return (Array(word[start..<equals]), Array(word[(equals + 1)...]))
    }

    // MARK: Options of runc 1.0 to 1.4 and crun 1.x

    private static func isGlobalWithValue(_ name: [UInt8]) -> Bool {
        is_(name, "root") || is_(name, "log") || is_(name, "log-format") || is_(name, "log-level") || is_(name, "criu")
            || is_(name, "rootless") || is_(name, "cgroup-manager")
    }

    private static func isGlobalFlag(_ name: [UInt8]) -> Bool {
        is_(name, "debug") || is_(name, "systemd-cgroup") || is_(name, "help") || is_(name, "h") || is_(name, "?") || is_(name, "usage")
            || is_(name, "version") || is_(name, "v") || is_(name, "V")
    }

    /// `b`, `bundle` and, for crun, what is between the two: nothing else begins so.
    private static func isBundle(_ name: [UInt8]) -> Bool { !name.isEmpty && isStart(name, of: "bundle") }

    /// `f`, `config` and crun's `conf`: less of it could be `console-socket`.
    private static func isConfig(_ name: [UInt8]) -> Bool { is_(name, "f") || name.count >= 4 && isStart(name, of: "config") }

    private static func isStart(_ name: [UInt8], of text: StaticString) -> Bool {
        guard name.count <= text.utf8CodeUnitCount else { return false }
        for index in name.indices where name[index] != text.utf8Start[index] { return false }
        return true
    }

    /// Of `create`, `run` and `restore`. An option that is not known is taken for one without a value: then the value is taken for the
    /// container's name, and nothing comes of that.
    private static func takesValue(_ name: [UInt8]) -> Bool {
        is_(name, "console-socket") || is_(name, "pid-file") || is_(name, "pidfd-socket") || is_(name, "preserve-fds") || is_(name, "image-path")
            || is_(name, "work-path") || is_(name, "manage-cgroups-mode") || is_(name, "empty-ns") || is_(name, "lsm-profile")
            || is_(name, "lsm-mount-context")
    }

    /// Of `exec`, `update`, `ps`, `events` and `checkpoint`, as far as values could be taken for names.
    private static func takesValueForNamed(_ name: [UInt8]) -> Bool {
        is_(name, "process") || is_(name, "p") || is_(name, "user") || is_(name, "u") || is_(name, "cwd") || is_(name, "env") || is_(name, "e")
            || is_(name, "additional-gids") || is_(name, "g") || is_(name, "cap") || is_(name, "c") || is_(name, "apparmor") || is_(name, "process-label")
            || is_(name, "cgroup") || is_(name, "resources") || is_(name, "r") || is_(name, "format") || is_(name, "f") || is_(name, "interval")
            || is_(name, "parent-path") || is_(name, "page-server")
    }

    /// Names that runc takes behind one dash.
    private static func isLong(_ name: [UInt8]) -> Bool {
        takesValue(name) || is_(name, "bundle") || is_(name, "detach") || is_(name, "keep") || is_(name, "no-pivot") || is_(name, "no-new-keyring")
            || is_(name, "no-subreaper") || is_(name, "tcp-established") || is_(name, "ext-unix-sk") || is_(name, "shell-job")
            || is_(name, "file-locks") || is_(name, "auto-dedup") || is_(name, "lazy-pages") || is_(name, "help")
    }
}
