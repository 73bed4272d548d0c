"""b: what the hook adds to the start of a container."""
import os
import random

from . import bundles, plots, stats
from .containers import Runc, check
from .daemon import Daemon
from .failure import Impossible
from .report import Part
from .tools import spawn

TITLE = "Start delay: runc run of busybox true"
NONE, EMPTY, OURS = "no hook", "no-op static C hook", "portcullis-hook"
METHOD = "runc run to its end, all three variants in every round, in random order; hooks at createRuntime and poststop"


def measure(context):
    part = Part("b", TITLE)
    rounds = 20 if context.quick else 200
    with Daemon(context) as daemon, Runc(context) as runc:
        ours = [context.hook, "--socket", daemon.hook_socket, "--on-failure", "deny"]
        true = ["/bin/busybox", "true"]
        variants = {NONE: bundles.run_bundle(context.work, "run-none", true),
                    EMPTY: bundles.run_bundle(context.work, "run-noop", true, [context.tools["empty"]]),
                    OURS: bundles.run_bundle(context.work, "run-ours", true, ours)}
        for number, bundle in enumerate(variants.values()):
            check(runc, f"check{number}", bundle)
        order = []
        generator = random.Random(2)
        for number in range(rounds):
            names = list(variants)
            generator.shuffle(names)
            order += [(name, f"run{number:05d}{os.getpid()}{index}") for index, name in enumerate(names)]
        before = daemon.counters()["added"]
        runs = spawn(context.tools, [("/dev/null", None, runc.run(container, variants[name])) for name, container in order])
        added = daemon.counters()["added"] - before
        if added != rounds:
            raise Impossible(f"{added} of {rounds} containers were registered:\n{daemon.log_text()}")
    times = {name: [] for name in variants}
    for (name, container), run in zip(order, runs):
        if run.status != 0:
            raise Impossible(f"{name}: runc run of {container} ended with {run.status}")
        times[name].append(run.ns / 1e6)
    _report(part, times)
    return part


def _report(part, times):
    for name, samples in times.items():
        part.distribution(name, samples, "ms", METHOD)
    for first, second in ((EMPTY, NONE), (OURS, EMPTY), (OURS, NONE)):
        difference, low, high = stats.paired_difference(times[first], times[second])
        pairs = [one - other for one, other in zip(times[first], times[second])]
        part.value(f"{first} - {second}", difference, "ms", len(pairs),
                   "difference of the medians; 95 % interval from 10,000 resamples of whole rounds",
                   low=low, high=high, median_of_differences=stats.median(pairs))
        if (first, second) == (OURS, EMPTY):
            part.bar("hook against a no-op hook, upper end of the interval", high, 1, "ms")
    rows = [(name, *(stats.spread(samples)[key] for key in ("p10", "median", "p90", "p99")), 1 if name == OURS else 0)
            for name, samples in times.items()]
    part.plots.append(plots.intervals("One container, runc run to its end", rows, "ms"))
