extension DaemonMetrics {
    /// In the order in which they are written; docs/metrics.md has them all.
    static let measures: [Measure] = kernel + policies + replay + containers + hooks + events

    private static let kernel: [Measure] = [
        Measure("portcullis_enforcing", .gauge, "1 if verdicts fall here, 0 if this machine only observes.", at: "enforcing"),
        Measure("portcullis_detached_programs", .gauge, "Programs whose pins somebody has removed, and which are not in force any more.", at: "kernel.missingPins"),
        Measure("portcullis_missing_hooks", .gauge, "LSM hooks that would be used and that this kernel lacks.", at: "enforcement.missing"),
        Measure("portcullis_self_protection", .gauge, "1 if what is the daemon's own in the kernel is guarded.", at: "enforcement.selfProtection.on"),
        Measure("portcullis_unlocked", .gauge, "1 while everybody may touch what is guarded.", at: "enforcement.selfProtection.unlocked"),
        Measure("portcullis_former_version", .gauge, "The ABI version whose programs enforce beside this one's; 0 if none does.", at: "enforcement.formerVersion"),
        Measure("portcullis_kernel_map_bytes", .gauge, "Kernel memory of all maps, policy sets apart.", at: "maps.bytes"),
        Measure("portcullis_daemon_start_time_seconds", .gauge, "When the daemon started, in seconds since 1970.", at: "process.startedAt"),
        Measure("portcullis_daemon_resident_memory_bytes", .gauge, "Memory of the daemon that is in RAM.", at: "process.residentBytes"),
        Measure("portcullis_guard_refused_total", .counter, "Attempts on what is the daemon's own that were refused.", at: "counters.guardRefused"),
        Measure("portcullis_guard_full_total", .counter, "Maps and programs that are not guarded, because the table was full.", at: "counters.guardFull"),
        Measure("portcullis_program_runs_missed_total", .counter, "Runs of programs that the kernel left out.", at: "counters.programRunsMissed"),
        Measure("portcullis_names_unread_total", .counter, "Containers of podman's or Docker's without a name, because what these keep on disk could not be read.", at: "counters.namesUnread"),
        Measure("portcullis_workload_labels_unread_total", .counter, "Containers of podman's or Docker's without all their labels, because what these keep on disk could not be read.", at: "counters.workloadLabelsUnread"),
        Measure("portcullis_log_lines_lost_total", .counter, "Lines of the daemon's log that standard error did not take at once.", at: "counters.logLinesLost"),
    ]

    private static let policies: [Measure] = [
        Measure("portcullis_policies", .gauge, "Policies in force.", at: "enforcement.policies"),
        Measure("portcullis_policy_sets", .gauge, "Policy sets in the kernel: the distinct combinations of policies that containers have.", at: "enforcement.sets"),
        Measure("portcullis_policy_set_bytes", .gauge, "Kernel memory of policy sets.", at: "enforcement.setBytes"),
        Measure("portcullis_policy_problems", .gauge, "Policies that are wrong, of which an older version is in force or none; counted up to 100.", at: "enforcement.problems"),
        Measure("portcullis_policy_warnings", .gauge, "Warnings about policies; counted up to 100.", at: "enforcement.warnings"),
        Measure("portcullis_policy_files_left_out", .gauge, "Files in the directory of policies beyond its bound, which are not read.", at: "enforcement.policyFilesLeftOut"),
        Measure("portcullis_containers_with_older_policies", .gauge, "Containers that keep the policies they had, because the new ones do not fit; counted up to 100.", at: "enforcement.containersWithOlderPolicies"),
        Measure("portcullis_protected_files", .gauge, "Files that are known by identity as well as by path.", at: "enforcement.files"),
        Measure("portcullis_protected_files_left_out", .gauge, "Files that are known by path alone, because the table was full.", at: "enforcement.filesLeftOut"),
        Measure("portcullis_pauses", .gauge, "Pauses of enforcement that are in force.", at: "enforcement.pauses"),
        Measure("portcullis_denials_total", .counter, "Accesses that were denied.", at: "counters.verdictsDenied"),
        Measure("portcullis_verdicts_undecided_total", .counter, "Verdicts on what could not be followed to its end, denied or not.", at: "counters.verdictsUndecided"),
    ]

    private static let replay: [Measure] = [
        Measure("portcullis_replay_scans_total", .counter, "Searches for containers of before the daemon.", at: "replay.scans"),
        Measure("portcullis_replay_containers_total", .counter, "Containers that replay told of, by what came of it.", by: "result", [
            ("registered", "replay.registered"), ("known", "replay.known"), ("refused", "replay.refused"),
        ]),
        Measure("portcullis_replay_removes_total", .counter, "Removes that came while replay was to come: held until its end, or not held for want of room.", by: "result", [
            ("held", "replay.removesHeld"), ("not_held", "replay.removesNotHeld"),
        ]),
        Measure("portcullis_replay_tasks_total", .counter, "Tasks of containers that ran already, by whether they could be labelled.", by: "result", [
            ("labelled", "replay.tasksLabelled"), ("not_labelled", "replay.tasksNotLabelled"),
        ]),
        Measure("portcullis_replay_problems", .gauge, "What replay could not read; counted up to 100.", at: "replay.problems"),
    ]

    private static let containers: [Measure] = [
        Measure("portcullis_containers", .gauge, "Containers that the daemon knows.", at: "maps.containers"),
        Measure("portcullis_container_capacity", .gauge, "Containers that there is room for.", at: "maps.capacity"),
        Measure("portcullis_slots", .gauge, "Slots in use, those among them whose container has ended and has processes left.", at: "maps.slots"),
        Measure("portcullis_identities", .gauge, "Identities in the kernel: keys of namespaces that lead to a container.", at: "maps.identities"),
        Measure("portcullis_container_records", .gauge, "Records of containers for the next daemon.", at: "maps.records"),
        Measure("portcullis_registrations_total", .counter, "Requests to register a container, by result; adopted and discarded are those that an earlier daemon left.", by: "result", [
            ("added", "counters.added"), ("repeated", "counters.repeated"), ("refused_gone", "counters.refusedGone"), ("refused_host", "counters.refusedHost"),
            ("refused_shared", "counters.refusedShared"), ("refused_full", "counters.refusedFull"), ("refused_kernel", "counters.refusedKernel"),
            ("adopted", "counters.adopted"), ("discarded", "counters.discarded"),
        ]),
        Measure("portcullis_removals_total", .counter, "Ends of containers, by how they were learned of; unknown and stale ones were ignored.", by: "result", [
            ("removed", "counters.removed"), ("unknown", "counters.removedUnknown"), ("stale", "counters.removedStale"), ("ended", "counters.endedUnremoved"),
        ]),
        Measure("portcullis_keys_replaced_total", .counter, "Keys of ended containers that a new one took over.", at: "counters.keysReplaced"),
        Measure("portcullis_keys_reused_total", .counter, "Tasks whose namespace numbers lead to a slot that is not theirs.", at: "counters.keysReused"),
        Measure("portcullis_labels_total", .counter, "Labels of tasks: given by inheritance or by key, not to be kept, or of an earlier use of their slot.", by: "result", [
            ("given", "counters.labelsGiven"), ("failed", "counters.labelsFailed"), ("stale", "counters.labelsStale"),
        ]),
    ]

    private static let hooks: [Measure] = [
        Measure("portcullis_hooks_failed_total", .counter, "Containers that could not be registered, by how their hooks ended: they ran unprotected, or not at all.", by: "outcome", [
            ("let_through", "counters.hookLetThrough"), ("let_through_by_namespace", "counters.hookLetThroughByNamespace"), ("denied", "counters.hookDenied"),
        ]),
        Measure("portcullis_hook_connections_total", .counter, "Connections on the hook socket.", at: "counters.hookConnections"),
        Measure("portcullis_hook_frames_total", .counter, "Frames on the hook socket.", at: "counters.hookFrames"),
        Measure("portcullis_hook_frames_bad_total", .counter, "Frames on the hook socket that were no request.", by: "reason", [
            ("malformed", "counters.hookFramesMalformed"), ("too_long", "counters.hookFramesTooLong"), ("cut", "counters.hookFramesCut"),
        ]),
        Measure("portcullis_peers_refused_total", .counter, "Peers that were turned away, by socket.", by: "socket", [
            ("hook", "counters.hookPeersRefused"), ("control", "counters.controlClientsRefused"),
        ]),
        Measure("portcullis_hook_peers_closed_total", .counter, "Connections on the hook socket that the daemon closed.", by: "reason", [
            ("silent", "counters.hookPeersSilent"), ("evicted", "counters.hookPeersEvicted"), ("answer_unread", "counters.hookAnswersUnread"),
        ]),
        Measure("portcullis_out_of_descriptors_total", .counter, "Connections that were closed because the daemon had no descriptor left, by socket.", by: "socket", [
            ("hook", "counters.hookOutOfDescriptors"), ("control", "counters.controlOutOfDescriptors"),
        ]),
        Measure("portcullis_spool_messages_total", .counter, "Messages that hooks left in the spool, by what became of them.", by: "result", [
            ("accepted", "counters.spoolAccepted"), ("refused", "counters.spoolRefused"), ("invalid", "counters.spoolInvalid"), ("left", "counters.spoolLeft"),
            ("expired", "counters.spoolExpired"),
        ]),
    ]

    private static let events: [Measure] = [
        Measure("portcullis_buffer_size_bytes", .gauge, "Size of the ring buffers between kernel and daemon: events (telemetry), alerts, and notices of empty slots.", by: "buffer", [
            ("events", "buffers.events.bytes"), ("alerts", "buffers.alerts.bytes"), ("empty_slots", "buffers.emptySlots.bytes"),
        ]),
        Measure("portcullis_buffer_records_sent_total", .counter, "Records that the kernel put into a buffer.", by: "buffer", [
            ("events", "buffers.events.sent"), ("alerts", "buffers.alerts.sent"),
        ]),
        Measure("portcullis_buffer_records_read_total", .counter, "Records that this daemon took out of a buffer since it started.", by: "buffer", [
            ("events", "buffers.events.read"), ("alerts", "buffers.alerts.read"), ("empty_slots", "buffers.emptySlots.read"),
        ]),
        Measure("portcullis_buffer_records_lost_total", .counter, "Records for which a buffer was full.", by: "buffer", [
            ("events", "buffers.events.lost"), ("alerts", "buffers.alerts.lost"), ("empty_slots", "buffers.emptySlots.lost"),
        ]),
        Measure("portcullis_events_missed_total", .counter, "Events that were never made, because the kernel left the program's run out.", at: "counters.eventsMissed"),
        Measure("portcullis_events_of_unknown_containers_total", .counter, "Events of a container that the daemon does not know.", at: "counters.eventsOfUnknownContainers"),
        Measure("portcullis_events_hidden_total", .counter, "Events that the visibility of their namespace keeps from readers.", at: "counters.eventsHidden"),
        Measure("portcullis_alerts_observed_total", .counter, "Alerts about events, where nothing can be denied.", at: "counters.alertsObserved"),
        Measure("portcullis_control_clients", .gauge, "Clients of the daemon's control and events sockets, this one among them.", at: "readers.clients"),
        Measure("portcullis_readers", .gauge, "Clients that read records, by stream.", by: "stream", [
            ("events", "readers.eventRecords"), ("alerts", "readers.alertRecords"),
        ]),
        Measure("portcullis_reader_records_dropped_total", .counter, "Records and events that a client of the daemon was too slow for, by form.", by: "form", [
            ("records", "counters.recordsDropped"), ("json", "counters.controlEventsDropped"),
        ]),
    ]
}
