"""g: what the hooks add to system calls, in instructions, counted in a guest."""
import itertools
import os
import shutil

from . import plots, policies
from .guest import run_guest
from .report import Part

TITLE = "Instructions that the hooks add to system calls"
METHOD = "a guest that counts instructions; least of ten batches, less the same without programs"
ROOTS = {"plain": "tmpfs", "overlay": "overlayfs"}
CALLS = ("open", "stat", "read", "write", "call", "exec")
OUTSIDE = {"loaded": "no container", "sets": "no container, readOnly rules elsewhere", "calls": "no container, these and rules about system calls elsewhere"}
INSIDE = {"unselected": "container without policy", "one": "container, 1 rule", "typical": "container, 256 typical rules",
          "some": "container, 256 rules that begin somewhere", "many": "container, 10,000 such rules"}
# What the guest's processes open and run: guest/cost.
USED = ("/usr/lib/x86_64-linux-gnu/libm.so.6", "/usr/local/bin/loops", "/usr/local/bin/sleep")
NANOSECONDS_PER_INSTRUCTION = 2


def measure(context):
    part = Part("g", TITLE)
    for kernel in os.environ.get("VM_KERNELS", "6.1").split():
        _kernel(context, part, kernel)
    return part


def _kernel(context, part, kernel):
    counted = _count(context, kernel)
    added = {}
    for place, situations in (("outside", OUTSIDE), ("inside", INSIDE)):
        for situation, text in situations.items():
            for root, system in ROOTS.items():
                for call in CALLS:
                    figure = counted[f"{place}.{situation}.{root}", call] - counted[f"{place}.none.{root}", call]
                    added[situation, root, call] = figure
                    part.value(f"{kernel}: added to {call}, {text}, {system}", round(figure), "instructions", 10, METHOD,
                               whole=round(counted[f"{place}.{situation}.{root}", call]))
    if kernel == "6.1":
        _bars(part, added)
        _off(part, counted)
    rows = [(f"{kernel} {text}, {ROOTS[root]}", added[situation, root, "open"], index)
            for situation, text in (OUTSIDE | INSIDE).items() for index, root in enumerate(ROOTS)]
    part.plots.append(plots.bars("Instructions added to an open of 35 bytes of path and its close", rows, "instructions"))


def _bars(part, added):
    part.bar("added to an open in no container", added["sets", "plain", "open"], 400, "instructions")
    for situation in ("typical", "some", "many"):
        part.bar(f"added to an open, {INSIDE[situation]}, no hit", added[situation, "plain", "open"], 4000, "instructions")
    ratio = added["many", "plain", "open"] / added["some", "plain", "open"]
    part.bar("10,000 rules against 256", max(ratio, 1 / ratio), 1.1, "times")
    part.bar("added to a system call that does nothing, by another container's rules about system calls", added["calls", "plain", "call"] - added["sets", "plain", "call"], 15,
             "instructions")
    part.bar("added to a read in no container", max(added["sets", root, "read"] for root in ROOTS), 150, "instructions")


def _off(part, counted):
    """What telemetry costs that is off: a call that no program is about."""
    for place, situation in (("outside", "loaded"), ("inside", "unselected")):
        before, after = (counted[f"{place}.{name}.plain", "call"] for name in ("none", situation))
        part.bar(f"a system call that does nothing, {place} of containers, visibility none and failures off", 100 * (after - before) / before, 1, "% more")


def _count(context, kernel):
    """Instructions by situation and call, from a guest's own clock, which goes on by 2 ns for each."""
    out = run_guest(context, kernel, "cost", _prepare, options=("-i",))
    counted = {}
    with open(os.path.join(out, "results")) as file:
        lines = file.read().splitlines()
    for line in lines:
        situation, call, nanoseconds = line.split()
        counted[situation, call] = float(nanoseconds) / NANOSECONDS_PER_INSTRUCTION
    return counted


def _prepare(context, out):
    shutil.copy(context.tools["loops"], os.path.join(out, "loops"))
    _write_policies(os.path.join(out, "policies"))


def _write_policies(directory):
    """A file for each label. None has Allow rules, so that what no rule names is allowed, and no rule names what the loops use."""
    write = {"one": [policies.file_rule("/srv/elsewhere", "Audit")]}
    # In a set of 10,000 none names things wherever they are (that would not be compiled), so such a set of 256 is its yardstick.
    for label, count, floating in (("typical", 256, True), ("some", 256, False), ("many", 10_000, False)):
        rules = policies.Rules(count, ("Block", "Block", "Audit"))
        drawn = (rules.mixed(floating) for _ in iter(int, 1))
        write[label] = list(itertools.islice((rule for rule in drawn if not any(policies.may_name(rule, path) for path in USED)), count))
    with open(os.path.join(directory, "calls.yaml"), "w") as file:
        file.write("apiVersion: security.kubearmor.com/v1\nkind: KubeArmorPolicy\nmetadata: {name: calls}\nspec:\n  selector: {matchLabels: {app: calls}}\n"
                   "  syscalls: {matchSyscalls: [{syscall: [unlink]}]}\n")
    for label, rules in write.items():
        with open(os.path.join(directory, label + ".yaml"), "w") as file:
            file.write(policies.text(rules, label, label))

