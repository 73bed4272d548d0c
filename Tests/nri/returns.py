"""How long after a return it takes until all is known that started meanwhile."""
import itertools
import time

from world import wait_until

# Seconds for which containerd is away: the longer it is, the less often the plugin tries again.
AWAY = [0, 0.5, 1, 2, 4]


def measure(world, rounds):
    """Seconds from the start of the plugin, the readiness of the daemon, the first answer of containerd, until what they missed is known: a sandbox, of which the
    plugin alone tells, and a container."""
    world.start_containerd()
    world.start_daemon()
    world.start_plugin()
    times = {"plugin": [], "portcullisd": [], "containerd": []}
    for number, victim in itertools.product(range(rounds), times):
        world.kill(victim)
        if victim == "containerd":
            # There is nothing to wait for: this is the time of its being away.
            time.sleep(AWAY[number % len(AWAY)])
            world.start_containerd()
            began = time.monotonic()
        pod = world.cri.run_pod(f"{victim}-{number}", labels={"app": "till"})
        missed = {pod.id, pod.run()}
        if victim == "plugin":
            began = time.monotonic()
            world.start_plugin(receiving=False)
        elif victim == "portcullisd":
            world.start_daemon()
            began = time.monotonic()
        wait_until(f"what was missed is known after the return of {victim}", lambda: missed <= set(world.identities()), 60)
        times[victim].append(time.monotonic() - began)
        world.await_receiving()
        pod.remove()
    return times
