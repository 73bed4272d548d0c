"""Pods that start while everything is killed."""
import itertools
import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
from events import Events
from killing import Killer
from suite import case, start_all
from world import Trouble, expect, wait_until


class Watcher(threading.Thread):
    """Looks again and again at what the daemon knows, and remembers when each was seen first."""

    def __init__(self, world):
        super().__init__(daemon=True)
        self.world, self.seen, self.over = world, {}, threading.Event()

    def run(self):
        while not self.over.wait(0.03):
            try:
                known = self.world.identities()
            except (Trouble, ValueError):
                # No daemon, or one that ended in the middle of its answer.
                continue
            for identity in known:
                self.seen.setdefault(identity, time.monotonic())


class Start:
    """One container's start, and what is known of it."""

    def __init__(self, mark, stays):
        self.mark, self.stays, self.id, self.has_hook = mark, stays, None, None
        # From when to when it was created and started, by this side's clock.
        self.created = self.started = (0, 0)


class Kubelet:
    """Starts pods as a kubelet does, which tries until it works: in the sandbox that there is, if it is ready, else in another one. What was left behind by a
    start that failed stays where it is."""

    def __init__(self, world, killer):
        self.world, self.killer = world, killer
        self.starts, self.failed = [], 0

    def start(self, number, stays):
        settings = {"labels": {"number": str(number)}, "pid": "container" if number % 7 else "host"}
        self.killer.pod_begins()
        for attempt in itertools.count():
            # So often is not by chance any more.
            expect(attempt < 20, f"pod-{number} does not start")
            try:
                return self.attempt(f"pod-{number}", attempt, stays, settings)
            except grpc.RpcError as error:
                self.failed, last = self.failed + 1, error.details()
                wait_until(lambda: f"containerd answers after {last}", lambda: self.killer.trouble or self.world.cri.answers(), 60)

    def attempt(self, name, attempt, stays, settings):
        start, cri = Start(self.world.mark(f"{name}.{attempt}"), stays), self.world.cri
        pod = attempt and cri.ready_pod(name, **settings) or cri.run_pod(name, attempt=attempt, **settings)
        begun = time.monotonic()
        start.id = pod.create("main", ["sh", "-c", f": {start.mark} /bin/true; exec sleep 100000"], attempt=attempt)
        start.created = begun, time.monotonic()
        cri.ask("StartContainer", container_id=start.id)
        start.started = start.created[1], time.monotonic()
        start.has_hook = bool(self.world.hooks_of(start.id))
        self.starts.append(start)
        return pod


@case
def churn(world):
    """Pods start while plugin, daemon and containerd are killed, each five times in the long run, at any moment of theirs: at the end the daemon knows what the
    runtime runs, no more and no less; what started with a hook, or under the plugin's eyes, was never without an owner, and the rest was found."""
    pods, each = (200, 5) if os.environ.get("PORTCULLIS_LONG") == "1" else (24, 1)
    seed = int(os.environ.get("PORTCULLIS_SEED") or random.randrange(1 << 32))
    start_all(world)
    events, watcher = Events(world), Watcher(world)
    killer = Killer(world, events, pods, each, seed)
    kubelet = Kubelet(world, killer)
    watcher.start()
    killer.start()
    try:
        with ThreadPoolExecutor(2) as pool:
            running = list(pool.map(lambda number: start_and_remove(kubelet, number), range(pods)))
        killer.join(120)
        expect(not killer.is_alive() and not killer.trouble, lambda: f"who kills is done: {killer.trouble}")
        begun = time.monotonic()
        wait_until(lambda: f"the daemon's list is the runtime's: {difference(world)}", lambda: not difference(world))
        took = time.monotonic() - begun
        return (f"{pods} pods, {running.count(False)} of them removed, {kubelet.failed} starts failed; killed {each} times each; {judge(kubelet, killer, watcher, events)}; "
                f"lists equal after {took * 1000:.0f} ms with {len(world.identities())}; seed {seed}")
    except Exception as error:
        raise Trouble(f"{error} (PORTCULLIS_SEED={seed}, killed {killer.order[:len(killer.absences)]})") from error
    finally:
        watcher.over.set()
        watcher.join()


def start_and_remove(kubelet, number):
    """Whether the pod is to stay; each fifth goes again, while others start."""
    stays = number % 5 != 4
    pod = kubelet.start(number, stays)
    if not stays:
        pod.remove(60)
    return stays


def difference(world):
    """What the daemon and the runtime do not agree on: an id, and whether it is a sandbox."""
    runs = {(identity, True) for identity in world.cri.pods()} | {(identity, False) for identity in world.cri.containers()}
    return runs ^ {(identity, item["sandbox"]) for identity, item in world.identities().items()}


def judge(kubelet, killer, watcher, events):
    """Whose first exec each was, and when those were found that nobody saw start."""
    away, heard, unheard, found = killer.was_away, 0, 0, []
    for start in kubelet.starts:
        # The hook is what the plugin gives, so that it is missing only where the plugin was.
        expect(start.has_hook or away("plugin", *start.created), f"{start.mark} {start.id} was given no hook while the plugin was there")
        if not away("portcullisd", *start.started) and (start.has_hook or not away("plugin", *start.started)):
            # An exec is told of soon, or never: then nobody listened, or listened too slowly, of which the reader is told. What is removed at once may not have come
            # to its first exec.
            if start.stays and not away("events", start.started[0], start.started[1] + 3):
                wait_until(lambda: f"the exec of {start.mark} {start.id} is told of, {time.monotonic() - start.started[1]:.1f} s after it, absences {killer.absences}",
                           lambda: events.marked(start.mark) or events.lost())
            owners = events.marked(start.mark)
            expect(set(owners) <= {start.id}, f"the first exec of {start.mark} {start.id} is of {owners}")
            heard, unheard = heard + bool(owners), unheard + (not owners)
        elif start.id in watcher.seen:
            seen = watcher.seen[start.id]
            found.append(max(0, seen - killer.back(("plugin", "portcullisd"), start.started[0], seen, start.started[1])))
    expect(heard * 4 > len(kubelet.starts), f"only {heard} first execs of {len(kubelet.starts)} were told of: this test shows little")
    later = f"{len(found)} found later, {max(found, default=0) * 1000:.0f} ms at most after the last of those missing was back"
    return f"{heard} first execs their own, {unheard} not told of; {later}; reconnected to containerd after {max(killer.reconnected, default=0) * 1000:.0f} ms at most"
