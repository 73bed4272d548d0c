"""a: what one run of the hook costs, and what it costs when nobody answers."""
import os
import random
import socket
import tempfile
import threading
from contextlib import contextmanager

from . import bundles, plots, stats
from .daemon import Daemon
from .failure import Impossible
from .report import Part
from .tools import Holders, peak_memory, spawn

TITLE = "Cost of one hook process"
SMALL, LARGE = 12 << 10, 100 << 10
METHOD = ("vfork + execve to wait4, variants in random order; every hook run registers a new container, whose init is a live process "
          "in namespaces of its own, with the daemon, which answers after its map writes")


def measure(context):
    part = Part("a", TITLE)
    runs = 60 if context.quick else 400
    with Daemon(context) as daemon:
        _present(context, part, daemon, runs)
        _memory(context, part, daemon)
    _stuck(context, part, 10 if context.quick else 40)
    part.value("hook binary", os.path.getsize(context.hook), "bytes", 1, "file size")
    part.bar("hook binary's size", os.path.getsize(context.hook), 65536, "bytes")
    return part


def _present(context, part, daemon, runs):
    work = tempfile.mkdtemp(prefix="states-", dir=context.work)
    small = bundles.bundle(context.work, "bundle-12k", SMALL)
    large = bundles.bundle(context.work, "bundle-100k", LARGE)
    dropped = max(runs // 4, 20)
    quiet = "/dev/null"
    hook = [context.hook, "--socket", daemon.hook_socket, "--on-failure", "deny"]
    with bundles.tmpfs_directory() as spool, Holders(context.tools, 3 * runs + 2 * dropped) as holders:
        absent = [context.hook, "--socket", os.path.join(work, "nobody.sock"), "--spool", os.path.join(spool, "spool")]
        pids = iter(holders.pids)
        commands = []

        def add(variant, count, directory, words, drop=None, registers=True):
            for number in range(count):
                container = bundles.container_id(f"{len(commands):06d}", number)
                path = bundles.state(work, container, next(pids), directory)
                commands.append((variant, (path, drop, words)))

        add("hook, 12 KB config.json", runs, small, hook)
        add("hook, 100 KB config.json", runs, large, hook)
        add("hook, 12 KB, no daemon, spooled", runs, small, absent)
        add("hook, 12 KB, own pages dropped", dropped, small, hook, drop=context.hook)
        registered = 2 * runs + dropped
        for number in range(runs):
            commands.append(("empty static C program", (quiet, None, [context.tools["empty"]])))
            commands.append(("/bin/true", (quiet, None, ["/bin/true"])))
            if context.tools.has_glibc_empty:
                commands.append(("empty static C program, glibc", (quiet, None, [context.tools["empty-glibc"]])))
            gone = bundles.container_id("gone", number)
            commands.append(("hook, poststop", (bundles.state(work, gone, 0, small, "stopped"), None, hook)))
        for number in range(dropped):
            commands.append(("empty, own pages dropped", (quiet, context.tools["empty"], [context.tools["empty"]])))
        random.Random(1).shuffle(commands)
        warm_up = [(quiet, None, [context.tools["empty"]])] * 20
        samples = spawn(context.tools, warm_up + [command for _, command in commands])[len(warm_up):]
        if daemon.counters()["added"] != registered:
            raise Impossible(f"the daemon registered {daemon.counters()['added']} containers instead of {registered}:\n{daemon.log_text()}")
    variants = {}
    for (variant, command), sample in zip(commands, samples):
        if sample.status != 0:
            raise Impossible(f"{variant}: a run ended with status {sample.status}: {' '.join(command[2])}")
        if sample.pages_left > 0:
            raise Impossible(f"{variant}: {sample.pages_left} pages of {command[1]} could not be dropped (is it on a tmpfs?)")
        variants.setdefault(variant, []).append(sample)
    _report(context, part, variants)


def _report(context, part, variants):
    times = {name: [sample.ns / 1000 for sample in samples] for name, samples in variants.items()}
    empty = stats.median(times["empty static C program"])
    for name in sorted(times, key=lambda name: stats.median(times[name])):
        part.distribution(name, times[name], "us", METHOD)
        part.value(f"{name}: ratio to the empty program", stats.median(times[name]) / empty, "x", len(times[name]), "ratio of the medians")
        part.value(f"{name}: page faults", stats.median([sample.minor_faults for sample in variants[name]]), "faults", len(times[name]),
                   "ru_minflt of wait4, median")
    part.note(f"the yardstick is compiled with {' '.join(context.tools.compiler)}")
    present = stats.median(times["hook, 12 KB config.json"])
    extra = (stats.median(times["hook, 12 KB, no daemon, spooled"]) - present) / 1000
    part.bar("hook with 12 KB against an empty static program", present / empty, 2.5, "x")
    part.bar("hook with 100 KB against an empty static program", stats.median(times["hook, 100 KB config.json"]) / empty, 5, "x")
    part.bar("no daemon: extra time", extra, 1, "ms")
    order = sorted(times, key=lambda name: stats.median(times[name]))
    rows = [(name, *(stats.spread(times[name])[key] for key in ("p10", "median", "p90", "p99")), 1 if name.startswith("hook") else 0)
            for name in order]
    part.plots.append(plots.intervals("One process, start to end", rows, "us"))


def _memory(context, part, daemon):
    """Peak memory, each run again a registration of its own."""
    work = tempfile.mkdtemp(prefix="memory-", dir=context.work)
    hook = [context.hook, "--socket", daemon.hook_socket, "--on-failure", "deny"]
    runs, peaks = 5, {}
    method = "VmHWM and smaps_rollup of the process, held at its exit"
    with Holders(context.tools, 2 * runs) as holders:
        pids = iter(holders.pids)
        for name, size in (("hook, 12 KB config.json", SMALL), ("hook, 100 KB config.json", LARGE)):
            directory = bundles.bundle(context.work, f"bundle-{size >> 10}k", size)
            states = [bundles.state(work, bundles.container_id(f"memory{size}x", number), next(pids), directory) for number in range(runs)]
            peaks[name] = [peak_memory(context.tools, state, hook) / 1024 for state in states]
    empty = [peak_memory(context.tools, "/dev/null", [context.tools["empty"]]) / 1024 for _ in range(runs)]
    part.value("peak memory, empty static C program", stats.median(empty), "MiB", runs, method)
    for name, samples in peaks.items():
        part.value(f"peak memory, {name}", stats.median(samples), "MiB", runs, method)
    above = max(stats.median(samples) for samples in peaks.values()) - stats.median(empty)
    part.bar("peak memory above the empty program's", above, 0.5, "MiB")


def _stuck(context, part, runs):
    """A daemon that accepts and never answers: the hook must return at its deadline."""
    work = tempfile.mkdtemp(prefix="stuck-", dir=context.work)
    small = bundles.bundle(context.work, "bundle-12k", SMALL)
    with _silent_listener(os.path.join(work, "stuck.sock")) as path, Holders(context.tools, 1) as holders, bundles.tmpfs_directory() as spool:
        state = bundles.state(work, bundles.container_id("stuck", 0), holders.pids[0], small)
        words = [context.hook, "--socket", path, "--timeout", "200ms", "--spool", os.path.join(spool, "spool")]
        samples = [sample.ns / 1e6 - 200 for sample in spawn(context.tools, [(state, None, words)] * runs)]
    if min(samples) < 0:
        raise Impossible("the hook returned before its deadline: the listener was not stuck")
    part.distribution("stuck daemon: beyond the deadline of 200 ms", samples, "ms", "a listener that accepts and never answers; " + METHOD[:26])
    part.bar("stuck daemon: longest beyond the deadline", max(samples), 50, "ms")


@contextmanager
def _silent_listener(path):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(64)
    kept = []

    def accept():
        try:
            while True:
                kept.append(listener.accept()[0])
        except OSError:
            pass

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield path
    finally:
        # close() alone would leave the thread in accept().
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        for connection in kept:
            connection.close()
