"""Cases about files, standard output and the journal: what is stuck, full, renamed or away, and what was made is what was written and what was told as lost."""
import json
import os
import socket
import subprocess
import threading
import time

from cases import BLOCK_LS, case, expect, same, validate
from world import wait_until


class Made:
    """Counts the events that are made from now on."""

    def __init__(self, world):
        self.world, self.before = world, world.counters()

    def flood(self, count):
        """The shell's own opens: nothing is started for them."""
        self.world.run(f"i=0; while [ $i -lt {count} ]; do : < /bin/sh; i=$((i+1)); done")

    @property
    def lost(self):
        """In the kernel: no message tells of them."""
        return self.world.counters()["eventsLost"] - self.before["eventsLost"]

    @property
    def told(self):
        after = self.world.counters()
        return after["eventsSent"] - self.before["eventsSent"]


class Lines:
    """JSON lines as an outlet has them: the logs, and what it says is missing."""

    def __init__(self, text):
        self.messages = [json.loads(line) for line in text.splitlines() if line]
        notices = [message for message in self.messages if message["Operation"] == "Lost"]
        self.ids = [message["EventID"] for message in self.messages if message["Operation"] != "Lost"]
        self.lost = sum(int(notice["EventData"]["Lost"]) for notice in notices)
        # What the feed was too slow for is no outlet's.
        self.lost_here = sum(int(notice["EventData"]["Lost"]) for notice in notices if "json-" in notice["Resource"])

    @property
    def seen(self):
        """While files are renamed one may be read twice."""
        return len(set(self.ids)) + self.lost

    @property
    def sum(self):
        same(len(set(self.ids)), len(self.ids), "lines that came once")
        return len(self.ids) + self.lost


def read(path):
    if not os.path.exists(path):
        return ""
    with open(path, "rb") as file:
        # A line that is being written is not there yet.
        return file.read().rpartition(b"\n")[0].decode()


def lost_lines(world, outlet):
    return world.metrics()[f'portcullis_feed_lines_lost_total{{outlet="{outlet}"}}']


@case
def stuck_output(world):
    """Standard output is a pipe that nobody reads: clients and the file go on, and when somebody reads, what was written and what is told is what was made."""
    world.start_daemon("--event-buffer-kib=16384")
    reading, writing = os.pipe()
    feed = world.start_feed("--json-output", f"--json-file={world.path('feed.jsonl')}", "--outlets=logs", world.metrics_option(), stdout=writing)
    os.close(writing)
    made = Made(world)
    with world.watching("rate", "--stream", "logs", "--filter", "all", "--idle", "4", "--timeout", "60") as client:
        made.flood(60000)
    line = client.lines[-1]
    same(line["distinct"] + line["lost"], made.told, f"the client: {line}")
    lost = lost_lines(world, "output")
    expect(lost > 0, "nothing was lost at a pipe that nobody reads")
    same(lost_lines(world, "file"), 0, "lost at the file beside it")
    with open(f"/proc/{feed.pid}/status") as file:
        resident = int(next(line.split()[1] for line in file if line.startswith("VmRSS")))
    expect(resident < 160_000, f"the feed has {resident} KiB")
    output = []
    reader = threading.Thread(target=lambda: output.append(os.fdopen(reading, "rb").read().decode()))
    reader.start()
    # What waits is written before it ends.
    world.stop("feed")
    same(feed.returncode, 0, "its status")
    reader.join(20)
    printed, written = Lines(output[0]), Lines(read(world.path("feed.jsonl")))
    same(printed.sum, made.told, "on standard output and told as lost there")
    same(printed.lost_here, lost, "told, and counted")
    same(written.sum, made.told, "in the file")
    same(written.lost_here, 0, "told as lost in the file")
    validate(world, world.path("feed.jsonl"))
    return f"{made.told} events, {len(printed.ids)} printed and {printed.lost} told as lost, {resident} KiB"


@case
def stuck_ending(world):
    """Where nothing takes what waits, the feed ends all the same, after its time."""
    os.mkfifo(world.path("fifo"))
    world.start_daemon()
    reading, writing = os.pipe()
    feed = world.start_feed("--json-output", f"--json-file={world.path('fifo')}", "--outlets=logs", world.metrics_option(), stdout=writing)
    os.close(writing)
    made = Made(world)
    with world.watching("rate", "--stream", "logs", "--filter", "all", "--idle", "2", "--timeout", "60") as client:
        made.flood(1000)
    same(client.lines[-1]["count"], made.told, "the client")
    same(world.metrics()["portcullis_healthy"], 1, "healthy")
    begin = time.monotonic()
    world.stop("feed")
    took = time.monotonic() - begin
    os.close(reading)
    same(feed.returncode, 0, "its status")
    expect(4 < took < 9, f"it took {took:.1f} s to end")


@case
def full_disk(world):
    """A full file system: lines are lost whole, and when there is room again the file says how many."""
    disk = world.path("disk")
    os.mkdir(disk)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", disk], check=True)
    try:
        world.start_daemon("--event-buffer-kib=16384")
        world.start_feed(f"--json-file={disk}/feed.jsonl", "--outlets=logs", world.metrics_option())
        made = Made(world)
        made.flood(4000)
        lost = wait_until("lines are lost", lambda: lost_lines(world, "file"))
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        made.flood(10)
        wait_until("the file has the rest", lambda: Lines(read(f"{disk}/feed.jsonl")).seen >= made.told)
        lines = Lines(read(f"{disk}/feed.jsonl"))
        same(lines.sum, made.told, "written and told as lost")
        expect(lines.lost_here >= lost and lines.lost_here == lost_lines(world, "file"), f"{lines.lost_here} told, {lost_lines(world, 'file')} counted")
        expect("No space left" in world.log("feed"), world.log("feed")[-500:])
        validate(world, f"{disk}/feed.jsonl")
        world.stop("feed")
        return f"{made.told} events, {lines.lost} told as lost"
    finally:
        world.stop("feed")
        subprocess.run(["umount", disk], check=True)


@case
def rotation(world):
    """Files are renamed when they have their size; over that no line is lost, cut or doubled, and there are as many files as there may be."""
    path, size, chunk = world.path("feed.jsonl"), 1 << 20, 320 << 10
    world.start_daemon("--event-buffer-kib=16384")
    world.start_feed(f"--json-file={path}", "--json-file-mib=1", "--json-files-kept=3", "--outlets=logs")
    made = Made(world)

    def files():
        return sorted(name for name in os.listdir(world.scratch) if name.startswith("feed.jsonl"))

    def written():
        return Lines("\n".join(read(f"{world.scratch}/{name}") for name in files()))

    made.flood(4500)
    wait_until("all is written", lambda: written().seen >= made.told)
    lines, sizes = written(), {name: os.path.getsize(f"{world.scratch}/{name}") for name in files()}
    same(lines.sum, made.told, "lines")
    same(lines.lost_here, 0, "lost")
    expect(len(sizes) in (3, 4), f"{sizes}: too few or too many for this test")
    same(sorted(sizes), ["feed.jsonl", "feed.jsonl.1", "feed.jsonl.2", "feed.jsonl.3"][:len(sizes)], "names")
    expect(sizes.pop("feed.jsonl") < size, "the newest is not full")
    expect(all(size <= found < size + chunk for found in sizes.values()), f"{sizes}")
    # From the oldest to the newest, each goes on where the one before ended.
    # The newest is empty if the last line of all was the one that filled its file.
    starts = [part[0]["UpdatedTime"] for part in (Lines(read(f"{world.scratch}/{name}")).messages for name in reversed(files())) if part]
    same(len(starts) >= len(sizes), True, "only the newest may be empty")
    same(starts, sorted(starts), "the order of the files")
    made.flood(4500)
    wait_until("the oldest have gone", lambda: len(files()) == 4 and not set(lines.ids) <= set(written().ids))
    same(files(), ["feed.jsonl", "feed.jsonl.1", "feed.jsonl.2", "feed.jsonl.3"], "files after more than fit")
    return f"{made.told} events in {sizes}"


class JournalSocket:
    """Where systemd-journald would take entries."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.settimeout(15)

    def entry(self):
        """Each field is a line: none has a newline in it."""
        return dict(line.split("=", 1) for line in self.socket.recv(1 << 20).decode().splitlines())

    def close(self):
        self.socket.close()
        os.unlink(self.path)


@case
def journal(world):
    """Entries as systemd-journald takes them; while it is away they are lost, counted and told when it is back."""
    with open(world.path("policies/p.yaml"), "w") as file:
        file.write(BLOCK_LS)
    listener = JournalSocket(world.path("journal"))
    world.start_daemon()
    world.start_feed("--journal", f"--journal-socket={world.path('journal')}", "--outlets=alerts", world.metrics_option())
    name = world.run("/bin/ls /etc")
    entry = listener.entry()
    message = json.loads(entry.pop("MESSAGE"))
    same(entry, {"SYSLOG_IDENTIFIER": "portcullis", "PRIORITY": "4", "PORTCULLIS_EVENT_ID": message["EventID"], "PORTCULLIS_OPERATION": "Process",
                 "PORTCULLIS_CONTAINER_ID": name, "PORTCULLIS_POLICY": "no-ls"}, "the fields")
    same((message["PolicyName"], message["ContainerID"]), ("no-ls", name), "the message")
    listener.close()
    world.run("/bin/ls /; /bin/ls /")
    wait_until("they are counted", lambda: lost_lines(world, "journal") == 2)
    listener = JournalSocket(world.path("journal"))
    name = world.run("/bin/ls /")
    notice, entry = listener.entry(), listener.entry()
    same((notice["PORTCULLIS_OPERATION"], json.loads(notice["MESSAGE"])["EventData"]), ("Lost", {"Lost": "2"}), "the word about what is missing")
    same(entry["PORTCULLIS_CONTAINER_ID"], name, "and then what came")
    listener.close()


@case
def journal_of_the_host(world):
    """What is sent to the journal is no act that is reported, which would be another entry, and so on without end."""
    listener = JournalSocket(world.path("journal"))
    listener.socket.settimeout(0.5)
    world.start_daemon("--host-visibility=network")
    world.start_feed("--journal", f"--journal-socket={world.path('journal')}", "--outlets=logs")
    entries, port = [], 59000 + os.getpid() % 1000

    def has_come():
        refused("127.0.0.1", port)
        try:
            entries.append(json.loads(listener.entry()["MESSAGE"]))
        except TimeoutError:
            return False
        return f"port={port} " in entries[-1]["Resource"]

    # Each makes a few entries more; the first ones may come before the feed has asked for logs.
    wait_until("a connection is in the journal", has_come)
    for _ in range(20):
        has_come()
    own = [entry for entry in entries if entry["HostPID"] == world.processes["feed"].pid and "type=SOCK_DGRAM" in entry["Resource"]]
    expect(len(own) <= 1, f"the feed's own sockets are in {len(own)} entries")
    listener.close()


def refused(address, port):
    with socket.socket() as own:
        own.connect_ex((address, port))
