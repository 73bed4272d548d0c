"""The C helpers: compiled once for a run, and the processes they become."""
import os
import shutil
import subprocess

from .failure import Impossible

SOURCES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "c")
NAMES = ("empty", "holders", "spawntime", "loadgen", "poller", "churn", "memory", "loops")


class Tools:
    """Paths of the compiled helpers, by name."""

    def __init__(self, directory):
        self.directory = directory
        self.compiler = _static_compiler()
        for name in NAMES:
            command = self.compiler + ["-O2", "-Wall", "-Wextra", "-Werror", "-o", self[name], os.path.join(SOURCES, name + ".c")]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise Impossible(f"cannot compile {name}.c:\n{done.stderr}")
        self.has_glibc_empty = self._compile_glibc_empty()

    def with_libbpf(self, name):
        """Compiles a helper that speaks to the kernel through libbpf, which there is for glibc only."""
        command = ["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", self[name], os.path.join(SOURCES, name + ".c"), "-lbpf"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise Impossible(f"cannot compile {name}.c:\n{done.stderr}")
        return self[name]

    def _compile_glibc_empty(self):
        """The usual libc's empty program, for comparison only: its start asks the CPU dozens of questions, which a hypervisor
        answers, so that in a virtual machine it is no yardstick."""
        if self.compiler[0] in ("gcc", "cc") or not shutil.which("gcc"):
            return False
        command = ["gcc", "-static", "-O2", "-o", self["empty-glibc"], os.path.join(SOURCES, "empty.c")]
        return subprocess.run(command, capture_output=True).returncode == 0

    def __getitem__(self, name):
        return os.path.join(self.directory, name)


def _static_compiler():
    """musl if there is one: its empty program is the smallest, so it is the strictest yardstick."""
    for name in ("musl-gcc", f"{os.uname().machine}-linux-musl-gcc", "gcc", "cc"):
        if shutil.which(name):
            return [name, "-static"]
    raise Impossible("no C compiler: install gcc")


class Run:
    """One sample of `spawntime`."""

    def __init__(self, line):
        self.ns, self.max_rss, self.minor_faults, self.major_faults, self.status, self.pages_left = map(int, line.split())


def spawn(tools, commands, at_once=False):
    """Times `commands`, tuples of (stdin path, path whose pages are dropped or None, argument list), in their order."""
    plan = "".join("\t".join([stdin, dropped or "-", *words]) + "\n" for stdin, dropped, words in commands)
    done = subprocess.run([tools["spawntime"], *(["--at-once"] if at_once else [])], input=plan, capture_output=True, text=True)
    if done.returncode:
        raise Impossible(f"spawntime failed: {done.stderr}")
    runs = [Run(line) for line in done.stdout.splitlines()]
    if len(runs) != len(commands):
        raise Impossible(f"spawntime timed {len(runs)} of {len(commands)} commands")
    return runs


def peak_memory(tools, stdin, words):
    """KiB that a command had resident at most, read exactly while it is held at its exit."""
    done = subprocess.run([tools["memory"], stdin, *words], capture_output=True, text=True)
    if done.returncode:
        raise Impossible(f"memory failed: {done.stderr}")
    resident, _, high, status = map(int, done.stdout.split())
    if status:
        raise Impossible(f"{words[0]} ended with status {status}")
    return max(resident, high)


class Holders:
    """N live processes in namespaces of their own; killed when the block ends, or when this process dies."""

    def __init__(self, tools, count):
        self.process = subprocess.Popen([tools["holders"], str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lines = []
        for line in self.process.stdout:
            if line.strip() == "ready":
                break
            self.lines.append(line)
        if len(self.lines) != count:
            self.close()
            raise Impossible(f"only {len(self.lines)} of {count} processes with namespaces of their own could be made")

    @property
    def pids(self):
        return [int(line.split()[0]) for line in self.lines]

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def stop(process, seconds=10):
    """Ends a child by SIGTERM, and by SIGKILL if it does not listen."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
