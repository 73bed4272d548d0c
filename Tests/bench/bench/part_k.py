"""k: the feed: what an event costs from the ring to a gRPC client, how late an alert is, and how much memory it takes."""
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from datetime import datetime, timezone

from . import stats
from .failure import Impossible
from .report import Part

TITLE = "The feed"
FEED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "feed")
EVENT_RECORDS = 12
OPENS = "i=0; while [ $i -lt {} ]; do : < /bin/sh; i=$((i+1)); done"
POLICY = """apiVersion: security.kubearmor.com/v1
kind: KubeArmorPolicy
metadata: {name: bench}
spec:
  selector: {matchLabels: {app: demo}}
  process:
    matchPaths: [{path: /bin/ls}]
  action: Block
"""


def _cpu(pid):
    """Nanoseconds of processor time so far, of the threads that have ended too; in steps of a clock tick."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * (1_000_000_000 // os.sysconf("SC_CLK_TCK"))


def _resident(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) / 1024


class Sink:
    """A reader of records that looks at nothing."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.socket.sendall(struct.pack("<IBB", 2, 1, EVENT_RECORDS))
        self.socket.recv(1 << 16)
        self.bytes = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        buffer = bytearray(1 << 20)
        while True:
            try:
                count = self.socket.recv_into(buffer)
            except OSError:
                return
            if not count:
                return
            self.bytes += count


def _settled(world, name="eventsRead"):
    """A counter of the daemon's once it stands still."""
    last, value = -1, world.counters()[name]
    while value != last:
        select.select([], [], [], 0.3)
        last, value = value, world.counters()[name]
    return value


def _full_ring(part, world, count):
    world.start_daemon("--event-buffer-kib=65536", "--visibility=process,file", "--failures=off")
    pid = world.processes["daemon"].pid
    sink = Sink(world.events + "/events.sock")
    before = _settled(world)
    world_run = threading.Thread(target=lambda: world.run("read line < /fifo; " + OPENS.format(count), fifo=True))
    world_run.start()
    bundle_fifo = world.wait_fifo()
    # Opened once the container's own process reads, which is behind its hook.
    with open(bundle_fifo, "w") as fifo:
        os.kill(pid, signal.SIGSTOP)
        fifo.write("\n")
    # The container's end needs the daemon only for its poststop, which it has not.
    world_run.join(120)
    spent = _cpu(pid)
    os.kill(pid, signal.SIGCONT)
    deadline = time.monotonic() + 60
    while _settled(world) + world.counters()["eventsLost"] < before + count and time.monotonic() < deadline:
        pass
    after = _settled(world)
    events, spent = after - before, _cpu(pid) - spent
    lost = world.counters()["eventsLost"]
    if events < count * 0.9:
        raise Impossible(f"only {events} of {count} events were read, {lost} lost")
    part.value("daemon's time for an event, from a full ring to a reader", spent / events, "ns", events, "the daemon is stopped while a container fills the ring, then goes on; its times in proc(5), the sending included")
    part.value("bytes of a record", sink.bytes / events, "bytes", events, "as they come over the socket")
    part.bar("events a second on one core, full ring to record", 1e9 * events / spent, 2_000_000, "1/s", least=True)
    world.stop("daemon")


def _stream(part, world, count):
    world.start_daemon("--event-buffer-kib=65536", "--visibility=process,file", "--failures=off")
    world.start_feed()
    feed, daemon = world.processes["feed"].pid, world.processes["daemon"].pid
    part.bar("resident memory of the feed, fresh", _resident(feed), 40, "MiB")
    with world.watching("rate", "--stream", "logs", "--filter", "all", "--idle", "5", "--timeout", "300") as client:
        before, daemon_before = _cpu(feed), _cpu(daemon)
        world.run(OPENS.format(count), seconds=240)
    spent, messages = _cpu(feed) - before, client.lines[-1]["distinct"]
    method = f"one container opens a file {count:,} times, one Python client reads; times in proc(5)"
    part.value("messages to a Python client", client.lines[-1]["per_second"], "1/s", messages, method)
    part.value("messages that it was told were lost", client.lines[-1]["lost"], "", 1, method)
    part.value("feed's time for a message", spent / (messages + client.lines[-1]["lost"]) / 1000, "us", messages, method)
    part.value("daemon's time for an event, live", (_cpu(daemon) - daemon_before) / (messages + client.lines[-1]["lost"]) / 1000, "us", messages, method)
    part.bar("feed's time for a message", spent / (messages + client.lines[-1]["lost"]) / 1000, 5, "us")
    part.bar(f"resident memory of the feed after {messages:,} messages", _resident(feed), 90, "MiB")
    world.stop("feed")
    world.stop("daemon")


def _latency(part, world, count):
    with open(world.path("policies/p.yaml"), "w") as file:
        file.write(POLICY)
    world.start_daemon()
    world.start_feed()
    late = []
    client = subprocess.Popen(
        [world.python, "-u", f"{FEED}/client.py", "--target", f"unix:{world.path('feed/feed.sock')}", "alerts", "--filter", "policy", "--timeout", "60", "--count", str(count)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not client.stderr.readline().startswith("READY"):
        if client.poll() is not None:
            raise Impossible("the client ended")
    began = time.monotonic()
    runner = threading.Thread(target=lambda: world.run(f"i=0; while [ $i -lt {count} ]; do /bin/ls /none; i=$((i+1)); done 2>/dev/null", seconds=120))
    runner.start()
    for line in client.stdout:
        now = time.time()
        at = re.search(r'"UpdatedTime":"([^"]+)"', line).group(1)
        late.append((now - datetime.strptime(at, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc).timestamp()) * 1000)
    rate = len(late) / (time.monotonic() - began)
    runner.join()
    part.distribution("from the act to the alert in a Python client", late, "ms", f"execs that a rule blocks (on a kernel that enforces nothing: would block), one after another, {rate:.0f} a second")
    part.bar("the same, 99th percentile", stats.quantile(late, 0.99), 20, "ms")
    world.stop("feed")
    world.stop("daemon")


def measure(context):
    sys.path.insert(0, FEED)
    import world as worlds
    part = Part("k", TITLE)
    if not os.access(os.path.join(context.bin, "portcullis-feed"), os.X_OK):
        raise Impossible("no portcullis-feed: make feed")
    cache = os.environ.get("PORTCULLIS_FEED_CACHE", "/var/cache/portcullis-feed")
    fetched = subprocess.run([f"{FEED}/fetch", cache], capture_output=True, text=True)
    if fetched.returncode:
        raise Impossible(fetched.stderr.strip())
    for step, count in ((_full_ring, 100_000), (_stream, 100_000 if context.quick else 1_000_000), (_latency, 500 if context.quick else 5_000)):
        world = worlds.World(context.bin, cache + "/venv/bin/python")
        try:
            step(part, world, count)
        except worlds.Trouble as trouble:
            raise Impossible(str(trouble)) from trouble
        finally:
            world.close()
    return part
