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


class Curl:
    """A compiled client: it asks for logs as gRPC does over HTTP/2, and keeps the answer in memory."""

    def __init__(self, world):
        self.request, self.answer = world.path("request"), "/dev/shm/portcullis-bench-k"
        with open(self.request, "wb") as file:
            file.write(b"\0" + struct.pack(">I", 5) + b"\x0a\x03all")
        self.process = subprocess.Popen([
            "curl", "--silent", "--show-error", "--no-buffer", "--http2-prior-knowledge", "--unix-socket", world.path("feed/feed.sock"), "--header", "content-type: application/grpc",
            "--header", "te: trailers", "--data-binary", f"@{self.request}", "--dump-header", world.path("header"), "--output", self.answer, "http://localhost/feeder.LogService/WatchLogs"])
        deadline = time.monotonic() + 20
        # The feed answers once it gets from the daemon what the stream is made of.
        while not os.path.exists(world.path("header")) or b"200" not in open(world.path("header"), "rb").read():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Impossible("curl gets no stream")
            select.select([], [], [], 0.02)

    def size(self):
        return os.path.getsize(self.answer) if os.path.exists(self.answer) else 0

    def end(self):
        """(messages, how many of them it is told were lost)"""
        self.process.kill()
        self.process.wait()
        with open(self.answer, "rb") as file:
            answer = file.read()
        os.unlink(self.answer)
        at = messages = 0
        while at + 5 <= len(answer):
            at += 5 + struct.unpack_from(">I", answer, at + 1)[0]
            messages += 1
        told = re.findall(rb"Lost\x12.(\d+)", answer)
        return messages - len(told), sum(int(number) for number in told)


def _stream(part, world, count):
    world.start_daemon("--event-buffer-kib=65536", "--visibility=process,file", "--failures=off")
    world.start_feed()
    feed, daemon = world.processes["feed"].pid, world.processes["daemon"].pid
    part.bar("resident memory of the feed, fresh", _resident(feed), 40, "MiB")
    client = Curl(world)
    made_before = world.counters()["eventsRead"]
    before, daemon_before, began = _cpu(feed), _cpu(daemon), time.monotonic()
    world.run(OPENS.format(count), seconds=240)
    seconds = time.monotonic() - began
    made = _settled(world) - made_before + world.counters()["eventsLost"]
    last = -1
    while client.size() != last:
        last = client.size()
        select.select([], [], [], 0.5)
    spent, daemon_spent = _cpu(feed) - before, _cpu(daemon) - daemon_before
    messages, lost = client.end()
    counters = world.counters()
    method = f"one container opens a file {count:,} times as fast as it can, curl reads; source, daemon, feed and curl share {os.cpu_count()} cores"
    part.value("messages to a compiled client", messages / seconds, "1/s", messages, method)
    part.value("messages that it was told were lost", lost, "", 1, method)
    # What the daemon dropped the feed was told of, and told its client.
    part.bar("events neither delivered nor told as lost", abs(made - counters["eventsLost"] - messages - lost), 0, "")
    part.value("daemon's time for an event, live", daemon_spent / made / 1000, "us", made, method)
    part.bar("feed's time for a message", spent / (messages + lost) / 1000, 5, "us")
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
    for step, count in ((_full_ring, 150_000), (_stream, 100_000 if context.quick else 1_000_000), (_latency, 500 if context.quick else 5_000)):
        world = worlds.World(context.bin, cache + "/venv/bin/python")
        try:
            step(part, world, count)
        except worlds.Trouble as trouble:
            raise Impossible(str(trouble)) from trouble
        finally:
            world.close()
    return part
