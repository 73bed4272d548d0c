import Core
import HookWire
import Replay

/// Names and labels for the containers that podman and Docker start: their hook's message has none, and what they keep on disk does.
struct StoredNaming {
    /// Containers whose names could not be read: they are registered without.
    private(set) var unread: UInt64 = 0
    /// Containers whose labels could not be read, or were too long for all of them to be kept.
    private(set) var labelsUnread: UInt64 = 0
    /// What is missing of the last one, and why.
    private(set) var problems: [String] = []

    /// The body of an add, of a hook or out of the spool, with the names of a container of podman's or Docker's; any other one as it is. Replay finds its own.
    ///
    /// - Parameter message: The same, with or without its annotations.
    mutating func named(_ message: HookMessage, _ body: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        problems = []
        // By the bundle first: under Kubernetes nothing is decoded for this.
        guard message.operation == .add, message.sources == 0, NameStore.isThinkable(message), var whole = try? HookMessage(decoding: body), let store = NameStore(whole) else { return body }
        var names = StoredNames()
        switch store {
        case .podman(let lists):
            do { names = try PodmanLists.names(of: message.containerID, in: lists) ?? names } catch {
                unread += 1
                problems.append("no name: \(error)")
            }
            do { names.labels = try StoredLabels.podman(message.containerID, lists: lists) } catch {
                labelsUnread += 1
                problems.append("no labels: \(error)")
            }
        case .docker:
            do { names = try StoredLabels.docker(whole) } catch {
                unread += 1
                labelsUnread += 1
                problems.append("neither name nor labels: \(error)")
            }
        }
        let cut = names.cutLabels()
        if cut > 0 {
            labelsUnread += 1
            problems.append("not all its labels: \(cut) are left out, the rest has \(StoredNames.labelsLimit) bytes")
        }
        whole.setNames(names)
        return whole.encoded()[Frame.lengthBytes...]
    }
}
