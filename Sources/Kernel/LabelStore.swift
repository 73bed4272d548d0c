import CABI
import CLibBPF
import Core
import Glibc

/// The labels of tasks, in task storage (keyed by a pidfd) or in a hash (keyed by the task's address).
struct LabelStore {
    let kind: Variant.LabelStore
    let descriptor: Int32

    func label(_ pidfd: Int32, _ process: ProcessIdentity) throws(PortcullisError) -> pc_label? {
        do {
            switch kind {
            case .tasks: return try BPFMap<Int32, pc_label>(name: "labels", descriptor: descriptor).lookup(pidfd, zero: pc_label())
            case .hash: return try BPFMap<UInt64, pc_label>(name: "labels_hash", descriptor: descriptor).lookup(process.task, zero: pc_label())
            }
        } catch {
            // Task storage says ESRCH for a task that is just ending: it has no label then.
            guard error.systemError == ESRCH else { throw error }
            return nil
        }
    }

    /// Labels a process that has no label. False if it has one, which is left as it is.
    func giveLabel(_ pidfd: Int32, _ process: ProcessIdentity, _ label: pc_label) throws(PortcullisError) -> Bool {
        do {
            try write(pidfd, process, label, UInt64(BPF_NOEXIST))
            return true
        } catch {
            guard error.systemError == EEXIST else { throw error }
            return false
        }
    }

    func setLabel(_ pidfd: Int32, _ process: ProcessIdentity, _ label: pc_label) throws(PortcullisError) {
        try write(pidfd, process, label, UInt64(BPF_ANY))
    }

    private func write(_ pidfd: Int32, _ process: ProcessIdentity, _ label: pc_label, _ flags: UInt64) throws(PortcullisError) {
        do {
            switch kind {
            case .tasks: try BPFMap<Int32, pc_label>(name: "labels", descriptor: descriptor).update(pidfd, label, flags)
            case .hash: try BPFMap<UInt64, pc_label>(name: "labels_hash", descriptor: descriptor).update(process.task, label, flags)
            }
        } catch {
            guard error.systemError == ESRCH else { throw error }
            throw PortcullisError(.processGone, "process \(process.pid) has ended")
        }
    }

    /// Takes the entry of a task that may have been freed before its label was written; task storage needs no such care.
    func removeStray(_ process: ProcessIdentity) {
        guard kind == .hash else { return }
        try? BPFMap<UInt64, pc_label>(name: "labels_hash", descriptor: descriptor).remove(process.task)
    }
}
