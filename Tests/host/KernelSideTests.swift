import CABI
import CLibBPF
import Foundation
import Testing
import TestSupport

@testable import Core
@testable import Kernel

extension HostTests {
    /// The loader and the kernel's tables themselves, and what is pinned.
    @Suite(.serialized) struct KernelSide {
        /// The real table at its real bound: what has no room is counted, the rest is there, and room that is given back is used.
        @Test func filesBeyondTheTableAreCounted() throws {
            let scratch = try Scratch()
            let pins = "/sys/fs/bpf/" + (scratch.path as NSString).lastPathComponent
            defer { try? FileManager.default.removeItem(atPath: pins) }
            let programs = try KernelPrograms(directory: pins + "/v1", sizes: .init(capacity: 16, eventRing: 1 << 16))
            let maps = try PinnedMaps(programs)
            let paths = try (0..<257).map { NamedPath(path: try scratch.write("f\($0)", ""), processRow: 0, fileRow: 1, processFlags: 0) }
            func note(_ generation: UInt32) throws -> Int {
                try maps.files.note(
                    paths, process: UInt32(getpid()), rootfs: nil, slot: generation & 1, setGeneration: generation, crossesMounts: true)
            }
            let bound = Int(PC_FILES_MAX), generations = bound / paths.count + 1
            var noted = 0
            for generation in 1...UInt32(generations) { noted += try note(generation) }
            #expect(noted == bound && maps.files.count == bound)
            #expect(Int(maps.files.leftOut) == generations * paths.count - bound)
            // One slot's files go, but for one set's.
            try maps.files.forget(slot: 0, except: 2)
            #expect(try note(UInt32(generations) + 1) == paths.count)
            #expect(Int(maps.files.leftOut) == generations * paths.count - bound)
        }

        /// An earlier daemon enforced, and this kernel does not take the programs now: nothing may go on that judges by sets which nobody
        /// writes, and the rest goes on. Whoever requires enforcement gets no daemon instead, and the old programs stay.
        @Test(
            .enabled(if: KernelFeatures.bpfLSM == .unknown, "only where nothing says whether bpf is a security module are the programs tried and refused"),
            arguments: [false, true])
        func refusedProgramsLeaveNoOldOnesBehind(_ isRequired: Bool) throws {
            let daemon = try RealDaemon()
            let enforces = try #require(try daemon.status()["enforcing"] as? Bool)
            try #require(!enforces)
            let held = try HeldContainer(daemon, "held")
            defer { held.end() }
            daemon.kill()
            // As if it had enforced: programs of another build, and links under the names of theirs.
            let directory = daemon.pins + "/v1"
            let meta = BPFMap<UInt32, pc_meta>(name: "meta", descriptor: bpf_obj_get(directory + "/meta"))
            defer { close(meta.descriptor) }
            var written = try #require(try meta.lookup(0, zero: pc_meta()))
            written.enforce_object = 1
            try meta.update(0, written)
            let old = [
                "link_pc_file_open", "link_pc_bprm_check", "link_pc_file_permission", "judge_pc_file_open_0", "judge_pc_bprm_check_3",
                "judge_pc_file_permission_7", "program_pc_file_permission",
            ]
            let link = bpf_obj_get(directory + "/link_pc_exec")
            defer { close(link) }
            for name in old { try #require(bpf_obj_pin(link, directory + "/" + name) == 0) }
            func links() throws -> Set<String> { Set(try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.contains("_pc_") }) }
            let all = try links()
            if isRequired {
                let outcome = try Command.run(Tree.daemon, daemon.arguments + ["--require-enforcement", "true"])
                #expect(outcome.status == 1 && outcome.error.contains("nothing can be enforced here, and require-enforcement is set: "), "\(outcome.error)")
                #expect(try links() == all)
                #expect(try meta.lookup(0, zero: pc_meta())?.enforce_object == 1)
                return
            }
            try daemon.start()
            let enforcement = try #require(try daemon.status()["enforcement"] as? [String: Any])
            #expect(enforcement["active"] as? Bool == false)
            let reason = try #require(enforcement["reason"] as? String)
            #expect(!reason.isEmpty && !reason.contains("security modules"), "\(reason)")
            #expect(try links() == all.subtracting(old))
            #expect(try meta.lookup(0, zero: pc_meta())?.enforce_object == 0)
            #expect(try daemon.fill() == [1, 1])
        }
    }
}
