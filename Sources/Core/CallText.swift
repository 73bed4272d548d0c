import CABI

/// What the feed says of a system call and of a socket.
enum CallText {
    /// Its name, and what its arguments mean.
    static func data(_ event: Event) -> MessageData {
        let call = SystemCallNames.of(event.header.syscall)
        var data = MessageData(.syscall, call.feedName)
        withUnsafeBytes(of: event.header.registers) { call.form.describe($0.bindMemory(to: UInt64.self), &data) }
        if !event.otherPath.isEmpty { data.add(otherKey(event), String(decoding: event.fullOtherPath, as: UTF8.self)) }
        if event.isQuery {
            data.add(socket(event))
            // Last: a name may hold anything.
            data.add(.domain, String(decoding: event.path, as: UTF8.self))
        }
        if event.has(PC_EVENT_IO_URING) { data.add(.via, "io_uring") }
        return data
    }

    private static func otherKey(_ event: Event) -> DataKey {
        switch UInt32(event.header.operation) {
        case PC_OPERATION_MOUNT.rawValue: .source
        case PC_OPERATION_SYMLINK.rawValue: .target
        default: .newPath
        }
    }

    /// A socket and its address; of a UNIX socket its name.
    static func socket(_ event: Event) -> MessageData {
        let header = event.header, family = Int(header.socket_family), type = Int(header.socket_type)
        let name = SocketAddress.protocolName(family, type, Int(header.socket_protocol))
        var data = MessageData()
        if let address = event.address {
            let isOwn = [PC_OPERATION_BIND.rawValue, PC_OPERATION_LISTEN.rawValue].contains(UInt32(header.operation))
            data.add(isOwn ? .localAddress : .remoteAddress, address)
            data.add(.port, header.port)
            data.add(.protocolName, name)
            return data
        }
        data.add(.domain, AddressFamily.name(family))
        data.add(.type, SocketType.name(type))
        data.add(.protocolName, name)
        data.add(.path, String(decoding: event.path, as: UTF8.self))
        return data
    }
}
