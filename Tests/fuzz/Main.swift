import Foundation

/// Reads generated and mutated inputs with every reader of bytes from outside.
#if !LIBFUZZER
@main
#endif
struct Main {
    static func main() throws {
        guard let options = FuzzOptions(Array(CommandLine.arguments.dropFirst())) else {
            complain(FuzzOptions.usage)
            exit(2)
        }
        let all = FuzzTarget.all
        let chosen = options.targets.isEmpty ? all : (all + [.selfTest]).filter { options.targets.contains($0.name) }
        guard chosen.count == (options.targets.isEmpty ? all.count : options.targets.count) else {
            complain("there are the targets \(all.map(\.name).joined(separator: " "))")
            exit(2)
        }
        let corpus = Corpus(options.corpora)
        switch options.mode {
        case .list: for target in chosen { say("\(target.name) \(target.format.rawValue), \(corpus.mutator(target).seeds.count) seeds") }
        case .worker(let path):
            guard let progress = SharedProgress(path: path) else { exit(2) }
            for target in chosen { try Worker.run(target, corpus.mutator(target), progress, options.first..<options.last, seed: options.seed) }
        case .show(let number):
            for target in chosen { FileHandle.standardOutput.write(Data(corpus.mutator(target).input(number, seed: options.seed))) }
        case .replay(let files):
            for target in chosen { try replay(target, files) }
        case .seeds(let directory):
            for target in chosen { try write(corpus.mutator(target).seeds, to: directory) }
        case .scale(let pairs):
            for target in chosen { try Scaling(target: target, mutator: corpus.mutator(target)).run(pairs: pairs) }
        case .run: exit(try FuzzRun(options: options).run(chosen, corpus) ? 0 : 1)
        }
    }

    private static func replay(_ target: FuzzTarget, _ files: [String]) throws {
        let read = try target.reader()
        for file in files {
            let input = Array(try Data(contentsOf: URL(filePath: file)))
            do throws(BrokenPromise) { say("\(file) \(try read(input) ? "accepted" : "refused")") } catch {
                complain("\(file): \(error)")
                exit(Worker.brokenExit)
            }
        }
    }

    private static func write(_ seeds: [[UInt8]], to directory: String) throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        for (number, seed) in seeds.enumerated() { try Data(seed).write(to: URL(filePath: "\(directory)/seed-\(number)")) }
    }
}
