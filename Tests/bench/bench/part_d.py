"""d: how many registrations a second, and how long one takes."""
import subprocess
import tempfile

from . import bundles, plots, stats
from .daemon import Daemon
from .failure import Impossible
from .report import Part
from .tools import Holders, spawn

TITLE = "Registrations: rate, latency, and what many containers cost"
CONNECTIONS = (1, 8, 64)
LATENCY_BARS = {1: 0.3, 8: 1, 64: 5}
ALREADY = (10, 1000, 4000)
METHOD = ("each registration is a connection of its own: connect, one add frame as for a Kubernetes container, one answer, close; each "
          "names a new live process in namespaces of its own; all that are registered end before the next round")


class Round:
    """What one run of the load generator found."""

    def __init__(self, latencies, seconds, frame, own_cpu, daemon_cpu):
        self.latencies = [latency / 1e6 for latency in latencies]
        self.rate = len(latencies) / seconds
        self.frame = frame
        self.own_us = own_cpu / 1000 / len(latencies)
        self.daemon_us = daemon_cpu / 1000 / len(latencies)


def measure(context):
    part = Part("d", TITLE)
    each, rounds = (500, 2) if context.quick else (2000, 7)
    with Daemon(context, "--capacity", "8192") as daemon:
        _rates(context, part, daemon, each, rounds)
        _crowded(context, part, daemon, each, rounds)
        _processes(context, part, daemon, 2 if context.quick else 10)
    return part


def register(context, daemon, holders, connections, prefix):
    """Registers all `holders`; fails if one is refused."""
    cpu = daemon.cpu()
    done = subprocess.run([context.tools["loadgen"], daemon.hook_socket, str(connections), prefix], input="".join(holders.lines),
                          capture_output=True, text=True)
    cpu = daemon.cpu() - cpu
    if done.returncode:
        raise Impossible(f"{done.stderr.strip()}\n{daemon.log_text()}")
    lines = done.stdout.splitlines()
    _, nanoseconds, frame, own = lines[-1].split()
    return Round([int(line) for line in lines[:-1]], int(nanoseconds) / 1e9, int(frame), int(own), cpu)


def _round(context, daemon, each, connections, name, already=0):
    with Holders(context.tools, each) as holders:
        found = register(context, daemon, holders, connections, name)
    daemon.wait_for_containers(already)
    return found


def _rates(context, part, daemon, each, rounds):
    found = {connections: [] for connections in CONNECTIONS}
    _round(context, daemon, each, 8, "warm")
    for number in range(rounds):
        for connections in CONNECTIONS:
            found[connections].append(_round(context, daemon, each, connections, f"rate{number:02d}x{connections}"))
    best, rows, rates = 0.0, [], []
    for connections in CONNECTIONS:
        samples = [sample for one in found[connections] for sample in one.latencies]
        rate = stats.median([one.rate for one in found[connections]])
        best = max(best, rate)
        label = f"{connections} in flight"
        part.distribution(f"{label}: registrations", [one.rate for one in found[connections]], "1/s", f"{each} a round; " + METHOD)
        part.distribution(f"{label}: latency", samples, "ms", "from before connect to after the answer; " + METHOD)
        part.value(f"{label}: latency p99, median of rounds", stats.median([stats.quantile(one.latencies, 0.99) for one in found[connections]]),
                   "ms", rounds, "p99 of each round")
        part.value(f"{label}: daemon's CPU for one", stats.median([one.daemon_us for one in found[connections]]), "us", rounds, "schedstat")
        part.value(f"{label}: generator's CPU for one", stats.median([one.own_us for one in found[connections]]), "us", rounds,
                   "its process clock: what it takes from the machine")
        spread = stats.spread(samples)
        rows.append((label, spread["p10"], spread["median"], spread["p90"], spread["p99"], 1))
        rates.append((label, rate, 1))
    part.note(f"one add frame has {found[1][0].frame} bytes")
    part.bar("registrations a second, best of 1, 8 and 64 in flight", best, 20000, "1/s", least=True)
    for connections in CONNECTIONS:
        samples = [sample for one in found[connections] for sample in one.latencies]
        part.bar(f"p99 latency, {connections} in flight", stats.quantile(samples, 0.99), LATENCY_BARS[connections], "ms")
    part.plots.append(plots.bars("Registrations a second", rates, "1/s", limit=20000))
    part.plots.append(plots.intervals("Latency of one registration", rows, "ms", logarithmic=True))


def _crowded(context, part, daemon, each, rounds):
    """The same with containers that stay. All crowd sizes take turns, so that none has the quieter machine."""
    costs = {size: [] for size in ALREADY}
    rates = {size: [] for size in ALREADY}
    for number in range(rounds):
        for size in ALREADY:
            with Holders(context.tools, size) as crowd:
                register(context, daemon, crowd, 8, f"crowd{number:02d}x{size:04d}")
                found = _round(context, daemon, each, 8, f"more{number:02d}x{size:04d}", already=size)
            daemon.wait_for_containers(0)
            costs[size].append(found.daemon_us)
            rates[size].append(found.rate)
    for size in ALREADY:
        part.distribution(f"{size:,} registered: daemon's CPU for one more", costs[size], "us", f"schedstat, 8 in flight, {each} a round; " + METHOD)
        part.distribution(f"{size:,} registered: registrations", rates[size], "1/s", f"8 in flight, {each} a round; " + METHOD)
    few, many = stats.median(costs[ALREADY[0]]), stats.median(costs[ALREADY[-1]])
    part.bar("daemon's CPU for one more with 4,000 registered against 10", many / few, 1.2, "x")
    part.bar("time for one more (1/rate) with 4,000 registered against 10", stats.median(rates[ALREADY[0]]) / stats.median(rates[ALREADY[-1]]), 1.2, "x")
    part.plots.append(plots.bars("Daemon's CPU for one more registration", [(f"{size:,} registered", stats.median(costs[size]), 1) for size in ALREADY], "us"))


def _processes(context, part, daemon, rounds):
    """Real hook processes, all started before any is waited for."""
    work = tempfile.mkdtemp(prefix="burst-", dir=context.work)
    bundle = bundles.bundle(context.work, "bundle-12k", 12 << 10)
    words = [context.hook, "--socket", daemon.hook_socket, "--on-failure", "deny"]
    alone, samples, totals = [], [], []
    for number in range(rounds):
        with Holders(context.tools, 65) as holders:
            states = [bundles.state(work, bundles.container_id(f"b{number:03d}", index), pid, bundle) for index, pid in enumerate(holders.pids)]
            alone += spawn(context.tools, [(states[0], None, words)])
            runs = spawn(context.tools, [(state, None, words) for state in states[1:]], at_once=True)
        daemon.wait_for_containers(0)
        samples += runs
        totals.append(max(run.ns for run in runs) / 1e6)
    if bad := [run for run in alone + samples if run.status]:
        raise Impossible(f"{len(bad)} hooks failed:\n{daemon.log_text()}")
    part.distribution("64 hook processes at once: each", [run.ns / 1e6 for run in samples], "ms", "vfork to wait4, 12 KB config.json")
    part.distribution("64 hook processes at once: the last one", totals, "ms", "longest of each round")
