"""Kills plugin, daemon and containerd at random moments, and remembers when each was away."""
import random
import threading
import time

from world import wait_until

VICTIMS = ["plugin", "portcullisd", "containerd"]
# So many pods begin to start while one of them is away; more wait, or none would be left for the time after.
MEANWHILE = 3


class Killer(threading.Thread):
    """Kills each of them so often, in random order, spread over the pods; each is back before the next is killed."""

    def __init__(self, world, events, pods, each, seed):
        super().__init__(daemon=True)
        self.world, self.events, self.random = world, events, random.Random(seed)
        self.order = VICTIMS * each
        self.random.shuffle(self.order)
        # After how many pods that have begun to start while all were there.
        self.moments = sorted(self.random.randrange(1, pods - len(self.order) * MEANWHILE) for _ in self.order)
        self.begun, self.left, self.begins = 0, None, threading.Condition()
        # Who, since when, until when; until ever if it is not back yet.
        self.absences, self.trouble = [], None
        # Seconds from a restart of containerd to the plugin's being told by it.
        self.reconnected = []

    def pod_begins(self):
        """Called by who starts one, which may have to wait."""
        with self.begins:
            self.begins.wait_for(lambda: self.left is None or self.left > 0)
            if self.left is None:
                self.begun += 1
            else:
                self.left -= 1
            self.begins.notify_all()

    def allow(self, left):
        with self.begins:
            self.left = left
            self.begins.notify_all()

    def run(self):
        try:
            for victim, moment in zip(self.order, self.moments):
                with self.begins:
                    self.begins.wait_for(lambda: self.begun >= moment)
                # Any moment of a pod's start, and any time of being away: chance is what this is about, and no event to wait for.
                time.sleep(self.random.uniform(0, 0.12))
                self.allow(MEANWHILE)
                self.kill(victim, self.random.uniform(0, 0.8))
                self.allow(None)
        except Exception as error:
            self.trouble = error
            self.allow(None)

    def kill(self, victim, seconds):
        # Without containerd the plugin hears of nothing, and for a moment more; without the daemon the reader of its events is gone, too.
        together = {"containerd": ["containerd", "plugin"], "portcullisd": ["portcullisd", "events"]}.get(victim, [victim])
        connections = 0 if victim == "plugin" else self.world.plugin()["counters"]["connections"]
        absences = [[name, time.monotonic(), float("inf")] for name in together]
        self.absences += absences
        self.world.kill(victim)
        time.sleep(seconds)
        if victim == "portcullisd":
            self.world.start_daemon()
            absences[0][2] = time.monotonic()
            self.events.follow()
            absences[1][2] = time.monotonic()
            return
        if victim == "plugin":
            self.world.start_plugin(receiving=False)
        else:
            self.world.start_containerd()
            absences[0][2] = time.monotonic()
        wait_until(lambda: f"the plugin is receiving: {self.world.log('plugin')[-800:]}", lambda: self.receives(connections), 30)
        absences[-1][2] = time.monotonic()
        if victim == "containerd":
            self.reconnected.append(absences[1][2] - absences[0][2])

    def receives(self, connections):
        """Whether a connection later than so many is there, and the runtime has told what runs."""
        self.world.ended("plugin")
        status = self.world.plugin() or {"state": ""}
        return status["state"] == "receiving" and status["counters"]["connections"] > connections

    def was_away(self, name, begin, end):
        return any(name == who and begin < until and end > since for who, since, until in list(self.absences))

    def back(self, names, begin, end, earliest):
        """When the last of these was back that was away at some time between, but no earlier than so."""
        return max([earliest, *(until for who, since, until in self.absences if who in names and begin < until and end > since)])
