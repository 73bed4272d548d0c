"""e: the event path under load, and the daemon at rest."""
import glob
import os
import signal
import time
from contextlib import ExitStack

from . import plots, stats
from .containers import Runc
from .daemon import Daemon
from .events import QuietListener
from .failure import Impossible
from .part_d import register
from .report import Part
from .source import Source, settle
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


def _events(context, part, milliseconds, rounds):
    """One source and the daemon on two cores, then on one; then as many sources as it takes to crowd it out."""
    rows = []
    for daemon_cpu, source_cpu, workers, where in ((1, 0, 1, "another core"), (0, 0, 1, "the same core"), (None, -1, 4, "any core, 4 sources")):
        with ExitStack() as stack:
            daemon = stack.enter_context(Daemon(context, cpu=daemon_cpu))
            runc = stack.enter_context(Runc(context))
            for listening in (False, True):
                if listening:
                    stack.enter_context(QuietListener(daemon))
                for kind in ("exec", "exit"):
                    label = f"{kind}s, daemon on {where}" + (", one listener" if listening else "")
                    source = Source(context, daemon, runc, kind, source_cpu, workers)
                    rows.append((label, _until_loss(part, source, label, milliseconds, rounds), 2 if listening else 1))
    part.plots.append(plots.bars("Events a second without loss (or as many as could be made)", rows, "1/s"))
    _stopped(context, part)


def _stopped(context, part):
    """The ring by itself: what it holds while nobody reads it."""
    with Daemon(context) as daemon, Runc(context) as runc:
        source = Source(context, daemon, runc, "exit", -1, 1)
        with source.start(2000, 0, wait=1000) as process:
            daemon.wait_for_containers(1)
            time.sleep(0.3)
            before = daemon.counters()
            os.kill(daemon.pid, signal.SIGSTOP)
            try:
                process.wait(30)
            finally:
                os.kill(daemon.pid, signal.SIGCONT)
        settle(daemon)
        after = daemon.counters()
    held, lost = after["eventsSent"] - before["eventsSent"], after["eventsLost"] - before["eventsLost"]
    if not lost:
        raise Impossible(f"{held} events did not fill the ring")
    part.value("events that the ring holds while the daemon is stopped", held, "events", 1,
               f"execs and exits; SIGSTOP, then events until {lost:,} more were lost, then SIGCONT; the default ring of 1 MiB")
    part.value("events lost while the daemon was stopped, and counted", lost, "events", 1, "eventsLost")


def _until_loss(part, source, label, milliseconds, rounds):
    """Events a second without loss. If full speed loses some, a lower rate is searched for by halving."""
    full = [source.run(milliseconds, 0) for _ in range(rounds)]
    lost, sent = sum(one.lost for one in full), sum(one.sent for one in full)
    made = [one.events for one in full]
    part.distribution(f"{label}: made", made, "1/s", METHOD)
    part.value(f"{label}: lost at full speed", lost / (lost + sent) * 100, "%", lost + sent, "eventsLost of eventsLost + eventsSent; n: events")
    part.value(f"{label}: daemon's CPU for one event", stats.median([one.daemon_us for one in full]), "us", sent, "schedstat")
    if dropped := sum(one.dropped for one in full):
        part.value(f"{label}: not sent to the listener", dropped / sent * 100, "%", sent, "controlEventsDropped: its queue was full")
    if lost == 0:
        part.value(f"{label}: without loss", stats.median(made), "1/s", rounds, "no loss at all: the source is the limit")
        return stats.median(made)
    low, high, without = 0.0, stats.median([one.rate for one in full]) / source.workers, 0.0
    for _ in range(6):
        rate = (low + high) / 2
        tried = source.run(milliseconds, int(rate))
        if tried.lost:
            high = rate
        else:
            low, without = rate, max(without, tried.events)
    part.value(f"{label}: without loss", without, "1/s", 6, f"highest rate without loss for {milliseconds} ms, by halving")
    return without
