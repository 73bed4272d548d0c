"""A portcullisd of the benchmark's own: own sockets, own pin directory, nothing left behind."""
import ctypes
import json
import os
import secrets
import shutil
import signal
import subprocess
import time

from . import machine
from .failure import Impossible
from .tools import stop

BPF_ROOT = "/sys/fs/bpf"


def die_with_parent():
    """For a child: an interrupted benchmark must not leave a daemon behind."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Daemon:
    """A running daemon. `with Daemon(...) as daemon:` stops it and removes its pins."""

    def __init__(self, context, *settings, cpu=None):
        self.context = context
        self.name = f"pcbench-{os.getpid()}-{secrets.token_hex(4)}"
        self.directory = os.path.join(context.work, self.name)
        os.mkdir(self.directory, 0o700)
        self.hook_socket = os.path.join(self.directory, "hook.sock")
        self.control_socket = os.path.join(self.directory, "control.sock")
        self.spool = os.path.join(self.directory, "spool")
        self.pins = os.path.join(BPF_ROOT, self.name)
        self.log = open(os.path.join(self.directory, "log"), "w+")
        configuration = os.path.join(self.directory, "config.yaml")
        open(configuration, "w").close()
        command = [context.daemon, "--config", configuration, "--hook-socket", self.hook_socket, "--control-socket",
                   self.control_socket, "--spool", self.spool, "--bpf-directory", os.path.join(self.pins, "v1"), "--self-protection", "false", "--replay", "off",
                   "--log-level", "warning", *settings]

        def prepare():
            die_with_parent()
            if cpu is not None:
                os.sched_setaffinity(0, {cpu})

        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, preexec_fn=prepare)

    @property
    def pid(self):
        return self.process.pid

    def __enter__(self):
        try:
            end = time.monotonic() + 15
            while True:
                try:
                    self.status()
                    return self
                except Impossible:
                    if self.process.poll() is not None or time.monotonic() > end:
                        raise Impossible(f"portcullisd did not start:\n{self.log_text()}") from None
                    time.sleep(0.05)
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()

    def close(self):
        stop(self.process)
        shutil.rmtree(self.pins, ignore_errors=True)
        self.log.close()

    def log_text(self):
        with open(self.log.name) as file:
            return file.read()[-4000:]

    def status(self):
        """The daemon's own report."""
        done = subprocess.run([self.context.cli, "status", "--json", "--socket", self.control_socket], capture_output=True, text=True)
        if done.returncode:
            raise Impossible(f"portcullis status: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def counters(self):
        return self.status()["counters"]

    def containers(self):
        return self.status()["maps"]["containers"]

    def wait_for_containers(self, count, seconds=60):
        """Waits until exactly `count` containers are registered: the ends of the others have been seen and their slots freed."""
        end = time.monotonic() + seconds
        while (found := self.containers()) != count:
            if time.monotonic() > end:
                raise Impossible(f"the daemon has {found} containers instead of {count} after {seconds} s:\n{self.log_text()}")
            time.sleep(0.05)

    def cpu(self):
        return machine.process_cpu(self.pid)

    def memory(self):
        return machine.process_status(self.pid)


def require_bpf_file_system():
    with open("/proc/mounts") as file:
        if not any(line.split()[1:3] == [BPF_ROOT, "bpf"] for line in file):
            raise Impossible(f"{BPF_ROOT} is not a bpf file system: mount -t bpf bpf {BPF_ROOT}")
