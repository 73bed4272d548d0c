import Testing

@testable import Core

/// Files within the limits that took minutes. Found by looking for time that grows faster than length.
@Suite struct LongPolicyTests {
    private func many(_ count: Int, _ text: (Int) -> String) -> String { (0..<count).map(text).joined(separator: ",") }

    @Test(.timeLimit(.minutes(1))) func manyContainerNames() {
        let names = many(100_000) { "c\($0)" }
        #expect(PolicySample.parse(PolicySample.text(labels: "kubearmor.io/container.name: '[\(names)]'")).errors.count <= 1)
    }

    @Test(.timeLimit(.minutes(1))) func manyArguments() {
        let spec = "process: {matchPaths: [{path: /x, allowedArgs: [\(many(100_000) { "a\($0)" })]}]}"
        #expect(PolicySample.parse(PolicySample.text(spec: spec)).errors.count == 1)
    }
}
