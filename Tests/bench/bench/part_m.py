"""m: what the plugin for NRI adds to the start of a pod."""
import json
import os
import subprocess

from . import plots, stats
from .failure import Impossible
from .report import Part

TITLE = "Cost of the plugin for NRI"
# Upper ends of the classes of portcullis-nri's own histogram, in microseconds (LatencyHistogram.bounds).
CLASSES = [50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000]
RETURNS = {
    "plugin": "a pod that started while it was away, from its start until sandbox and container are known",
    "portcullisd": "a pod that started while it was away, from its being ready until sandbox and container are known",
    "containerd": "away for 0 to 4 s; from its first answer until a pod that is started then, without the plugin as the case may be, is known"}
METHOD = ("RunPodSandbox to StartContainer's answer with a real containerd, with and without portcullis-nri (which gives no hook here), in pairs of random "
          "order; each pod is removed before the next")


def measure(context):
    part = Part("m", TITLE)
    tests = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    fetched = subprocess.run([os.path.join(tests, "host/containerd/fetch"), "2.x"], capture_output=True, text=True)
    if fetched.returncode:
        raise Impossible(fetched.stderr.strip().splitlines()[-1])
    sizes = ["--pairs", "10", "--containers", "40", "--returns", "5"] if context.quick else []
    run = subprocess.run([os.path.join(tests, "nri/measure"), "--bin", context.bin, "--containerd", fetched.stdout.strip(), *sizes], capture_output=True, text=True)
    if run.returncode:
        raise Impossible(run.stderr.strip().splitlines()[-1])
    found = json.loads(run.stdout.splitlines()[-1])
    times = {name: [seconds * 1e3 for seconds in found[key]] for name, key in (("without plugin", "without"), ("with plugin", "with"))}
    for name, samples in times.items():
        part.distribution(name, samples, "ms", f"containerd {found['version']}; {METHOD}")
    difference, low, high = stats.paired_difference(times["with plugin"], times["without plugin"])
    part.value("added to a pod's start", difference, "ms", len(found["with"]), "difference of the medians; 95 % interval from 10,000 resamples of whole pairs", low=low, high=high)
    part.bar("added, upper end of the interval", high, 5, "ms")
    counts = found["counts"]
    rank, seen, bound = 0.99 * sum(counts), 0, CLASSES[-1]
    for count, upper in zip(counts, CLASSES):
        seen += count
        if seen >= rank:
            bound = upper
            break
    method = f"100 CreateContainer while {found['known']} sandboxes and containers are known; the plugin's own histogram"
    part.value("CreateContainer answered, mean", found["nanoseconds"] / sum(counts) / 1e3, "us", sum(counts), method)
    part.value("CreateContainer answered, p99 at most", bound, "us", sum(counts), method)
    part.bar("CreateContainer answered, p99 at most", bound, 2000, "us")
    part.value("resident memory", found["resident"], "KiB", 1, "VmRSS, after all of that")
    part.bar("resident memory", found["resident"], 16 << 10, "KiB")
    for name, samples in found["returns"].items():
        samples = [seconds * 1e3 for seconds in samples]
        part.distribution(f"found after the return of {name}", samples, "ms", RETURNS[name])
        part.bar(f"found after the return of {name}, longest", max(samples), 1000, "ms")
    rows = [(name, *(stats.spread(samples)[key] for key in ("p10", "median", "p90", "p99")), int(name == "with plugin")) for name, samples in times.items()]
    part.plots.append(plots.intervals("A pod, from RunPodSandbox to its container's start", rows, "ms"))
    return part
