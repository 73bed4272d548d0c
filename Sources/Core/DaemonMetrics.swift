/// The daemon's status as metrics. What a status does not have, of an older daemon, is left out.
public enum DaemonMetrics {
    /// A family whose samples are single numbers or truth values of the status.
    struct Measure: Sendable {
        let name: String
        let kind: PrometheusText.Kind
        let help: String
        /// Empty: there is one sample, without a label.
        let label: String
        /// The label's value, and where in the status the sample's is, with dots between the names.
        let samples: [(label: String, path: String)]

        init(_ name: String, _ kind: PrometheusText.Kind, _ help: String, at path: String) {
            (self.name, self.kind, self.help, label, samples) = (name, kind, help, "", [("", path)])
        }

        init(_ name: String, _ kind: PrometheusText.Kind, _ help: String, by label: String, _ samples: [(label: String, path: String)]) {
            (self.name, self.kind, self.help, self.label, self.samples) = (name, kind, help, label, samples)
        }
    }

    public static func write(_ status: JSONDocument, to text: inout PrometheusText) {
        identity(status, &text)
        for measure in measures {
            text.family(measure.name, measure.kind, measure.help) { samples in
                for sample in measure.samples {
                    samples.sample(measure.label.isEmpty ? [] : [(measure.label, sample.label)], value: value(at: sample.path, in: status))
                }
            }
        }
        durations(status, &text)
        verdicts(status, &text)
    }

    /// An array counts as its length.
    private static func value(at path: String, in status: JSONDocument) -> PrometheusValue? {
        let found = path.split(separator: ".").reduce(status) { $0[String($1)] }
        if let number = found.number { return .count(number) }
        if let truth = found.isTrue { return .flag(truth) }
        return found.count.map { .count($0) }
    }

    // MARK: Families of their own form

    private static func identity(_ status: JSONDocument, _ text: inout PrometheusText) {
        text.family("portcullis_build_info", .gauge, "The daemon: always 1, labelled with its version, its ABI version and the kernel's release.") {
            let labels = [("version", status["version"].text ?? ""), ("abi", status["abi"].number.map { "\($0)" } ?? ""), ("kernel", status["kernel"]["release"].text ?? "")]
            $0.sample(labels, value: .count(1))
        }
        let isActive = status["enforcing"].isTrue ?? false
        text.family("portcullis_enforcer_info", .gauge, "What carries out policies: always 1, labelled BPFLSM, or observer where nothing can be denied; reduced is the variant for Linux 5.10.") {
            $0.sample([("enforcer", isActive ? "BPFLSM" : "observer"), ("reduced", status["enforcement"]["reduced"].isTrue == true ? "true" : "false")], value: .count(1))
        }
        text.family("portcullis_replay_state", .gauge, "1 for the state that the search for containers of before the daemon is in, 0 for the others.") { samples in
            guard let state = status["replay"]["state"].text else { return }
            for name in ReplayLedger.State.allCases.map(\.rawValue) { samples.sample([("state", name)], value: .flag(name == state)) }
        }
        text.single(
            "portcullis_replay_duration_seconds", .gauge, "From the daemon's start to the end of the first search for containers.",
            status["replay"]["milliseconds"].number.map { .nanoseconds($0 * 1_000_000) })
        text.family("portcullis_replay_found_total", .counter, "Containers that replay found, by the kind of place where it did.") { samples in
            for (source, count) in status["replay"]["bySource"].members { samples.sample([("source", source)], value: count.number.map { .count($0) }) }
        }
        text.single(
            "portcullis_daemon_cpu_seconds_total", .counter, "Processor time of the daemon, of user and kernel together.",
            status["process"]["cpuNanoseconds"].number.map { .nanoseconds($0) })
        text.single(
            "portcullis_configuration_valid", .gauge, "0 while the configuration file is wrong and an older version of it in force.",
            status["configuration"]["problem"].text.map { .flag($0.isEmpty) })
    }

    private static func durations(_ status: JSONDocument, _ text: inout PrometheusText) {
        let latency = status["latency"], bounds = latency["boundsNanoseconds"].elements.compactMap(\.number)
        func write(_ name: String, _ help: String, _ label: String, _ member: String) {
            text.family(name, .histogram, help) { samples in
                for (outcome, histogram) in latency[member].members {
                    samples.histogram(
                        [(label, snakeCase(outcome))], bounds: bounds, counts: histogram["counts"].elements.compactMap(\.number),
                        nanoseconds: histogram["nanoseconds"].number ?? 0)
                }
            }
        }
        write("portcullis_hook_duration_seconds", "From a hook's start to its sending, or its end where it reached nobody, as the hook measured it, by outcome.", "outcome", "hooks")
        write("portcullis_hook_answer_duration_seconds", "From the arrival of a hook's frame at the daemon to its answer, by answer.", "answer", "answers")
    }

    private static func verdicts(_ status: JSONDocument, _ text: inout PrometheusText) {
        text.family("portcullis_verdicts_total", .counter, "Verdicts in containers with rules that the access concerns, by what was judged and what came of it.") { samples in
            for (operation, actions) in status["verdicts"].members {
                for (action, count) in actions.members { samples.sample([("operation", operation), ("action", action)], value: count.number.map { .count($0) }) }
            }
        }
    }

    /// `letThrough` as `let_through`.
    static func snakeCase(_ name: String) -> String {
        name.reduce(into: "") { $0 += $1.isUppercase ? "_" + $1.lowercased() : String($1) }
    }
}
