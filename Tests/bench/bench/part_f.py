"""f: the matching code by itself, timed natively, beside a walk through hash look-ups; and what the policy compiler makes."""
import json
import os
import subprocess

from . import policies, plots, stats
from .failure import Impossible
from .report import Part

TITLE = "Matching a path in the kernel; compiling policies"
METHOD = "BPF_PROG_TEST_RUN, 1,000,000 times a run; the least of the runs, the empty run included"
PATHS = ["/etc/passwd", "/usr/lib/x86_64-linux-gnu/libcrypto.so.3"]
DEEP = "/var/lib/postgresql/15/main/base/16384/pg_internal"
PATHS += [(DEEP + "/with-a-rather-long-name" * 50)[:length] for length in (125, 1000)]
BAR_PATH = 40
# Rules: the limit for a path of 40 bytes, in nanoseconds.
BARS = {1: 150, 256: 150, 10_000: 250}


def measure(context):
    part = Part("f", TITLE)
    _compile(context, part)
    _match(context, part)
    return part


def compiled(context, name, rules, rounds=1):
    """Compiles rules as the daemon does; what is said of the set, and the image's path."""
    source, image = (os.path.join(context.work, name + end) for end in (".yaml", ".image"))
    with open(source, "w") as file:
        file.write(policies.text(rules))
    done = subprocess.run([os.path.join(context.bin, "bench", "policy-set-image"), "--rounds", str(rounds), "--out", image, source],
                          capture_output=True, text=True)
    if done.returncode:
        raise Impossible(done.stderr.strip() or "no policy-set-image: build it with make bench")
    return json.loads(done.stdout), image


# --- the compiler


def _compile(context, part):
    rounds = 3 if context.quick else 11
    rules = policies.Rules()
    sets = {"256 typical rules": [rules.mixed() for _ in range(256)], "1,000 typical rules": [rules.mixed() for _ in range(1000)],
            "10,000 typical rules": [rules.mixed() for _ in range(10_000)],
            "10,000 literal paths": [rules.long_literal() for _ in range(10_000)]}
    results = {}
    for name, drawn in sets.items():
        result, _ = compiled(context, "compile", drawn, rounds)
        results[name] = result
        part.distribution(f"compile {name}", result["compile"], "ms", "policies as parsed to the image, on one core", least=min(result["compile"]))
        part.value(f"image of {name}", result["bytes"] / 1024, "KiB", 1,
                   f"whole pages; {result['used']:,} bytes used, {result['states']:,} states, {result['rows']:,} rows")
    part.bar("compile 1,000 typical rules", stats.median(results["1,000 typical rules"]["compile"]), 200, "ms")
    part.bar("compile 10,000 literal paths", stats.median(results["10,000 literal paths"]["compile"]), 2000, "ms")
    part.bar("image of 256 typical rules", results["256 typical rules"]["bytes"] / 1024, 64, "KiB")
    part.bar("image of 10,000 literal paths", results["10,000 literal paths"]["bytes"] / 1024, 8192, "KiB")


# --- the matching code


def _match(context, part):
    driver = context.tools.with_libbpf("match")
    rules = policies.Rules(seed=2)
    named = [policies.file_rule(path) for path in PATHS]
    # Each measured path is named by a rule. Beside it one that differs in its last byte only, so that all of it is read, and one that
    # differs at once.
    sets = [(1, [rule]) for rule in named] + [(256, named + [rules.mixed() for _ in range(252)]),
                                              (10_000, named + [rules.literal() for _ in range(9_996)])]
    found, rows = {}, []
    for count, drawn in sets:
        paths = [drawn[0]["path"]] if count == 1 else PATHS
        asked = [(len(path), kind, form) for path in paths
                 for kind, form in (("named", path), ("named but for its last byte", path[:-1] + "~"), ("unlike any", "/~" + path[2:]))]
        for (length, kind, _), (empty, automaton, walk) in zip(asked, _run(context, driver, drawn, [form for *_, form in asked])):
            name = f"{length} bytes, {kind}, {count:,} rule{'s' if count > 1 else ''}"
            part.value(f"automaton: {name}", min(automaton), "ns", len(automaton), METHOD, median=stats.median(automaton), empty=min(empty))
            part.samples[f"automaton: {name}"] = automaton
            if kind != "unlike any":
                part.value(f"hash walk: {name}", min(walk), "ns", len(walk), METHOD + "; 200 bytes of path at most", median=stats.median(walk))
                worst = found.setdefault((count, length), [0, 1e9])
                found[count, length] = [max(worst[0], min(automaton)), min(worst[1], min(walk))]
    for count, limit in BARS.items():
        part.bar(f"{BAR_PATH} bytes, {count:,} rule{'s' if count > 1 else ''}", found[count, BAR_PATH][0], limit, "ns")
    automaton, walk = found[256, BAR_PATH]
    part.bar("times quicker than the hash walk, 40 bytes, 256 rules", walk / automaton, 8, "times", least=True)
    rows = [(f"{length} bytes, {what}", found[256, length][index], index * 1) for length in (11, 40, 125) for index, what in
            enumerate(("automaton", "hash walk"))]
    part.plots.append(plots.bars("One path against 256 rules", rows, "ns"))


def _run(context, driver, rules, paths):
    """Nanoseconds of the empty program, the automaton and the hash walk, a list each, for each path."""
    _, image = compiled(context, "match", rules)
    keys = os.path.join(context.work, "keys")
    with open(keys, "w") as file:
        # As many keys as rules, whatever these name: only their number counts for the hash.
        file.writelines(f"{rule.get('path', f'/elsewhere/{number}')[:199]}\n" for number, rule in enumerate(rules))
    rounds = 3 if context.quick else 9
    done = subprocess.run([driver, os.path.join(context.bin, "bench", "match.bpf.o"), image, keys, str(100_000 if context.quick else 1_000_000), str(rounds)],
                          input="".join(path + "\n" for path in paths), capture_output=True, text=True)
    if done.returncode:
        raise Impossible(f"the timed programs: {done.stderr[-2000:]}")
    for path, line in zip(paths, done.stdout.splitlines()):
        length, decision, hits, *times = map(int, line.split())
        named = decision >> 8 != 0xffffff
        if length != len(path) or path in PATHS and not (named and (hits or length > 199)):
            raise Impossible(f"{path} was not found: decision {decision:#x}, {hits} hits")
        yield times[0::3], times[1::3], times[2::3]
