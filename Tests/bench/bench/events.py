"""A listener on the daemon's events."""
import json
import subprocess
import threading
import time
from datetime import datetime, timezone

from .daemon import die_with_parent
from .failure import Impossible
from .tools import stop


class Listener:
    """`portcullis events --json`, read in a thread so that its pipe never fills."""

    def __init__(self, daemon):
        self.process = subprocess.Popen([daemon.context.cli, "events", "--json", "--socket", daemon.control_socket],
                                        stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, preexec_fn=die_with_parent)
        self.lines = []
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()
        # There is no word from the daemon that a listener has been accepted; what comes later than this is seen.
        time.sleep(0.3)
        if self.process.poll() is not None:
            raise Impossible("portcullis events ended at once")

    def _read(self):
        for line in self.process.stdout:
            # Only these are needed; decoding every line would take CPU from what is measured.
            if '"first":true' in line or '"type":"lost"' in line:
                self.lines.append(line)

    def first_execs(self, wanted, seconds=10):
        """Time of each container's first exec, nanoseconds since 1970, by container id. Waits for `wanted` of them."""
        end = time.monotonic() + seconds
        while len(self.lines) < wanted and time.monotonic() < end:
            time.sleep(0.05)
        found = {}
        for line in list(self.lines):
            event = json.loads(line)
            if event["type"] == "lost":
                raise Impossible(f"the listener lost {event['count']} events")
            found.setdefault(event["container"]["id"], _nanoseconds(event["time"]))
        return found

    def __enter__(self):
        return self

    def __exit__(self, *_):
        stop(self.process)
        self.thread.join(5)


class QuietListener:
    """A listener whose output goes nowhere: the daemon decodes, writes JSON and sends."""

    def __init__(self, daemon):
        self.daemon = daemon

    def __enter__(self):
        self.process = subprocess.Popen([self.daemon.context.cli, "events", "--json", "--socket", self.daemon.control_socket],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, preexec_fn=die_with_parent)
        time.sleep(0.3)
        return self

    def __exit__(self, *_):
        stop(self.process)


def _nanoseconds(text):
    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1000
