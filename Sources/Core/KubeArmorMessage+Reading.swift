import HookWire

extension KubeArmorMessage {
    /// Bytes of one line that are looked at; the longest that a feed writes have an argument list and two paths.
    public static let lineLimit = 1 << 20

    /// Reads one line of those that `json` writes, or KubeArmor itself. Keys that are not known are passed over.
    ///
    /// - Throws: `JSONError` if it is no JSON object, or something in it is of another type than it should be.
    public init(json line: [UInt8]) throws(JSONError) {
        var reader = JSONReader(ArraySource(line), limit: Self.lineLimit)
        self.init(.log)
        let mark = try reader.beginObject()
        var first = true
        var name: [UInt8] = []
        while try reader.nextKey(mark, first: &first, name: &name) { try read(String(decoding: name, as: UTF8.self), &reader) }
        try reader.finish()
    }

    private mutating func read(_ key: String, _ reader: inout JSONReader<ArraySource>) throws(JSONError) {
        switch key {
        case "Timestamp": timestamp = try reader.readSignedInteger(limit: 1 << 53)
        case "UpdatedTime": updatedTime = try Self.text(&reader)
        case "ClusterName": clusterName = try Self.text(&reader)
        case "HostName": hostName = try Self.text(&reader)
        case "NamespaceName": workload.namespace = try Self.text(&reader)
        case "PodName": workload.pod = try Self.text(&reader)
        case "Labels": workload.labels = try Self.text(&reader)
        case "ContainerID": workload.containerID = try Self.text(&reader)
        case "ContainerName": workload.containerName = try Self.text(&reader)
        case "ContainerImage": workload.image = try Self.text(&reader)
        case "HostPPID": hostParentPID = try Self.number(&reader)
        case "HostPID": hostPID = try Self.number(&reader)
        case "PPID": parentPID = try Self.number(&reader)
        case "PID": pid = try Self.number(&reader)
        case "UID": uid = try Self.number(&reader)
        case "ParentProcessName": parentProcessName = try Self.text(&reader)
        case "ProcessName": processName = try Self.text(&reader)
        case "Type": type = try Self.text(&reader)
        case "Source": source = try Self.text(&reader)
        case "Operation": operation = try Self.text(&reader)
        case "Resource": resource = try Self.text(&reader)
        case "Data": data = try Self.text(&reader)
        case "EventData": eventData = try Self.eventData(&reader)
        case "Result": result = try Self.text(&reader)
        case "Cwd": directory = try Self.text(&reader)
        case "TTY": terminal = try Self.text(&reader)
        case "NodeID": nodeID = try Self.text(&reader)
        case "UserName": userName = try Self.text(&reader)
        case "EventID": eventID = try Self.text(&reader)
        default: try readOfAlert(key, &reader)
        }
    }

    /// What only alerts have: it tells them from logs.
    private mutating func readOfAlert(_ key: String, _ reader: inout JSONReader<ArraySource>) throws(JSONError) {
        switch key {
        case "PolicyName": policyName = try Self.text(&reader)
        case "Severity": severity = Int(try Self.text(&reader)) ?? 0
        // The same again, as one text.
        case "Tags": if tags.isEmpty { tags = try Self.text(&reader).split(separator: ",").map(String.init) } else { try reader.skipValue() }
        case "ATags": tags = try Self.texts(&reader)
        case "Message": message = try Self.text(&reader)
        case "Enforcer": enforcer = try Self.text(&reader)
        case "Action": action = try Self.text(&reader)
        case "MaxAlertsPerSec": maximumAlertsPerSecond = try Self.number(&reader)
        case "DroppingAlertsInterval": droppingAlertsInterval = try Self.number(&reader)
        case "KubeArmorVersion": try reader.skipValue()
        default: return try reader.skipValue()
        }
        kind = .alert
    }

    private static func text(_ reader: inout JSONReader<ArraySource>) throws(JSONError) -> String {
        String(decoding: try reader.readString(limit: lineLimit), as: UTF8.self)
    }

    /// The feed writes ids as 32 bits with a sign, also the ones that have none.
    private static func number(_ reader: inout JSONReader<ArraySource>) throws(JSONError) -> Int32 {
        Int32(truncatingIfNeeded: try reader.readSignedInteger(limit: UInt64(UInt32.max)))
    }

    private static func texts(_ reader: inout JSONReader<ArraySource>) throws(JSONError) -> [String] {
        guard try reader.peekToken() != UInt8(ascii: "n") else {
            try reader.skipValue()
            return []
        }
        var texts: [String] = []
        var first = true
        try reader.beginArray()
        while try reader.nextElement(first: &first) { texts.append(try text(&reader)) }
        return texts
    }

    private static func eventData(_ reader: inout JSONReader<ArraySource>) throws(JSONError) -> [EventDatum] {
        guard try reader.peekToken() != UInt8(ascii: "n") else {
            try reader.skipValue()
            return []
        }
        var data: [EventDatum] = []
        var first = true
        var name: [UInt8] = []
        let mark = try reader.beginObject()
        while try reader.nextKey(mark, first: &first, name: &name) {
            data.append(EventDatum(key: String(decoding: name, as: UTF8.self), value: try text(&reader)))
        }
        return data
    }
}
