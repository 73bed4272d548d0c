"""The cases: what each expects of the plugin."""
import json
import os
import time

import grpc
from world import IMAGE, RUNTIME_STATE, Trouble, expect, same, wait_until

CASES = {}


def case(function):
    CASES[function.__name__.replace("_", "-")] = function
    return function


def start_all(world, *options):
    world.start_containerd()
    world.start_daemon()
    world.start_plugin(*options)


LABELS = {"app": "till", "tier": "front \"end\"", "empty": ""}


@case
def identity(world):
    """A pod that starts while all run: its container is known by its hook, with the labels of the pod, its sandbox by the plugin; both go when they end."""
    start_all(world)
    pod = world.cri.run_pod("till-0", labels=LABELS)
    sandbox = world.identities().get(pod.id)
    expect(sandbox, f"the sandbox is not known when RunPodSandbox returns: {world.log('plugin')}")
    same([sandbox["sandbox"], sandbox["pod"], sandbox["namespace"], sandbox["runtime"]], [True, "till-0", "shop", "containerd"], "the sandbox")
    container = pod.run("server")
    known = world.identities()[container]
    same([known["sandbox"], known["pod"], known["namespace"], known["name"], known["image"], known["runtime"]],
         [False, "till-0", "shop", "server", IMAGE, "containerd"], "the container")
    same({key: known["labels"].get(key) for key in LABELS}, LABELS, "its labels")
    same(world.plugin()["counters"]["hooksGiven"], 1, "hooks given")
    with open(f"{world.state}/io.containerd.runtime.v2.task/k8s.io/{container}/config.json") as file:
        config = json.load(file)
    same([hook["path"] for hook in config["hooks"]["createRuntime"]], [world.hook], "hooks of the bundle")
    same(json.loads(config["annotations"]["portcullis.io/pod-labels"]), LABELS, "the annotation")
    pod.remove()
    wait_until("both are forgotten", lambda: not {pod.id, container} & set(world.identities()))
    wait_until("the plugin forgets them, too", lambda: world.plugin()["known"] == 0)
    counters = world.plugin()["counters"]
    same([counters["confirmed"], counters["refused"], counters["unanswered"]], [2, 0, 0], "confirmed, refused, unanswered")
    return f"labels {sorted(LABELS)}"
