import CTestSupport
import Foundation
import Testing
import TestSupport

extension HostTests {
    /// What the shipped hook has given up before it reads what others have written.
    @Suite struct HookFilter {
        struct Call: CustomTestStringConvertible, Sendable {
            let name: String
            let number: Int
            var arguments: [UInt] = [0, 0, 0]
            var isAllowed = false

            var testDescription: String { name }
        }

        /// Numbers of x86-64 (asm/unistd_64.h).
        static let calls = [
            Call(name: "execve", number: 59), Call(name: "fork", number: 57), Call(name: "clone", number: 56), Call(name: "ptrace", number: 101), Call(name: "mount", number: 165),
            Call(name: "setns", number: 308), Call(name: "bpf", number: 321), Call(name: "kill", number: 62), Call(name: "prctl", number: 157), Call(name: "init_module", number: 175),
            Call(name: "socket(AF_INET)", number: 41, arguments: [2, 1, 0]), Call(name: "mmap(PROT_EXEC)", number: 9, arguments: [0, 4096, 5]),
            // Of x32: the same numbers with a bit on top.
            Call(name: "x32 read", number: 0x4000_0000),
            Call(name: "socket(AF_UNIX)", number: 41, arguments: [1, 1, 0], isAllowed: true), Call(name: "geteuid", number: 107, isAllowed: true),
        ]

        @Test(arguments: calls, ["deny", "allow"]) func aForbiddenCallEndsItAsTheFailurePolicySays(_ call: Call, _ policy: String) throws {
            let scratch = try Scratch()
            let file = scratch.path + "/said"
            let output = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
            defer { close(output) }
            let arguments = [Tree.embeddedHook, "--on-failure", policy, "--socket", scratch.path + "/none", "--spool", scratch.path + "/spool"]
            var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
            words.append(nil)
            defer { for word in words { free(word) } }
            let status = pct_make_call(Tree.embeddedHook, &words, output, call.number, call.arguments[0], call.arguments[1], call.arguments[2])
            #if arch(x86_64)
            let said = try String(contentsOfFile: file, encoding: .utf8)
            // One that is let through comes to the same end, for its state is missing.
            #expect(status & 0x7f == 0 && status >> 8 == (policy == "deny" ? 1 : 0), "\(status): \(said)")
            #expect(said.contains("system call \(call.number) is forbidden to it") == !call.isAllowed, "\(said)")
            #else
            print("skipped: calls are made in another process on x86-64 only")
            #endif
        }

        @Test func isInForceWhenItReadsItsInput() throws {
            let process = Process(), input = Pipe()
            process.executableURL = URL(filePath: Tree.embeddedHook)
            process.arguments = ["--timeout", "10s", "--socket", "/none"]
            process.standardInput = input
            process.standardError = FileHandle.nullDevice
            try process.run()
            defer { process.waitUntilExit() }
            defer { try? input.fileHandleForWriting.close() }
            func status() -> String { (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)) ?? "" }
            #expect(try eventually { status().contains("Seccomp:\t2") && status().contains("NoNewPrivs:\t1") })
        }
    }
}
