import Core

/// Policies for tests, put together from the part that a test is about.
enum PolicySample {
    /// A policy whose `spec` has these lines below its selector.
    static func text(name: String = "p", namespace: String = "shop", labels: String = "app: web", spec: String = "process: {matchPaths: [{path: /bin/x}]}")
        -> String
    {
        let indented = spec.split(separator: "\n", omittingEmptySubsequences: false).map { "  " + $0 }.joined(separator: "\n")
        return """
            apiVersion: security.kubearmor.com/v1
            kind: KubeArmorPolicy
            metadata: {name: \(name), namespace: \(namespace)}
            spec:
              selector: {matchLabels: {\(labels)}}
            \(indented)

            """
    }

    /// The line of the first line of `spec` in it.
    static let specLine = 6

    static func parse(_ text: String, file: String = "p.yaml") -> PolicyFile { PolicyParser.parse(Array(text.utf8), file: file) }
}
