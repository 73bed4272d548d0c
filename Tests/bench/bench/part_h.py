"""h: what the maps take with as many sets and containers as there may be, in a guest that enforces."""
import os
import shutil

from .guest import run_guest
from .report import Part

TITLE = "Memory of the maps"
CONTAINERS, SETS = 4096, 1000
METHOD = "a guest with 6.1: live processes in namespaces of their own, registered as a hook does; what status says"


def measure(context):
    part = Part("h", TITLE)
    out = run_guest(context, "6.1", "capacity", _prepare, arguments=(str(CONTAINERS), str(SETS)), seconds=900)
    with open(os.path.join(out, "results")) as file:
        values = {name: int(value) for name, value in (line.split() for line in file)}
    part.value("containers", values["containers"], "", 1, METHOD)
    part.value("maps but sets, at most", values["maps"] / 2**20, "MiB", 1, METHOD)
    part.value("sets", values["setBytes"] / 2**20, "MiB", 1, METHOD)
    part.bar("sets in the kernel", values["sets"], SETS, "", least=True)
    part.bar(f"maps with {CONTAINERS:,} containers and {SETS:,} sets", (values["maps"] + values["setBytes"]) / 2**20, 128, "MiB")
    return part


def _prepare(context, out):
    shutil.copy(context.tools["holders"], os.path.join(out, "holders"))
