import Core
import HookWire
import Replay

/// Names for the containers that podman starts: its hook's message has none, and the lists on its disk do.
struct PodmanNaming {
    /// Containers whose list could not be read: they are registered without a name.
    private(set) var unread: UInt64 = 0
    /// Why, of the last one.
    private(set) var problem: PortcullisError?

    /// The body of an add, of a hook or out of the spool, with the names of a podman container; any other one as it is. Replay finds its own.
    ///
    /// - Parameter message: The same, with or without its annotations.
    mutating func named(_ message: HookMessage, _ body: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        problem = nil
        // By the bundle first: under Kubernetes nothing is decoded for this.
        guard message.operation == .add, message.sources == 0, let directory = PodmanStorage.directory(ofBundle: message.bundle, id: message.containerID),
            var whole = try? HookMessage(decoding: body), ContainerRuntime.detect(bundle: whole.bundle, annotations: whole.annotations) == .podman
        else { return body }
        var names: PodmanNames?
        do { names = try PodmanLists.names(of: message.containerID, in: directory) } catch {
            unread += 1
            problem = error
        }
        whole.setNames(names)
        return whole.encoded()[Frame.lengthBytes...]
    }
}
