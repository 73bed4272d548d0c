"""A daemon, a feed and containers of runc for the checks of the feed: real ones, with directories and pins of their own."""
import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

here = os.path.dirname(os.path.abspath(__file__))


class Trouble(Exception):
    """What a check found wrong."""


def wait_until(what, condition, seconds=15):
    """Asks again until it is so; for what has no event of its own."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Trouble(f"not within {seconds} s: {what}")
        select.select([], [], [], 0.02)


class World:
    def __init__(self, build, python):
        self.build, self.python = build, python
        self.scratch = tempfile.mkdtemp(prefix="portcullis-feed-")
        self.pins = "/sys/fs/bpf/" + os.path.basename(self.scratch)
        self.events = self.scratch + "-events"
        self.processes = {}
        self.containers = 0
        self.fifo = None
        self.group = 0
        for name in ("policies", "applied"):
            os.mkdir(f"{self.scratch}/{name}", 0o700)
        os.chmod(self.scratch, 0o711)

    def path(self, name):
        return f"{self.scratch}/{name}"

    # Programs

    def start(self, name, *command, ready=None, **options):
        log = open(self.path(name + ".log"), "a")
        self.processes[name] = subprocess.Popen(command, **{"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, **options})
        if ready:
            wait_until(f"{name} is ready: {self.log(name)[-500:]}", lambda: ready() or self.ended(name), seconds=60)
        return self.processes[name]

    def ended(self, name):
        code = self.processes[name].poll()
        if code is not None:
            raise Trouble(f"{name} has ended with {code}: {self.log(name)[-1000:]}")

    def log(self, name):
        with open(self.path(name + ".log"), errors="replace") as file:
            return file.read()

    def stop(self, name, how=signal.SIGTERM):
        process = self.processes.pop(name, None)
        if process and process.poll() is None:
            process.send_signal(how)
            process.wait(20)

    def start_daemon(self, *options):
        if not os.path.isdir(self.events):
            os.mkdir(self.events, 0o750)
            os.chown(self.events, 0, self.group)
        seen = self.log("daemon").count("is ready") if os.path.exists(self.path("daemon.log")) else 0
        self.start(
            "daemon", f"{self.build}/portcullisd", f"--hook-socket={self.path('run/hook.sock')}", f"--control-socket={self.path('run/control.sock')}",
            f"--events-socket={self.events}/events.sock", f"--bpf-directory={self.pins}/v1", f"--spool={self.path('spool')}", "--config=/dev/null",
            f"--policy-dir={self.path('policies')}", f"--applied-policy-dir={self.path('applied')}", "--replay=off", *options,
            ready=lambda: self.log("daemon").count("is ready") > seen)

    def start_feed(self, *options, name="feed", user=None, ready=True, **process):
        directory = self.path(name)
        if not os.path.isdir(directory):
            os.mkdir(directory, 0o755)
        prefix = []
        if user:
            os.chown(directory, user, user)
            prefix = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--no-new-privs", "--inh-caps=-all"]
        seen = self.log(name).count("connected to portcullisd") if os.path.exists(self.path(name + ".log")) else 0
        return self.start(
            name, *prefix, f"{self.build}/portcullis-feed", "--config=/dev/null", f"--events-socket={self.events}/events.sock",
            f"--grpc-socket={directory}/feed.sock", *options,
            ready=(lambda: self.log(name).count("connected to portcullisd") > seen and os.path.exists(f"{directory}/feed.sock")) if ready else None, **process)

    def free_port(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    def metrics_option(self):
        """For a feed that `metrics` asks."""
        self.metrics_address = f"127.0.0.1:{self.free_port()}"
        return f"--metrics-address={self.metrics_address}"

    def metrics(self):
        """Values by name with labels, as they are written."""
        with urllib.request.urlopen(f"http://{self.metrics_address}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))}

    def portcullis(self, *arguments, text=None):
        answer = subprocess.run(
            [f"{self.build}/portcullis", *arguments, "--socket", self.path("run/control.sock")], input=text, capture_output=True, text=True, timeout=30)
        return answer.returncode, answer.stdout, answer.stderr

    def counters(self):
        status, output, error = self.portcullis("status", "--json")
        if status:
            raise Trouble(f"status: {error}")
        return json.loads(output)["counters"]

    # Clients

    def client(self, *arguments, target=None, options=()):
        """A client that is done when it has what it wants; (status, lines, errors)."""
        answer = subprocess.run(
            [self.python, f"{here}/client.py", "--target", target or f"unix:{self.path('feed/feed.sock')}", *options, *arguments],
            capture_output=True, text=True, timeout=60)
        return answer.returncode, [json.loads(line) for line in answer.stdout.splitlines()], answer.stderr

    @contextlib.contextmanager
    def watching(self, *arguments, target=None, options=()):
        """A client that is connected before the body begins; its lines are in `lines` behind it."""
        process = subprocess.Popen(
            [self.python, f"{here}/client.py", "--target", target or f"unix:{self.path('feed/feed.sock')}", *options, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        result = Watched(process)
        try:
            while True:
                line = process.stderr.readline()
                if line.startswith("READY"):
                    break
                if not line:
                    raise Trouble(f"the client ended: {process.wait(5)}")
            yield result
            output, errors = process.communicate(timeout=90)
            result.lines = [json.loads(line) for line in output.splitlines()]
            result.status, result.errors = process.returncode, errors
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()

    # Containers

    def wait_fifo(self):
        """The pipe that the container which was started last waits at, once it does."""
        return wait_until("the container's pipe", lambda: self.fifo and os.path.exists(self.fifo) and self.fifo)

    def run(self, script, name=None, annotations=None, seconds=60, fifo=False, files=None):
        """Runs a shell script in a new container to its end; the container's id. With `fifo` there is a pipe of that name in its root, and there are `files` with their content."""
        self.containers += 1
        name = name or f"{os.path.basename(self.scratch)}-{self.containers}"
        bundle = self.path("b-" + name)
        os.makedirs(f"{bundle}/rootfs/bin")
        for directory in ("proc", "dev", "sys", "etc", "tmp"):
            os.mkdir(f"{bundle}/rootfs/{directory}")
        for path, content in (files or {}).items():
            with open(f"{bundle}/rootfs/{path}", "w") as file:
                file.write(content)
        if fifo:
            os.mkfifo(f"{bundle}/rootfs/fifo")
            self.fifo = f"{bundle}/rootfs/fifo"
        shutil.copy("/bin/busybox", f"{bundle}/rootfs/bin/busybox")
        for applet in ("sh", "ls", "id", "cat", "sleep", "true"):
            os.link(f"{bundle}/rootfs/bin/busybox", f"{bundle}/rootfs/bin/{applet}")
        subprocess.run(["runc", "spec"], cwd=bundle, check=True)
        with open(f"{bundle}/config.json") as file:
            config = json.load(file)
        hook = f"{self.build}/x86_64/portcullis-hook"
        config["process"].update(terminal=False, args=["/bin/sh", "-c", script])
        config["root"]["readonly"] = False
        config["annotations"] = annotations or {"app": "demo"}
        config["hooks"] = {"prestart": [{"path": hook, "args": [hook, "--socket", self.path("run/hook.sock"), "--spool", self.path("spool"), "--timeout", "5s"]}]}
        with open(f"{bundle}/config.json", "w") as file:
            json.dump(config, file)
        done = subprocess.run(["runc", "run", "--bundle", bundle, name], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds)
        self.output = done.stdout
        return name

    def close(self):
        for name in list(self.processes):
            self.stop(name, signal.SIGKILL)
        subprocess.run([f"{self.build}/portcullisd", "--remove", f"--bpf-directory={self.pins}/v1"], capture_output=True)
        for directory in (self.scratch, self.events, self.pins):
            shutil.rmtree(directory, ignore_errors=True)


class Watched:
    def __init__(self, process):
        self.process = process
        self.lines, self.status, self.errors = [], None, ""

    def tell(self):
        """What a client that stalls waits for."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
