import CLibBPF
import Core
import Glibc

/// The judge in its places: one loaded program that is linked into every hook's program, instead of that program's `decide`. Each such link is pinned as
/// `judge_<program>_<number>`.
///
/// A hook whose link is gone refuses everything that a policy is asked about, so that the links of a program are only let go when nobody runs it any more.
struct JudgeLinks {
    static let program = "pc_decide"
    static let function = "decide"
    /// Builds whose links can be pinned at one time: the one that goes, the one that comes, and those of starts that were cut off.
    private static let generations = 8

    let directory: String

    private func path(_ program: String, _ number: Int) -> String { "\(directory)/judge_\(program)_\(number)" }

    private func isPinned(_ program: String, _ number: Int) -> Bool { access(path(program, number), F_OK) == 0 }

    func isPinned(_ program: String) -> Bool { (0..<Self.generations).contains { isPinned(program, $0) } }

    /// Links the judge into a loaded program, beside what an older program of that name may still use.
    ///
    /// - Returns: What `settle` is to keep.
    func link(_ judge: BPFObject, into object: BPFObject, _ program: String) throws(PortcullisError) -> Int {
        guard let number = (0..<Self.generations).first(where: { !isPinned(program, $0) }) else {
            throw PortcullisError(.kernel, "\(Self.generations) starts were cut off here: \(path(program, 0)) and its like, one of which is in use")
        }
        guard let link = bpf_program__attach_freplace(try judge.program(Self.program), try object.descriptor(ofProgram: program), Self.function) else {
            throw PortcullisError(.kernel, "linking the judge into \(program)", errno: errno)
        }
        defer { bpf_link__destroy(link) }
        guard bpf_link__pin(link, path(program, number)) == 0 else {
            throw PortcullisError(.kernel, "pinning the judge of \(program) in \(directory)", errno: errno)
        }
        return number
    }

    /// Lets go of a link whose program was not attached.
    func forget(_ program: String, _ number: Int) { unlink(path(program, number)) }

    /// Lets go of all links of a program but one, when the older programs have ended.
    func settle(_ program: String, keeping kept: Int?) throws(PortcullisError) {
        for number in 0..<Self.generations where number != kept {
            guard unlink(path(program, number)) == 0 || errno == ENOENT else {
                throw PortcullisError(.kernel, "removing the pin of the judge of \(program) in \(directory)", errno: errno)
            }
        }
    }
}
