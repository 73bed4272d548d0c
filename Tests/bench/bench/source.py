"""A container that makes process events, and what the daemon counted meanwhile."""
import itertools
import subprocess
import time
from contextlib import contextmanager

from . import bundles
from .failure import Impossible
from .tools import stop

_numbers = itertools.count()


class Churn:
    """One run of the source of events."""

    def __init__(self, rounds, seconds, before, after, cpu):
        self.rate = rounds / seconds
        self.sent = after["eventsSent"] - before["eventsSent"]
        self.lost = after["eventsLost"] - before["eventsLost"]
        self.dropped = after["controlEventsDropped"] - before["controlEventsDropped"]
        self.events = (self.sent + self.lost) / seconds
        self.daemon_us = cpu / 1000 / max(self.sent, 1)


class Source:
    """Starts `churn` (churn.c) as a container: its processes carry the container's label, so their events are sent."""

    def __init__(self, context, daemon, runc, kind, cpu, workers):
        self.context, self.daemon, self.runc = context, daemon, runc
        self.kind, self.cpu, self.workers = kind, cpu, workers

    @contextmanager
    def start(self, milliseconds, rate, wait=0):
        hook = [self.context.hook, "--socket", self.daemon.hook_socket, "--on-failure", "deny"]
        words = ["/bin/churn", self.kind, *map(str, (milliseconds, rate, self.cpu, self.workers, wait))]
        bundle = bundles.run_bundle(self.context.work, "churn", words, hook, [self.context.tools["churn"]])
        process = subprocess.Popen(self.runc.run(f"churn{next(_numbers):04d}", bundle), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            yield process
        finally:
            stop(process)
            process.stdout.close()
            process.stderr.close()

    def run(self, milliseconds, rate):
        """Makes events for so long and returns what became of them."""
        before, cpu = self.daemon.counters(), self.daemon.cpu()
        with self.start(milliseconds, rate) as process:
            out, complaints = process.communicate()
            if process.returncode:
                raise Impossible(f"the source of events failed: {complaints.strip() or out.strip()}\n{self.daemon.log_text()}")
        settle(self.daemon)
        cpu, after = self.daemon.cpu() - cpu, self.daemon.counters()
        made, nanoseconds = map(int, out.split())
        churn = Churn(made, nanoseconds / 1e9, before, after, cpu)
        expected = made * (2 if self.kind == "exec" else 1)
        if churn.sent + churn.lost < expected:
            raise Impossible(f"{made} rounds of {self.kind} made only {churn.sent + churn.lost} events instead of {expected}")
        return churn


def settle(daemon):
    """Waits until the daemon has read what was sent."""
    end = time.monotonic() + 10
    while (counters := daemon.counters())["eventsRead"] < counters["eventsSent"]:
        if time.monotonic() > end:
            raise Impossible(f"{counters['eventsSent'] - counters['eventsRead']} events were never read")
        time.sleep(0.05)
