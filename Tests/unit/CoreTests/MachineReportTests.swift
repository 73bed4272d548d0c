import Core
import Testing

struct MachineReportTests {
    /// A machine on which everything is as it should be.
    private static var good: MachineFacts {
        var facts = MachineFacts()
        facts.release = "6.1.0-28-amd64"
        facts.hasBTF = true
        facts.hasBPFFileSystem = true
        facts.hasSecurityFileSystem = true
        facts.securityModules = ["lockdown", "capability", "bpf"]
        facts.commandLine = "BOOT_IMAGE=/vmlinuz root=/dev/sda1 quiet"
        facts.cgroupVersion = 2
        facts.hooks = [hook("file_open", essential: true), hook("file_truncate")]
        facts.lockdown = "none"
        facts.hasTaskStorage = true
        var telemetry = MachineFacts.Telemetry()
        telemetry.capabilityPlace = "cap_capable"
        facts.telemetry = telemetry
        return facts
    }

    private static func hook(_ name: String, essential: Bool = false, present: Bool = true) -> MachineFacts.Hook {
        MachineFacts.Hook(name: name, isEssential: essential, isPresent: present)
    }

    @Test func aGoodMachineNeedsNothing() {
        let report = MachineReport(Self.good)
        #expect(report.canEnforce && report.findings.allSatisfy { $0.state == .ok && $0.advice.isEmpty })
        #expect(report.findings.last?.check == "enforcement" && report.findings.last?.detail == "possible")
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let check: String
        let state: MachineReport.State
        /// A part of the advice.
        let advice: String
        let change: @Sendable (inout MachineFacts) -> Void
        var testDescription: String { check + " " + advice }
    }

    @Test(arguments: [
        Case(check: "btf", state: .missing, advice: "CONFIG_DEBUG_INFO_BTF") { $0.hasBTF = false },
        Case(check: "bpffs", state: .reduced, advice: "mount -t bpf bpf /sys/fs/bpf") { $0.hasBPFFileSystem = false },
        Case(check: "securityfs", state: .missing, advice: "mount -t securityfs securityfs /sys/kernel/security") { $0.hasSecurityFileSystem = false },
        Case(check: "lsm", state: .missing, advice: "readable") { $0.securityModules = nil },
        Case(check: "lsm", state: .missing, advice: "put lsm=lockdown,yama,bpf on the kernel's command line: in /etc/default/grub into GRUB_CMDLINE_LINUX_DEFAULT, then update-grub") {
            $0.securityModules = ["lockdown", "yama"]
        },
        Case(check: "lsm", state: .missing, advice: "put lsm=yama,bpf in place of lsm=yama on") {
            $0.securityModules = ["yama"]
            $0.commandLine = "lsm=apparmor quiet lsm=yama"
        },
        Case(check: "lsm", state: .missing, advice: "put lsm=bpf on") { $0.securityModules = [] },
        Case(check: "hooks", state: .missing, advice: "CONFIG_BPF_LSM") { $0.hooks = $0.hooks.map { hook($0.name, essential: $0.isEssential, present: false) } },
        Case(check: "hook file_open", state: .missing, advice: "newer kernel") { $0.hooks[0] = hook("file_open", essential: true, present: false) },
        Case(check: "hook file_truncate", state: .reduced, advice: "not judged here") { $0.hooks[1] = hook("file_truncate", present: false) },
        Case(check: "task-storage", state: .missing, advice: "5.11") { $0.hasTaskStorage = false },
        Case(check: "lockdown", state: .missing, advice: "lockdown=integrity") { $0.lockdown = "confidentiality" },
        Case(check: "programs", state: .missing, advice: "refuses") { $0.refusal = "loading: Operation not permitted" },
        Case(check: "kallsyms", state: .reduced, advice: "CONFIG_KALLSYMS_ALL") { $0.unknownSymbols = ["mount_lock"] },
        Case(check: "see capabilities", state: .reduced, advice: "another kernel") { $0.telemetry?.capabilityRefusal = "loading: Operation not permitted" },
        Case(check: "cgroup", state: .reduced, advice: "mount -t cgroup2") { $0.cgroupVersion = 0 },
    ])
    func whatIsWrongIsSaidWithWhatToDo(_ test: Case) throws {
        var facts = Self.good
        test.change(&facts)
        let report = MachineReport(facts)
        let finding = try #require(report.findings.first { $0.check == test.check })
        #expect(finding.state == test.state && finding.advice.contains(test.advice), "\(finding)")
        // Nothing but what was changed is complained about, and only what is missing stops enforcement.
        #expect(report.findings.filter { $0.state != .ok && $0.check != "enforcement" }.map(\.check) == [test.check])
        #expect(report.canEnforce == (test.state != .missing))
        #expect(report.findings.last?.state == (test.state == .missing ? .missing : .ok))
        if test.state == .missing { #expect(report.findings.last?.detail == "not possible, only observation: \(test.check)") }
    }

    /// What is not seen stops no enforcement.
    @Test func eachClassOfTelemetrySaysWhatIsSeenAndWhyNot() {
        func seen(_ change: (inout MachineFacts.Telemetry) -> Void) -> [String] {
            var facts = Self.good, telemetry = MachineFacts.Telemetry()
            telemetry.capabilityPlace = "cap_capable (tracepoint)"
            change(&telemetry)
            facts.telemetry = telemetry
            let report = MachineReport(facts)
            #expect(report.canEnforce && report.findings.last?.check == "enforcement")
            return report.findings.filter { $0.check.hasPrefix("see ") }.map { "\($0.check.dropFirst(4)) \($0.state.rawValue): \($0.detail)" }
        }
        let dns = "dns ok: messages to port 53, by system calls"
        #expect(
            seen { _ in } == [
                "process ok: executions, ends of processes, calls as setuid", "file ok: system calls, and what goes by io_uring", "network ok: system calls, and what goes by io_uring",
                "capabilities ok: at cap_capable (tracepoint)", dns,
            ])
        #expect(
            seen { $0.requestRefusal = "no tracepoint" } == [
                "process ok: executions, ends of processes, calls as setuid", "file reduced: system calls, and nothing that goes by io_uring: no tracepoint",
                "network reduced: system calls, and nothing that goes by io_uring: no tracepoint", "capabilities ok: at cap_capable (tracepoint)", dns,
            ])
        #expect(
            seen { ($0.callRefusal, $0.requestRefusal, $0.capabilityRefusal) = ("no", "no", "no") } == [
                "process reduced: executions and ends of processes, no calls: no", "file reduced: nothing: no", "network reduced: nothing: no", "capabilities reduced: nothing: no", "dns reduced: by rules only: no",
            ])
        var unasked = Self.good
        unasked.telemetry = nil
        #expect(!MachineReport(unasked).findings.contains { $0.check.hasPrefix("see ") })
    }

    @Test func aFindingIsOneLineOfJSON() {
        let line = MachineReport(Self.good).findings.first.map { String(decoding: $0.json(), as: UTF8.self) }
        #expect(line == #"{"check":"kernel","state":"ok","detail":"6.1.0-28-amd64","advice":""}"#)
    }
}
