"""e: the event path under load, and the daemon at rest."""
import glob
import subprocess
import time
from contextlib import ExitStack

from . import bundles, plots, stats
from .containers import Runc
from .daemon import Daemon
from .events import QuietListener
from .failure import Impossible
from .part_d import register
from .report import Part
from .tools import Holders

TITLE = "Events until loss; wake-ups and memory at rest"
CAPACITY = 4096
METHOD = "a container's process that makes processes as fast as it can (vfork); counters of the daemon before and after"


def measure(context):
    part = Part("e", TITLE)
    _rest(context, part, 3 if context.quick else 20)
    _events(context, part, 1000 if context.quick else 5000, 1 if context.quick else 3)
    return part


# --- at rest


def _rest(context, part, seconds):
    with Daemon(context) as daemon:
        # What starting has left to do is done by then.
        time.sleep(1)
        wakes = _wakes(daemon, seconds)
        part.value("wake-ups of an idle daemon", wakes / seconds, "1/s", 1, f"voluntary_ctxt_switches of all its threads over {seconds} s")
        empty = daemon.memory()
        _memory(part, "empty", empty)
        with Holders(context.tools, CAPACITY) as holders:
            register(context, daemon, holders, 8, "rest")
            time.sleep(1)
            full = daemon.memory()
            _memory(part, f"{CAPACITY:,} containers", full)
            crowded = _wakes(daemon, seconds)
            part.value(f"wake-ups with {CAPACITY:,} idle containers", crowded / seconds, "1/s", 1, f"the same over {seconds} s")
        daemon.wait_for_containers(0)
        time.sleep(1)
        _memory(part, f"after {CAPACITY:,} have gone", daemon.memory())
    part.bar("wake-ups of an idle daemon", (wakes + crowded) / seconds, 0, "1/s")
    part.bar("resident memory, empty", empty["VmRSS"] / 1024, 12, "MiB")
    part.bar(f"resident memory with {CAPACITY:,} containers", full["VmRSS"] / 1024, 24, "MiB")
    part.plots.append(plots.bars("Resident memory", [("empty", empty["VmRSS"] / 1024, 1), (f"{CAPACITY:,} containers", full["VmRSS"] / 1024, 1)], "MiB"))


def _wakes(daemon, seconds):
    before = _switches(daemon)
    time.sleep(seconds)
    return _switches(daemon) - before


def _switches(daemon):
    total = 0
    for path in glob.glob(f"/proc/{daemon.pid}/task/*/status"):
        with open(path) as file:
            total += sum(int(line.split()[1]) for line in file if line.startswith("voluntary_ctxt_switches"))
    return total


def _memory(part, when, status):
    for field in ("VmRSS", "RssAnon", "RssFile", "RssShmem"):
        part.value(f"{field}, {when}", status[field] / 1024, "MiB", 1, "/proc/PID/status")


# --- events


class Churn:
    """One run of the source of events."""

    def __init__(self, rounds, seconds, before, after, cpu):
        self.rate = rounds / seconds
        self.sent = after["eventsSent"] - before["eventsSent"]
        self.lost = after["eventsLost"] - before["eventsLost"]
        self.read = after["eventsRead"] - before["eventsRead"]
        self.dropped = after["controlEventsDropped"] - before["controlEventsDropped"]
        self.events = (self.sent + self.lost) / seconds
        self.daemon_us = cpu / 1000 / max(self.sent, 1)


def _events(context, part, milliseconds, rounds):
    rows = []
    for cpu, where in ((1, "another core"), (0, "the same core")):
        with ExitStack() as stack:
            daemon = stack.enter_context(Daemon(context, cpu=cpu))
            runc = stack.enter_context(Runc(context))
            for listening in (False, True):
                listener = stack.enter_context(QuietListener(daemon)) if listening else None
                for kind in ("exec", "exit"):
                    label = f"{kind}s, daemon on {where}" + (", one listener" if listening else "")
                    rows.append((label, _until_loss(context, part, daemon, runc, label, kind, milliseconds, rounds), 2 if listening else 1))
    part.plots.append(plots.bars("Events a second without loss (or as many as could be made)", rows, "1/s"))


def _until_loss(context, part, daemon, runc, label, kind, milliseconds, rounds):
    """Events a second without loss. If full speed loses some, a lower rate is searched for by halving."""
    full = [_churn(context, daemon, runc, kind, milliseconds, 0) for _ in range(rounds)]
    lost, sent = sum(one.lost for one in full), sum(one.sent for one in full)
    part.distribution(f"{label}: made", [one.events for one in full], "1/s", METHOD)
    part.value(f"{label}: lost at full speed", lost / (lost + sent) * 100, "%", lost + sent, "eventsLost of eventsLost + eventsSent; n: events")
    part.value(f"{label}: daemon's CPU for one event", stats.median([one.daemon_us for one in full]), "us", sent, "schedstat")
    if dropped := sum(one.dropped for one in full):
        part.value(f"{label}: not sent to the listener", dropped / sent * 100, "%", sent, "controlEventsDropped: its queue was full")
    if lost == 0:
        part.value(f"{label}: without loss", stats.median([one.events for one in full]), "1/s", rounds, "no loss at all: the source is the limit")
        return stats.median([one.events for one in full])
    low, high, without = 0.0, stats.median([one.rate for one in full]), 0.0
    for _ in range(6):
        rate = (low + high) / 2
        tried = _churn(context, daemon, runc, kind, milliseconds, int(rate))
        if tried.lost:
            high = rate
        else:
            low, without = rate, max(without, tried.events)
    part.value(f"{label}: without loss", without, "1/s", 6, f"highest rate without loss for {milliseconds} ms, by halving")
    return without


_runs = iter(range(1_000_000))


def _churn(context, daemon, runc, kind, milliseconds, rate):
    hook = [context.hook, "--socket", daemon.hook_socket, "--on-failure", "deny"]
    words = ["/bin/churn", kind, str(milliseconds), str(rate), "0"]
    bundle = bundles.run_bundle(context.work, "churn", words, hook, [context.tools["churn"]])
    before, cpu = daemon.counters(), daemon.cpu()
    done = subprocess.run(runc.run(f"churn{next(_runs):04d}", bundle), stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise Impossible(f"the source of events failed: {done.stderr.strip() or done.stdout.strip()}\n{daemon.log_text()}")
    _settle(daemon)
    cpu, after = daemon.cpu() - cpu, daemon.counters()
    made, nanoseconds = map(int, done.stdout.split())
    churn = Churn(made, nanoseconds / 1e9, before, after, cpu)
    expected = made * (2 if kind == "exec" else 1)
    if churn.sent + churn.lost < expected:
        raise Impossible(f"{made} rounds of {kind} made only {churn.sent + churn.lost} events instead of {expected}")
    return churn


def _settle(daemon):
    """Waits until the daemon has read what was sent."""
    end = time.monotonic() + 10
    while (counters := daemon.counters())["eventsRead"] < counters["eventsSent"]:
        if time.monotonic() > end:
            raise Impossible(f"{counters['eventsSent'] - counters['eventsRead']} events were never read")
        time.sleep(0.05)
