import CHookSystem
#if !SINGLE_MODULE
import HookWire
import RuntimeWrapper
#endif

/// Which runtime has made a container that is there: what is called for it goes to that one, whatever the settings say by now.
///
/// When a container is made its runtime is written down in the bundle, as a symbolic link, which goes when the bundle goes. The bundle is found by the state
/// that the runtime keeps. Where nothing is written down, who keeps such a state tells runc and crun apart.
struct Maker {
    private static var record: StaticString { "/portcullis-runtime" }

    /// Writes down who makes the container of a bundle. Where that cannot be done, the state has to tell later.
    static func write(_ runtime: Path, bundle: [UInt8]) {
        var link = Path(bundle.isEmpty ? [UInt8(ascii: ".")] : bundle)
        link.append(record)
        link.withCString { path in runtime.withCString { _ = pcr_write_link(path, $0) } }
    }

    /// - Parameter wanted: What the settings say; empty for runc.
    /// - Returns: Nil if they count: no such container is known, or it is not known whose it is.
    static func find(_ commandLine: RuntimeCommandLine, wanted: [UInt8]) -> Path? {
        for name in commandLine.named {
            let runc = open(commandLine.root, "/run/runc", name, "/state.json"), crun = open(commandLine.root, "/run/crun", name, "/status")
            defer {
                if runc >= 0 { _ = pch_close(runc) }
                if crun >= 0 { _ = pch_close(crun) }
            }
            guard runc >= 0 || crun >= 0 else { continue }
            let wantsCrun = isCalled(wanted, "crun")
            // Both may have one of that name, each at its own place.
            let isCruns = crun >= 0 && (runc < 0 || wantsCrun)
            if let written = read(state: isCruns ? crun : runc) { return written }
            if isCruns { return wanted.isEmpty || isCalled(wanted, "runc") ? Wrapper.findRuntime("/crun") : nil }
            return wantsCrun ? Wrapper.findRuntime("/runc") : nil
        }
        return nil
    }

    private static func open(_ root: [UInt8], _ usual: StaticString, _ name: [UInt8], _ file: StaticString) -> Int32 {
        var path = root.isEmpty ? Path(usual) : Path(root)
        path.append("/")
        path.append(name)
        path.append(file)
        return path.withCString { pch_open_regular($0) }
    }

    /// Whether the last part of a path begins so.
    private static func isCalled(_ path: [UInt8], _ name: StaticString) -> Bool {
        let start = (path.lastIndex(of: UInt8(ascii: "/")) ?? -1) + 1
        guard path.count - start >= name.utf8CodeUnitCount else { return false }
        for index in 0..<name.utf8CodeUnitCount where path[start + index] != name.utf8Start[index] { return false }
        return true
    }

    /// What is written down in the bundle of this state; nil if it is nothing that can be run.
    private static func read(state: Int32) -> Path? {
        let source = DescriptorSource(descriptor: state, deadline: pch_now() + Options.millisecond * 1_000, waits: false)
        guard let bundle = try? StateBundle.read(source, window: DescriptorSource.window), !bundle.isEmpty else { return nil }
        var link = Path(bundle)
        link.append(record)
        let target = [UInt8](unsafeUninitializedCapacity: HookLimits.path) { buffer, count in
            count = Int(max(link.withCString { pcr_read_own_link($0, buffer.baseAddress, buffer.count) }, 0))
        }
        guard target.first == UInt8(ascii: "/"), target.count < HookLimits.path else { return nil }
        let path = Path(target)
        return path.withCString { pcr_look_at_program($0) } == 0 ? path : nil
    }
}
