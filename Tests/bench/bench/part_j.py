"""j: a daemon that starts late: until it knows and labels all containers that run."""
import json
import os
import time

from .daemon import Daemon
from .failure import Impossible
from .report import Part
from .tools import Holders

TITLE = "Cold start with 500 running containers"
CONTAINERS = 500
METHOD = (f"{CONTAINERS} live processes in namespaces of their own, each with a state.json of runc's of 12 KB; 500 policies, one for each; from the start of the daemon to the end of "
          "replay's first scan, all tasks labelled, as status says it; loading the eBPF programs is part of it")


def _state(directory, index, line):
    pid, ticks = (int(word) for word in line.split()[:2])
    os.mkdir(os.path.join(directory, f"c{index}"), 0o700)
    mounts = [{"source": f"/var/lib/x/{number}", "destination": f"/d{number}", "device": "bind", "flags": 20480, "data": "", "relabel": ""} for number in range(100)]
    state = {"id": f"c{index}", "init_process_pid": pid, "init_process_start": ticks, "created": "2026-01-01T00:00:00Z",
             "config": {"rootfs": "/", "mounts": mounts, "labels": [f"app=s{index}", "tier=any", "bundle=/run/bundles/x"]}}
    with open(os.open(os.path.join(directory, f"c{index}", "state.json"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        json.dump(state, file)


def _policy(number):
    return (f"apiVersion: security.kubearmor.com/v1\nkind: KubeArmorPolicy\nmetadata:\n  name: p{number}\nspec:\n  selector:\n    matchLabels:\n      app: s{number}\n"
            f"  process:\n    matchPaths:\n    - path: /opt/tool-{number}\n  action: Block\n---\n")


def _start(context, *settings):
    with Daemon(context, *settings) as daemon:
        end = time.monotonic() + 60
        while (replay := daemon.status()["replay"])["state"] not in ("done", "failed"):
            if time.monotonic() > end:
                raise Impossible("replay does not end")
            time.sleep(0.02)
        if replay["state"] == "failed" or replay["problems"]:
            raise Impossible(f"replay: {replay['failure']} {replay['problems']}")
        return replay["milliseconds"], daemon.containers(), replay["tasksLabelled"]


def measure(context):
    part = Part("j", TITLE)
    rounds = 3 if context.quick else 10
    roots, policies = os.path.join(context.work, "cold-roots"), os.path.join(context.work, "cold-policies")
    os.mkdir(roots, 0o700)
    os.mkdir(policies, 0o700)
    with open(os.open(os.path.join(policies, "all.yaml"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write("".join(_policy(number) for number in range(CONTAINERS)))
    alone = [_start(context, "--replay", "auto", "--policy-dir", policies)[0] for _ in range(rounds)]
    part.distribution("without a container", alone, "ms", "the same, with the policies alone")
    with Holders(context.tools, CONTAINERS) as holders:
        for index, line in enumerate(holders.lines):
            _state(roots, index, line)
        times = []
        for _ in range(rounds):
            milliseconds, found, _ = _start(context, "--replay", "auto", "--replay-roots", f"runc={roots}", "--policy-dir", policies)
            if found != CONTAINERS:
                raise Impossible(f"{found} of {CONTAINERS} containers were found")
            times.append(milliseconds)
    part.distribution(f"with {CONTAINERS} containers", times, "ms", METHOD)
    part.bar("all registered and labelled, the slowest of the starts", max(times), 1000, "ms")
    return part
