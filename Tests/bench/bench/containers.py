"""Real containers: `runc run` as a timed command, in a state directory of the benchmark's own."""
import os
import shutil
import subprocess

from .failure import Impossible


class Runc:
    """runc with its own --root, so that nothing else on the machine is seen or touched."""

    def __init__(self, context):
        self.path = shutil.which("runc")
        if not self.path:
            raise Impossible("no runc: install it")
        self.root = os.path.join(context.work, "runc")
        os.makedirs(self.root, mode=0o700, exist_ok=True)

    def run(self, container, bundle):
        """The command that runs a container until it ends."""
        return [self.path, "--root", self.root, "run", "--bundle", bundle, container]

    def remove_all(self):
        """Whatever an interrupted run has left."""
        for container in os.listdir(self.root):
            subprocess.run([self.path, "--root", self.root, "delete", "--force", container], capture_output=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove_all()


def check(runc, container, bundle):
    """Runs one container with its messages shown: a bundle that does not work must say why."""
    done = subprocess.run(runc.run(container, bundle), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise Impossible(f"runc run: {(done.stderr or done.stdout).strip()}")
    return done.stdout
