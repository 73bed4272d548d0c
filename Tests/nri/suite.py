"""What the cases are listed by, and what many of them use."""
from concurrent.futures import ThreadPoolExecutor

from world import expect, same

CASES = {}
# Those that need a daemon that enforces, which is started by others.
ENFORCING = {"enforced"}
# Those that are run by name, and where PORTCULLIS_LONG is 1.
LONG = set()
LABELS = {"app": "till", "tier": "front \"end\"", "empty": ""}


def case(function):
    CASES[function.__name__.replace("_", "-")] = function
    return function


def start_all(world, *options):
    world.start_containerd()
    world.start_daemon()
    world.start_plugin(*options)


def at_once(function, items):
    """As a kubelet does, which starts pods side by side; the outcomes in order."""
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(function, items))


def expect_served(world, name):
    """A pod that starts now has hook and label, and its sandbox, of which nobody else tells, is known."""
    pod = world.cri.run_pod(name, labels=LABELS)
    container = pod.run()
    known = world.identities()
    expect({pod.id, container} <= set(known), lambda: f"{name}: not both known: {set(known)}")
    same([world.hooks_of(container), known[container]["labels"].get("app")], [[world.hook], "till"], f"{name}: hooks and label")
    return pod
