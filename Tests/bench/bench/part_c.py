"""c: learning of containers by an event against learning of them by looking again and again."""
import random
import subprocess
import time
from contextlib import ExitStack

from . import bundles, plots, stats
from .containers import Runc, check
from .daemon import Daemon, die_with_parent
from .events import Listener
from .failure import Impossible
from .report import Part
from .tools import spawn, stop

TITLE = "Polling against events"
INTERVALS = (50, 1000)


class Poller:
    """A poller and what it found."""

    def __init__(self, context, directory, milliseconds):
        self.milliseconds = milliseconds
        self.name = f"polling every {milliseconds} ms"
        self.process = subprocess.Popen([context.tools["poller"], directory, str(milliseconds)], stdout=subprocess.PIPE, text=True,
                                        stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
        self.known, self.late, self.cpu, self.rounds = {}, set(), 0, 0

    def finish(self):
        self.process.terminate()
        for line in self.process.communicate(timeout=30)[0].splitlines():
            words = line.split()
            if words[0] == "known":
                self.known[words[1]] = int(words[2])
            elif words[0] == "late":
                self.late.add(words[1])
            else:
                self.cpu, self.rounds = int(words[1]), int(words[2])


def measure(context):
    part = Part("c", TITLE)
    count = 60 if context.quick else 1000
    with ExitStack() as stack:
        daemon = stack.enter_context(Daemon(context))
        runc = stack.enter_context(Runc(context))
        hook = [context.hook, "--socket", daemon.hook_socket, "--on-failure", "deny"]
        true = ["/bin/busybox", "true"]
        with_hook = bundles.run_bundle(context.work, "churn-hook", true, hook)
        without = bundles.run_bundle(context.work, "churn-none", true)
        check(runc, "check", with_hook)
        _idle(part, daemon, 2 if context.quick else 10)
        listener = stack.enter_context(Listener(daemon))
        pollers = [Poller(context, runc.root, milliseconds) for milliseconds in INTERVALS]
        for poller in pollers:
            stack.callback(stop, poller.process)
        # One in four starts without the hook: that is what the start delay is measured against.
        order = [True] * count + [False] * (count // 4)
        random.Random(3).shuffle(order)
        names = [f"{'hook' if hooked else 'bare'}{number:05d}" for number, hooked in enumerate(order)]
        cpu, started = daemon.cpu(), time.monotonic()
        runs = spawn(context.tools, [("/dev/null", None, runc.run(name, with_hook if hooked else without)) for name, hooked in zip(names, order)])
        seconds, cpu = time.monotonic() - started, daemon.cpu() - cpu
        for poller in pollers:
            poller.finish()
        first = listener.first_execs(count)
        added = daemon.counters()["added"]
    if failed := [name for name, run in zip(names, runs) if run.status]:
        raise Impossible(f"{len(failed)} containers failed, the first is {failed[0]}")
    hooked = [name for name in names if name.startswith("hook")]
    _event_driven(part, hooked, first, added, cpu, seconds)
    for poller in pollers:
        _polling(part, poller, hooked, first, seconds)
    _delay(part, runs, order)
    _plots(part, pollers, hooked, first, cpu, seconds)
    return part


def _idle(part, daemon, seconds):
    before = daemon.cpu()
    time.sleep(seconds)
    part.value("daemon's CPU when idle", (daemon.cpu() - before) / 1e6 / seconds, "ms/s", 1, f"schedstat over {seconds} s without containers")


def _event_driven(part, hooked, first, added, cpu, seconds):
    missed = [name for name in hooked if name not in first]
    part.value("events: containers missed altogether", len(missed), "containers", len(hooked),
               "containers whose first exec was not reported under their id")
    part.value("events: window from first exec to identity known", 0 if not missed else float("nan"), "ms", len(hooked) - len(missed),
               "the first exec itself is reported with the container's id: the identity was there before it")
    part.value("events: daemon's CPU under churn", cpu / 1e6 / seconds, "ms/s", len(hooked),
               "schedstat; registrations, ends and events with one listener")
    part.value("events: daemon's CPU for one container", cpu / 1e3 / len(hooked), "us", len(hooked), "the same, by containers")
    part.bar("events: containers missed altogether", len(missed), 0, "containers")
    if added < len(hooked):
        raise Impossible(f"only {added} of {len(hooked)} containers were registered")


def _polling(part, poller, hooked, first, seconds):
    never = [name for name in hooked if name not in poller.known and name not in poller.late]
    part.value(f"{poller.name}: containers missed altogether", len(never), "containers", len(hooked), "never seen in runc's state directory")
    part.value(f"{poller.name}: seen too late to identify", len([name for name in hooked if name in poller.late]), "containers", len(hooked),
               "seen, but the process was gone before its namespaces could be read")
    windows = _windows(poller, hooked, first)
    if windows:
        part.distribution(f"{poller.name}: window from first exec to identity known", windows, "ms",
                          "time of discovery less time of the first exec; 0 if it was found before it")
    part.value(f"{poller.name}: known before the first exec", sum(window == 0 for window in windows), "containers", len(hooked),
               "discovered while the container was being set up")
    part.value(f"{poller.name}: CPU", poller.cpu / 1e6 / seconds, "ms/s", poller.rounds, "CPU time of the poller under the same churn; n: rounds")


def _windows(poller, hooked, first):
    return [max(0.0, (poller.known[name] - first[name]) / 1e6) for name in hooked if name in poller.known and name in first]


def _delay(part, runs, order):
    with_hook = [run.ns / 1e6 for run, hooked in zip(runs, order) if hooked]
    without = [run.ns / 1e6 for run, hooked in zip(runs, order) if not hooked]
    part.distribution("runc run with the hook", with_hook, "ms", "one after another, while both pollers run")
    part.distribution("runc run without a hook", without, "ms", "interleaved with those that have it")
    part.value("start delay of the hook", stats.median(with_hook) - stats.median(without), "ms", len(order),
               "difference of the medians; a poller delays no start")


def _plots(part, pollers, hooked, first, cpu, seconds):
    lost = [("events", len([name for name in hooked if name not in first]), 1)]
    used = [("events (the daemon)", cpu / 1e6 / seconds, 1)]
    rows = [("events", 0.0, 0.0, 0.0, None, 1)]
    for poller in pollers:
        lost.append((poller.name, len([name for name in hooked if name not in poller.known]), 2))
        used.append((poller.name, poller.cpu / 1e6 / seconds, 2))
        if windows := _windows(poller, hooked, first):
            spread = stats.spread(windows)
            rows.append((poller.name, spread["p10"], spread["median"], spread["p90"], spread["p99"], 2))
    part.plots.append(plots.bars(f"Containers of {len(hooked)} never identified", lost, ""))
    part.plots.append(plots.intervals("First exec to identity known, of those identified", rows, "ms"))
    part.plots.append(plots.bars("CPU time under churn", used, "ms/s"))
