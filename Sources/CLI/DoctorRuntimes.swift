import CLinux
import Core
import Glibc

/// What has the container runtimes run the hook: for each that is here.
extension Doctor {
    mutating func examineRuntimes() {
        let readers = ["podman", "crio"].filter { SearchPath.find($0) != nil }
        for directory in places.hooksDir { examineHooksDirectory(directory, readers) }
        let docker = SearchPath.find("dockerd") != nil, hasSocket = access(places.nriSocket, F_OK) == 0 || access(places.nriStatus, F_OK) == 0
        if SearchPath.find("containerd") != nil || hasSocket { examineContainerd(hasDocker: docker) } else { report.skip("containerd", "not in PATH, and no NRI socket") }
        if docker { examineDocker() } else { report.skip("docker", "no dockerd in PATH") }
        if readers.isEmpty, !docker, !hasSocket, SearchPath.find("containerd") == nil {
            report.warn("runtimes", "none of podman, CRI-O, containerd and Docker is in PATH", "docs/install.md names what can run the hook")
        }
    }

    // MARK: CRI-O and podman

    private mutating func examineHooksDirectory(_ directory: String, _ readers: [String]) {
        let who = readers.joined(separator: " and "), missing = "portcullis install hooks"
        let names: [String]
        do throws(PortcullisError) { names = try Self.list(directory) } catch { return report.fail("hooks.d", error.description, missing) }
        var ours: [(path: String, file: HooksDirectoryFile)] = [], isBroken = false
        for name in names where name.hasSuffix(".json") {
            let path = "\(directory)/\(name)"
            do throws(PortcullisError) {
                // One that goes meanwhile.
                guard let bytes = try PlacedFile.read(path, limit: Self.fileLimit) else { continue }
                let file = try HooksDirectoryFile(bytes)
                if file.isOurs { ours.append((path, file)) }
            } catch {
                isBroken = true
                report.fail("hooks.d", error.message.contains(path) ? error.description : "\(path): \(error)", "CRI-O and podman start no container while the file is so: mend it or take it away")
            }
        }
        for (path, file) in ours {
            if let problem = Self.programProblem(file.program) {
                report.fail("hooks.d", "\(path): hook.path: \(file.program) \(problem)", "\(missing); podman passes over a program that is not there without a word")
            } else if let problem = file.problem {
                report.fail("hooks.d", "\(path): \(problem)", missing)
            } else {
                report.ok("hooks.d", "\(path) has \(file.program) run" + (who.isEmpty ? "; neither podman nor CRI-O is in PATH" : " by \(who)"))
            }
        }
        if ours.count > 1 { report.warn("hooks.d", "\(ours.count) files name the hook: it runs more than once for each container", "keep \(directory)/\(HookFile.name)") }
        guard ours.isEmpty, !isBroken else { return }
        if readers.isEmpty {
            report.skip("hooks.d", "neither podman nor CRI-O is in PATH")
        } else {
            report.fail("hooks.d", "no file of \(directory) names the hook: \(who) runs containers unregistered", missing)
        }
    }

    private static func list(_ directory: String) throws(PortcullisError) -> [String] {
        guard let listing = opendir(directory) else {
            if errno == ENOENT { return [] }
            throw PortcullisError(.system, "reading \(directory)", errno: errno)
        }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) { names.append(withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }) }
        return names.sorted()
    }

    // MARK: containerd

    private mutating func examineContainerd(hasDocker: Bool) {
        if let plugin = askPlugin() { return examinePlugin(plugin) }
        let path = places.containerdConfig
        var settings = ContainerdSettings("")
        do throws(PortcullisError) {
            if let bytes = try PlacedFile.read(path, limit: Self.fileLimit) { settings = ContainerdSettings(String(decoding: bytes, as: UTF8.self)) }
        } catch { report.skip("containerd-settings", error.description) }
        if examineBaseSpecs(settings.baseSpecs) { return }
        let offersNRI = access(places.nriSocket, F_OK) == 0
        let reason = offersNRI ? "it offers NRI at \(places.nriSocket), and no portcullis-nri answers at \(places.nriStatus)"
            : settings.disablesNRI == true ? "\(path) has disable = true" : "there is no \(places.nriSocket)"
        let advice = offersNRI ? "systemctl enable --now portcullis-nri (docs/install.md, containerd with NRI); nothing if the stock hook-injector or a pod of Portcullis does it"
            : "NRI: disable = false in \(path), restart containerd, then portcullis-nri; or portcullis install base-spec (docs/install.md)"
        // Where it serves Docker alone nobody asks it for containers.
        if hasDocker {
            report.warn("containerd", "its own containers are not registered: \(reason)", "if only Docker uses it, there are none; else \(advice)")
        } else {
            report.fail("containerd", "its containers are not registered: \(reason)", advice)
        }
    }

    private mutating func examinePlugin(_ plugin: JSONDocument) {
        let version = plugin["version"].text ?? "", problem = plugin["problem"].text ?? "", state = plugin["state"].text ?? ""
        let runtime = "\(plugin["runtime"].text ?? "") \(plugin["runtimeVersion"].text ?? "")"
        if state != "receiving" {
            report.fail("containerd", "portcullis-nri is \(state)" + (problem.isEmpty ? "" : ": \(problem)"), "docs/install.md, containerd with NRI; journalctl -u portcullis-nri")
        } else if let trouble = Self.trouble(plugin["counters"]) {
            report.warn("containerd", "portcullis-nri receives from \(runtime); \(trouble)", "journalctl -u portcullis-nri; portcullis-nri(8) on its counters")
        } else if plugin["owesReplay"].isTrue == true {
            report.warn("containerd", "portcullis-nri receives from \(runtime), and has not told the daemon all that runs" + (problem.isEmpty ? "" : ": \(problem)"), "is the daemon up? Otherwise journalctl -u portcullis-nri")
        } else if version != Self.version {
            report.warn("containerd", "portcullis-nri is \(version), and this program \(Self.version)", "restart portcullis-nri")
        } else {
            report.ok("containerd", "portcullis-nri receives from \(runtime)")
        }
    }

    /// Counters of the plugin that say that containers went without something; nil if all are 0.
    private static func trouble(_ counters: JSONDocument) -> String? {
        let found = ["hooksMissing", "unseen", "refused", "labelsCut", "late"].compactMap { name in
            counters[name].number.flatMap { $0 > 0 ? "\(name) \($0)" : nil }
        }
        return found.isEmpty ? nil : "it counts " + found.joined(separator: ", ")
    }

    /// True if one of them has the hook, or should have.
    private mutating func examineBaseSpecs(_ paths: [String]) -> Bool {
        for path in paths {
            let bytes: [UInt8]?
            do throws(PortcullisError) { bytes = try PlacedFile.read(path, limit: Self.fileLimit) } catch {
                report.fail("containerd", "base_runtime_spec: \(error)", "containerd's CRI does not start without: portcullis install base-spec --output \(path)")
                return true
            }
            guard let bytes else {
                report.fail("containerd", "base_runtime_spec: \(path) is not there", "containerd's CRI does not start without: portcullis install base-spec --output \(path)")
                return true
            }
            guard let program = BaseSpec.program(in: bytes) else { continue }
            if let problem = Self.programProblem(program) {
                report.fail("containerd", "\(path): \(program) \(problem)", "portcullis install base-spec --output \(path)")
            } else {
                report.ok("containerd", "\(path) has \(program) run")
            }
            return true
        }
        return false
    }

    /// The plugin's state; nil if none answers.
    private func askPlugin() -> JSONDocument? {
        let descriptor = pcl_unix_connect_within(places.nriStatus, 2000)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = [], buffer = [UInt8](repeating: 0, count: 16 << 10)
        while bytes.count < Self.fileLimit {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes.append(contentsOf: buffer[..<count])
        }
        return try? JSONDocument(bytes)
    }

    // MARK: Docker

    private mutating func examineDocker() {
        let path = places.dockerConfig, advice = "register \(DockerSettings.wrapper) there and restart dockerd: docs/install.md, Docker"
        do throws(PortcullisError) {
            guard let bytes = try PlacedFile.read(path, limit: Self.fileLimit) else {
                return report.fail("docker", "\(path) is not there: Docker's containers are not registered", advice)
            }
            let settings: DockerSettings
            do throws(PortcullisError) { settings = try DockerSettings(bytes) } catch { return report.fail("docker", "\(path): \(error)", "dockerd does not start with it: mend it") }
            guard let runtime = settings.runtime else { return report.fail("docker", "\(path) has no runtime \(DockerSettings.wrapper): Docker's containers are not registered", advice) }
            if let problem = Self.programProblem(runtime.path) { return report.fail("docker", "\(path): runtimes.\(runtime.name).path: \(runtime.path) \(problem)", "install it anew: docs/install.md") }
            if settings.isDefault { return report.ok("docker", "\(runtime.path) is the default runtime") }
            report.warn("docker", "\(runtime.path) is a runtime, \(runtime.name), but not the default one", "\"default-runtime\": \"\(runtime.name)\" in \(path); others are not registered")
        } catch { report.fail("docker", error.description, advice) }
    }
}
