import ArgumentParser
import Core
import Glibc

private let outputHelp = ArgumentHelp("The file that containerd is to read.", valueName: "file")

struct InstallBaseSpecCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "base-spec", abstract: "For containerd without NRI: write a base runtime spec with the hook, and say what to add to containerd's configuration.",
        discussion: """
            It is what ctr oci spec prints, with the hook, and without process.rlimits: containerd leaves these limits out itself where there is no base spec. It
            belongs to the version of containerd that it was made with; make it anew after an upgrade.
            """)

    @Option(help: outputHelp, completion: .file(extensions: ["json"]))
    var output: String

    @Option(help: "The program containerd, with ctr beside it; by default it is looked for in PATH.", completion: .file())
    var containerd: String?

    @OptionGroup var place: HookPlaceOptions

    @Argument(parsing: .postTerminator, help: "Options for the hook, behind --.")
    var hookOptions: [String] = []

    func run() throws {
        try reportingErrors {
            let place = try place.place(), file = try HookPlace.absolute(output, "--output"), path = place.here(file)
            let programs = try programs()
            let present = try PlacedFile.read(path, limit: OurFiles.limit)
            if let present, BaseSpec.program(in: present) == nil { throw PortcullisError(.conflict, "\(path) is there already and is not ours") }
            let (spec, status) = try ChildOutput.runToEnd(programs.ctr, ["oci", "spec"])
            guard status == 0 else { throw PortcullisError(.system, "\(programs.ctr) oci spec fails (exit status \(status))") }
            let wanted = try BaseSpec.adding(HookFile(path: place.target, options: hookOptions), to: spec)
            let version = BaseSpec.version(in: String(decoding: try ChildOutput.run(programs.containerd, ["--version"]), as: UTF8.self))
            try place.examine(PlacedFile.split(file).directory)
            Output.line(Output.clean(try place.install(hookOptions)))
            try place.prepare(PlacedFile.split(file).directory)
            if present == wanted, PlacedFile.isRoots(path) {
                Output.line(Output.clean("\(file): is as it should be"))
            } else {
                try PlacedFile.write(wanted, to: path, mode: 0o644)
                Output.line(Output.clean("\(file): written"))
            }
            Output.line("\nIn the configuration of containerd \(version), for each runtime that is used (base_runtime_spec is the line to add), and then restart containerd:\n")
            for line in BaseSpec.configuration(file: file, containerd: version) { Output.line(Output.clean(line)) }
        }
    }

    private func programs() throws(PortcullisError) -> (containerd: String, ctr: String) {
        guard let containerd = containerd ?? SearchPath.find("containerd") else { throw PortcullisError(.system, "no containerd in PATH; name it with --containerd") }
        let directory = PlacedFile.split(containerd).directory
        guard access("\(directory)/ctr", X_OK) == 0 else { throw PortcullisError(.system, "no ctr beside \(containerd)", errno: errno) }
        return (containerd, "\(directory)/ctr")
    }
}

struct UninstallBaseSpecCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "base-spec", abstract: "For containerd without NRI: remove the base runtime spec.",
        discussion: "Take its lines out of containerd's configuration and restart containerd first: without the file its CRI does not start. The hook stays, since containers that run name it.")

    @Option(help: outputHelp, completion: .file(extensions: ["json"]))
    var output: String

    @Option(help: "Where the host's root directory is mounted.", completion: .directory)
    var hostRoot = "/"

    func run() throws {
        try reportingErrors {
            let file = try HookPlace.absolute(output, "--output"), root = try HookPlace.absolute(hostRoot, "--host-root"), path = root == "/" ? file : root + file
            try PlacedFile.examine(PlacedFile.split(path).directory, within: root)
            if let present = try PlacedFile.read(path, limit: OurFiles.limit, isOurs: true), BaseSpec.program(in: present) == nil { throw PortcullisError(.conflict, "\(path) is not ours, and stays") }
            Output.line(Output.clean("\(file): \(try PlacedFile.remove(path) ? "removed" : "is not there")"))
        }
    }
}
