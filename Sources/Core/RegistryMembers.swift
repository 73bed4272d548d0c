extension Registry {
    /// Whether a process that carries a label is one of a running container of this Kubernetes namespace, by the word of a runtime that is believed, and is where
    /// that container is.
    ///
    /// The label alone would say too much: it goes wherever the process goes, so that a container which somebody starts inside such a container has it, too,
    /// until it is registered by itself. A container has mounts of its own, and by these it is told.
    public func isMember(_ process: ProcessIdentity, labelled label: SlotReference, of namespace: String) -> Bool {
        guard !namespace.isEmpty, let container = container(inSlot: label.slot), container.reference == label else { return false }
        // The end of an init may be known to the kernel alone as yet.
        guard container.state == .running, container.ownsKey, !kernel.hasEnded(container.descriptor) else { return false }
        guard container.process.key == process.key, container.process.mountSequence == process.mountSequence else { return false }
        return container.workload.namespace == namespace
    }
}
