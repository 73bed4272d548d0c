import Core
import Glibc

/// Where runtimes leave their containers on this machine.
public struct ScanRoots: Equatable, Sendable {
    /// How what is in a directory is to be read.
    public enum Kind: String, CaseIterable, Sendable {
        /// `<id>/state.json`
        case runc
        /// `<id>/status`
        case crun
        /// `<id>/config.json` and `init.pid`: containerd's bundles of one namespace
        case containerd
        /// `<driver>-containers/<id>/userdata`: a run root of containers/storage
        case storage
    }

    public struct Root: Equatable, Sendable {
        public let kind: Kind
        public let path: String
        /// Named by the administrator: then it is told if it is not there.
        public let isNamed: Bool

        public init(kind: Kind, path: String, isNamed: Bool) {
            self.kind = kind
            self.path = path
            self.isNamed = isNamed
        }
    }

    public var roots: [Root]
    /// Whether monitors and cgroups in `/proc` are looked at, too.
    public var looksAtProcesses: Bool

    /// - Parameters:
    ///   - named: `KIND=DIRECTORY`, each.
    ///   - usual: Also the places that the runtimes have by default.
    /// - Throws: `.configuration` for an entry of another form.
    public init(named: [String], usual: Bool) throws(PortcullisError) {
        roots = []
        looksAtProcesses = usual
        for text in named {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, let kind = Kind(rawValue: parts[0]), parts[1].hasPrefix("/") else {
                throw PortcullisError(
                    .configuration, "\(text): a root is KIND=DIRECTORY with an absolute path, KIND one of \(Kind.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            roots.append(Root(kind: kind, path: parts[1], isNamed: true))
        }
        if usual { roots += Self.usual() }
    }

    /// The defaults of runc, crun, containerd, Docker, podman and CRI-O; of containerd and Docker one for each namespace that there is now.
    private static func usual() -> [Root] {
        func root(_ kind: Kind, _ path: String) -> Root { Root(kind: kind, path: path, isNamed: false) }
        func below(_ kind: Kind, _ path: String) -> [Root] {
            ((try? RootOwnedFile.names(in: path)) ?? []).sorted().map { root(kind, "\(path)/\($0)") }
        }
        return [root(.runc, "/run/runc"), root(.crun, "/run/crun"), root(.storage, "/run/containers/storage")]
            + below(.runc, "/run/containerd/runc") + below(.runc, "/run/docker/runtime-runc")
            + below(.containerd, "/run/containerd/io.containerd.runtime.v2.task")
    }
}
