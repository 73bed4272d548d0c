"""What the daemon tells of what happens."""
import json
import os
import subprocess
import threading
import uuid

from world import wait_until


class Events:
    """Follows the daemon's events, so that what happens from now on is seen."""

    def __init__(self, world):
        self.world, self.offset, self.all, self.lock = world, 0, [], threading.Lock()
        self.follow()

    def follow(self):
        """Begins, or begins again with another daemon."""
        self.world.kill("events")
        self.world.start("events", f"{self.world.build}/portcullis", "events", "--json", "--socket", self.world.path("run/control.sock"))

        def is_heard():
            # The reader has no other way to say that it is there: something happens until it tells of it.
            self.world.ended("events")
            mark = f"--{uuid.uuid4()}"
            subprocess.run(["/bin/true", mark], check=True)
            return self.marked(mark)

        wait_until("the reader of events hears of something", is_heard)

    def read(self):
        """All that has been told so far."""
        with self.lock:
            with open(self.world.path("events.log"), "rb") as file:
                file.seek(self.offset)
                text = file.read()
            # A reader that was killed may have left half a line, which the next one's first follows.
            for line in text[:text.rfind(b"\n") + 1].splitlines():
                self.offset += len(line) + 1
                try:
                    self.all.append(json.loads(line))
                except ValueError:
                    continue
            return list(self.all)

    def lost(self):
        """Whether the reader has been told that it was too slow for some."""
        return any(event["type"] == "lost" for event in self.read())

    def of(self, container):
        return [event for event in self.read() if (event.get("container") or {}).get("id") == container]

    def executed(self, container):
        return [event["process"]["executable"] for event in self.of(container) if event["type"] == "exec"]

    def marked(self, mark):
        """The ids of the containers that the execs with this word among their arguments belong to, in order; None for one of nobody's."""
        return [(event.get("container") or {}).get("id") for event in self.read()
                if event["type"] == "exec" and any(mark in argument for argument in event["process"]["arguments"])]
