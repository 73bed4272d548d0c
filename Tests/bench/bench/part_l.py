"""l: what the wrapper of a runtime adds to a command of the runtime's."""
import os
import random
import shutil

from . import bundles, plots, stats
from .failure import Impossible
from .report import Part
from .tools import spawn

TITLE = "Cost of the wrapper for Docker"
ALONE = "runtime alone"
SIZES = {"wrapper, create, 12 KB config.json": 12 << 10, "wrapper, create, 100 KB config.json": 100 << 10}
OTHER = "wrapper, another command"
METHOD = ("vfork + execve to wait4 with an empty static C program as the runtime, all variants in every round, in random order; every create has a fresh "
          "bundle on a tmpfs")


def measure(context):
    part = Part("l", TITLE)
    rounds = 60 if context.quick else 400
    runtime = context.tools["empty"]
    wrapper = [context.wrapper, "--portcullis-runtime=" + runtime, "--portcullis-hook=" + context.hook]
    words = ["--root", "/run/docker/runtime-runc/moby", "--log", "/dev/null", "--log-format", "json"]
    with bundles.tmpfs_directory() as directory:
        templates = {name: bundles.bundle(context.work, f"wrapped-{size}", size) for name, size in SIZES.items()}
        order, made = [], []
        generator = random.Random(12)
        for number in range(rounds):
            # A create has the options that containerd gives it.
            container = bundles.container_id("wrapped", number)
            commands = {ALONE: [runtime, *words, "create", "--bundle", "/nowhere", "--pid-file", "/nowhere/init.pid", container],
                        OTHER: [*wrapper, *words, "start", container]}
            for name, template in templates.items():
                bundle = shutil.copytree(template, os.path.join(directory, f"{number}-{SIZES[name]}"))
                made.append(bundle)
                commands[name] = [*wrapper, *words, "create", "--bundle", bundle, "--pid-file", os.path.join(bundle, "init.pid"), container]
            names = list(commands)
            generator.shuffle(names)
            order += [(name, ("/dev/null", None, commands[name])) for name in names]
        warm_up = [("/dev/null", None, [*wrapper, "start", "c"])] * 20
        runs = spawn(context.tools, warm_up + [command for _, command in order])[len(warm_up):]
        for bundle in made:
            with open(os.path.join(bundle, "config.json")) as file:
                if file.read().count(context.hook) != 2:
                    raise Impossible(f"the hook is not in {bundle}")
    times = {name: [] for name in (ALONE, OTHER, *SIZES)}
    for (name, _), run in zip(order, runs):
        if run.status != 0:
            raise Impossible(f"{name} ended with {run.status}")
        times[name].append(run.ns / 1e3)
    for name, samples in times.items():
        part.distribution(name, samples, "us", METHOD)
    for name in (*SIZES, OTHER):
        difference, low, high = stats.paired_difference(times[name], times[ALONE])
        part.value(f"{name}: added", difference, "us", rounds, "difference of the medians; 95 % interval from 10,000 resamples of whole rounds", low=low, high=high)
        part.bar(f"{name}: added, upper end of the interval", high, 1000, "us")
    # What containerd 1.6 calls for `docker run --rm`: create, start, delete, delete --force.
    create = next(iter(SIZES))
    wrapped = [one + 3 * other for one, other in zip(times[create], times[OTHER])]
    difference, low, high = stats.paired_difference(wrapped, [4 * one for one in times[ALONE]])
    part.value("docker run --rm: added", difference, "us", rounds, "one create of 12 KB and three other commands of a round, against four of the runtime alone", low=low, high=high)
    part.bar("docker run --rm: added, upper end of the interval", high, 1000, "us")
    part.value("wrapper binary", os.path.getsize(context.wrapper), "bytes", 1, "file size")
    rows = [(name, *(stats.spread(samples)[key] for key in ("p10", "median", "p90", "p99")), int(name != ALONE)) for name, samples in times.items()]
    part.plots.append(plots.intervals("One command, start to end", rows, "us"))
    return part
