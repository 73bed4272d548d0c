import ArgumentParser
import Core
import Glibc

struct InstallCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install", abstract: "Have a container runtime run the hook.",
        discussion: """
            What follows -- is given to the hook as its options; /etc/portcullis/hook.json says the same without a second run of this.

            Examples:
              portcullis install hooks
              portcullis install hooks --host-root /host
              portcullis install base-spec --output /etc/containerd/portcullis-base-spec.json
            """,
        subcommands: [InstallHooksCommand.self, InstallBaseSpecCommand.self])
}

struct UninstallCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uninstall", abstract: "Have a container runtime run the hook no more.",
        discussion: "Examples:\n  portcullis uninstall hooks\n  portcullis uninstall base-spec --output /etc/containerd/portcullis-base-spec.json",
        subcommands: [UninstallHooksCommand.self, UninstallBaseSpecCommand.self])
}

private let directoryHelp = ArgumentHelp("Where CRI-O and podman read their hooks.", valueName: "directory")

struct InstallHooksCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hooks", abstract: "For CRI-O and podman: put the hook in place, then the file by which they run it.",
        discussion: """
            Both are put in place whole, the program first: a file that names no program is passed over in silence. It can be run again at any time. The next
            container that starts has the hook. Nothing is changed where the directory is not root's alone, another file has the name, or the hook does not run.
            """)

    @Option(help: directoryHelp, completion: .directory)
    var dir = HookFile.usualDirectory

    @OptionGroup var place: HookPlaceOptions

    @Argument(parsing: .postTerminator, help: "Options for the hook, behind --.")
    var hookOptions: [String] = []

    func run() throws {
        try reportingErrors {
            let place = try place.place(), file = try HookPlace.absolute(dir, "--dir") + "/" + HookFile.name, path = place.here(file)
            // Before anything is changed.
            let present = try PlacedFile.read(path, limit: OurFiles.limit)
            if let present, HookFile.program(in: present) == nil { throw PortcullisError(.conflict, "\(path) is there already and is not ours") }
            try place.examine(PlacedFile.split(file).directory)
            Output.line(Output.clean(try place.install(hookOptions)))
            try place.prepare(PlacedFile.split(file).directory)
            let wanted = HookFile(path: place.target, options: hookOptions).bytes
            if present == wanted, PlacedFile.isRoots(path) { return Output.line(Output.clean("\(file): is as it should be")) }
            try PlacedFile.write(wanted, to: path, mode: 0o644)
            Output.line(Output.clean("\(file): written"))
        }
    }
}

struct UninstallHooksCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hooks", abstract: "For CRI-O and podman: remove the file by which they run the hook, then the hook.",
        discussion: """
            Containers that run stay registered until they end. A program that belongs to this installation stays. Nothing is changed where a directory is not
            root's alone, or the file or the program is a symbolic link, somebody else's, or others may write it.
            """)

    @Option(help: directoryHelp, completion: .directory)
    var dir = HookFile.usualDirectory

    @OptionGroup var place: HookPlaceOptions

    func run() throws {
        try reportingErrors {
            let place = try place.place(), file = try HookPlace.absolute(dir, "--dir") + "/" + HookFile.name, path = place.here(file)
            // Before anything is changed, and before anything that the file says is followed.
            try place.examine(PlacedFile.split(file).directory)
            let present = try PlacedFile.read(path, limit: OurFiles.limit, isOurs: true)
            let program = present.flatMap { HookFile.program(in: $0) }
            if present != nil, program == nil { throw PortcullisError(.conflict, "\(path) is not ours, and stays") }
            try place.examineInstalled(program)
            let isRemoved = try PlacedFile.remove(path)
            Output.line(Output.clean("\(file): \(isRemoved ? "removed" : "is not there")"))
            Output.line(Output.clean(try place.uninstall(program)))
        }
    }
}

/// Files that this program has made and reads again.
enum OurFiles {
    /// More than any of them has.
    static let limit = 4 << 20
}
