import ArgumentParser
import Core
import Glibc
import HookWire

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Check that all of the installation is right, and say what to do where it is not.",
        discussion: """
            Looks at the daemon, the hook, what has the container runtimes that are here run it, the spool and the counters that mean trouble. It changes nothing, but with
            --try: then it starts two containers with a policy of their own, and takes everything away again.

            Exit status: 0 nothing has failed (there may be warnings); 1 something has.

            Examples:
              portcullis doctor
              portcullis doctor --try
              portcullis doctor --json | jq -r 'select(.state == "fail") | .check'
            """)

    @OptionGroup var connection: ConnectionOptions

    @Flag(name: .customLong("try"), help: "Also have a container denied something, with runc or crun. Takes a second or two; the denial is an alert like any other.")
    var tries = false

    @OptionGroup var places: DoctorPlaces

    func run() throws {
        var doctor = Doctor(socket: connection.socket, places: places)
        doctor.examine(tries: tries)
        for finding in doctor.report.findings where connection.json { Output.line(finding.json()) }
        if !connection.json { for line in doctor.report.lines { Output.line(Output.clean(line)) } }
        if doctor.report.hasFailed { throw Exit.refused }
    }
}

/// Where things are.
struct DoctorPlaces: ParsableArguments {
    @Option(help: "The hook's program; by default the one that is installed.", completion: .file())
    var hook: String?

    @Option(help: ArgumentHelp("The hook's configuration file.", valueName: "file"), completion: .file(extensions: ["json"]))
    var hookConfig = HookSettings.usualPath

    @Option(help: ArgumentHelp("Where CRI-O and podman read their hooks; may be repeated.", valueName: "directory"), completion: .directory)
    var hooksDir = [HookFile.usualDirectory]

    @Option(help: ArgumentHelp("containerd's configuration.", valueName: "file"), completion: .file(extensions: ["toml"]))
    var containerdConfig = "/etc/containerd/config.toml"

    @Option(help: ArgumentHelp("containerd's NRI socket.", valueName: "path"), completion: .file())
    var nriSocket = "/var/run/nri/nri.sock"

    @Option(help: ArgumentHelp("The socket on which portcullis-nri tells its state.", valueName: "path"), completion: .file())
    var nriStatus = "/run/portcullis/nri.sock"

    @Option(help: ArgumentHelp("Docker's configuration.", valueName: "file"), completion: .file(extensions: ["json"]))
    var dockerConfig = "/etc/docker/daemon.json"

    @Option(help: "The spool of the hooks; by default what the running daemon says.", completion: .directory)
    var spool: String?
}

/// One look at everything.
struct Doctor {
    let socket: String
    let places: DoctorPlaces
    /// Where the hook is to be found.
    let hook: String
    var report = DoctorReport()
    /// The daemon's, if one answers.
    var status: JSONDocument?

    static let version = "\(BuildVersion.text)"

    /// Bytes of a file that is looked into; each of them has far less.
    static let fileLimit = 4 << 20

    init(socket: String, places: DoctorPlaces) {
        self.socket = socket
        self.places = places
        let named = places.hook ?? HookPlace.installed() ?? HookFile.usualPath
        hook = (try? PlacedFile.realPath(named)) ?? named
    }

    mutating func examine(tries: Bool) {
        examineDaemon()
        examineHook()
        examineHookSettings()
        examineRuntimes()
        examineSpool()
        if tries { examineVerdict() } else if !tellLeftTrial() { report.skip("trial", "not asked for: --try has a container denied something") }
    }
}
