import ArgumentParser
import Client
import Core
import FoundationEssentials

/// What a shell proposes. Where no daemon answers at once it proposes nothing.
enum Completions {
    private static let patience = 500

    /// Ids, and names where there are some.
    static let containers = CompletionKind.custom { arguments, _, _ in
        struct Item: Decodable { let id, name: String }
        return items(arguments, .containers).flatMap { json -> [String] in
            guard let item = try? JSONDecoder().decode(Item.self, from: Data(json)) else { return [] }
            return [item.id, item.name].filter { !$0.isEmpty }
        }
    }

    /// Identities of the policies in force.
    static let policies = CompletionKind.custom { arguments, _, _ in
        struct Item: Decodable { let identity: String }
        return items(arguments, .policies).compactMap { try? JSONDecoder().decode(Item.self, from: Data($0)).identity }
    }

    /// Asks the daemon that the command line so far names.
    private static func items(_ arguments: [String], _ command: ControlProtocol.Command) -> [[UInt8]] {
        var socket = ConnectionOptions.defaultSocket
        for (index, argument) in arguments.enumerated() {
            if argument == "--socket", index + 1 < arguments.count { socket = arguments[index + 1] }
            if argument.hasPrefix("--socket=") { socket = String(argument.dropFirst("--socket=".count)) }
        }
        guard var conversation = try? ControlConnection(socket, command, patience: patience) else { return [] }
        var items: [[UInt8]] = []
        while let item = try? conversation.next() { items.append(item) }
        return items
    }
}
