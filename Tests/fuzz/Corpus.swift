import Foundation

/// Seeds from directories of real documents; a stranger's clone has none, and the targets' own seeds must do.
struct Corpus {
    private var files: [FuzzTarget.Format: [[UInt8]]] = [:]
    /// A longer file makes slow inputs, of which few are read.
    private static let sizeLimit = 64 << 10

    init(_ directories: [String]) {
        for directory in directories {
            guard let names = FileManager.default.enumerator(atPath: directory) else { continue }
            for name in names.compactMap({ $0 as? String }).sorted() {
                guard let data = FileManager.default.contents(atPath: directory + "/" + name), data.count <= Self.sizeLimit else { continue }
                for format in Self.formats(name) { files[format, default: []].append(Array(data)) }
            }
        }
    }

    private static func formats(_ name: String) -> [FuzzTarget.Format] {
        if name.hasSuffix(".yaml") || name.hasSuffix(".yml") { return [.yaml] }
        guard name.hasSuffix(".json") else { return [] }
        if name.contains("hook-") { return [.ociState, .json] }
        return name.hasSuffix("-config.json") ? [.ociConfig, .json] : [.json]
    }

    func mutator(_ target: FuzzTarget) -> Mutator {
        Mutator(
            seeds: target.seeds + (files[target.format] ?? []), words: target.words + FuzzTarget.troublesome, limit: target.limit,
            generate: target.generate)
    }
}
