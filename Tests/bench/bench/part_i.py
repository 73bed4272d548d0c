"""i: many policies and many containers: what a change of policies and one more container cost."""
import os
import socket
import struct
import subprocess
import time

from . import stats
from .daemon import Daemon
from .failure import Impossible
from .report import Part
from .tools import Holders

TITLE = "500 policies and 2,000 containers"
POLICIES, CONTAINERS, GROUPS = 500, 2000, 50
METHOD = (f"{CONTAINERS:,} live processes in namespaces of their own, registered as a hook does; {POLICIES} policies of 10 rules, each for one of {GROUPS} "
          "labels, so that each container has 10; where nothing is enforced, writing the sets into the kernel is not part of it")


def _policy(number, selector, message=""):
    rules = "".join(f"    - path: /opt/tool-{number}-{rule}/bin/program\n" for rule in range(10))
    return (f"apiVersion: security.kubearmor.com/v1\nkind: KubeArmorPolicy\nmetadata:\n  name: p{number}\nspec:\n  selector:\n    matchLabels:\n      {selector}\n"
            f"  message: '{message}'\n  process:\n    matchPaths:\n{rules}  action: Block\n---\n")


def _field(tag, value):
    return struct.pack("<HI", tag, len(value)) + value


def _frame(name, group, line):
    pid, ticks, mounts, pids = (int(word) for word in line.split())
    body = struct.pack("<BBH", 1, 1, 0) + _field(1, name.encode()) + _field(2, struct.pack("<I", pid)) + _field(3, struct.pack("<Q", pids))
    body += _field(4, struct.pack("<Q", mounts)) + _field(5, struct.pack("<Q", ticks))
    for key, value in (("app", f"s{group}"), ("tier", "any"), ("version", "1.2.3")):
        body += _field(9, struct.pack("<I", len(key)) + key.encode() + value.encode())
    return struct.pack("<I", len(body)) + body


def _register(daemon, holders):
    for index, line in enumerate(holders.lines):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(daemon.hook_socket)
            connection.sendall(_frame(f"scale{index:08d}", index % GROUPS, line))
            answer = connection.recv(1024)
            if len(answer) < 10 or struct.unpack_from("<H", answer, 8)[0] != 1:
                raise Impossible(f"container {index}: {answer!r}")


def _apply(context, daemon, text):
    """Seconds until `portcullis policy apply` has returned, which is when every container is switched."""
    began = time.monotonic()
    done = subprocess.run([context.cli, "policy", "apply", "-", "--socket", daemon.control_socket], input=text, capture_output=True, text=True)
    if done.returncode:
        raise Impossible(f"policy apply: {done.stderr.strip()}")
    return time.monotonic() - began


def measure(context):
    part = Part("i", TITLE)
    rounds = 3 if context.quick else 15
    policies = os.path.join(context.work, "scale-policies")
    os.makedirs(policies, exist_ok=True)
    with open(os.path.join(policies, "all.yaml"), "w") as file:
        file.write("".join(_policy(number, f"app: s{number % GROUPS}") for number in range(POLICIES - 2)))
    applied = os.path.join(context.work, "scale-applied")
    with Daemon(context, "--policy-dir", policies, "--applied-policy-dir", applied) as daemon:
        _apply(context, daemon, _policy("one", "app: s1"))
        _apply(context, daemon, _policy("all", "tier: any"))
        with Holders(context.tools, CONTAINERS) as holders:
            before = daemon.cpu()
            _register(daemon, holders)
            part.value("daemon's CPU for one more container", (daemon.cpu() - before) / CONTAINERS / 1000, "us", CONTAINERS, "schedstat; " + METHOD)
            each = (daemon.cpu() - before) / CONTAINERS / 1000
            some = [_apply(context, daemon, _policy("one", "app: s1", f"version {number}")) * 1000 for number in range(rounds)]
            every = [_apply(context, daemon, _policy("all", "tier: any", f"version {number}")) * 1000 for number in range(rounds)]
            part.distribution(f"a change that selects {CONTAINERS // GROUPS} containers", some, "ms", "portcullis policy apply, from its start to its end; " + METHOD)
            part.distribution(f"a change that selects all {CONTAINERS:,}", every, "ms", f"the same; {GROUPS} sets are compiled anew")
            state = daemon.status()["enforcement"]
            memory = daemon.memory()["VmRSS"] / 1024
            part.value("policy sets", state["sets"], "", 1, "identical policies share one")
            part.bar("CPU for one more container with its selection", each, 200, "us")
            part.bar("a change of one policy, median", stats.median(some), 250, "ms")
            part.bar(f"a change of a policy for all {CONTAINERS:,}, median", stats.median(every), 250, "ms")
            part.bar("resident memory of the daemon", memory, 80, "MiB")
            part.bar("policy sets", state["sets"], GROUPS, "")
    return part
