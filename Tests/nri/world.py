"""A containerd, a daemon, a plugin and pods for the checks of portcullis-nri: real ones, with directories, sockets and pins of their own."""
import contextlib
import glob
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import api_pb2
import grpc

IMAGE = "localhost/portcullis/busybox:1"


class Trouble(Exception):
    """What a check found wrong."""


def wait_until(what, condition, seconds=20):
    """Asks again until it is so; for what has no event of its own."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Trouble(f"not within {seconds} s: {what() if callable(what) else what}")
        select.select([], [], [], 0.02)


def expect(condition, what):
    if not condition:
        raise Trouble(what() if callable(what) else str(what))


def same(found, wanted, what):
    if found != wanted:
        raise Trouble(f"{what}: {found!r} instead of {wanted!r}")


class CRI:
    """Asks a runtime as a kubelet does."""

    def __init__(self, path, cgroups):
        """`path`: its socket; `cgroups`: the cgroup that those of all pods lie in."""
        self.cgroups = cgroups
        # gRPC's own name for a socket's peer is not one that containerd's HTTP/2 takes.
        self.channel = grpc.insecure_channel("unix://" + path, [
            ("grpc.default_authority", "localhost"), ("grpc.max_receive_message_length", 64 << 20),
            # A runtime that starts again is there again at once.
            *((f"grpc.{which}_reconnect_backoff_ms", 100) for which in ("initial", "min", "max"))])

    def ask(self, method, service="RuntimeService", patience=60, **fields):
        request = getattr(api_pb2, method + "Request")(**fields)
        call = self.channel.unary_unary(
            f"/runtime.v1.{service}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=getattr(api_pb2, method + "Response").FromString)
        return call(request, timeout=patience)

    def answers(self):
        with contextlib.suppress(grpc.RpcError):
            return bool(self.ask("ImageStatus", "ImageService", patience=5, image={"image": IMAGE}).image.id)

    def pod_config(self, name, namespace="shop", labels=None, annotations=None, pid="container", attempt=0, log_directory=""):
        """`pid`: whose pid namespace its containers have: their own each, the "pod"'s, the "host"'s."""
        namespace_of_pids = {"container": api_pb2.CONTAINER, "pod": api_pb2.POD, "host": api_pb2.NODE}[pid]
        return {
            "metadata": {"name": name, "namespace": namespace, "uid": f"uid-of-{name}", "attempt": attempt}, "labels": labels or {}, "annotations": annotations or {},
            "log_directory": log_directory,
            # The host's network: so the pod needs no network plugin, which the test would have to bring.
            "linux": {"cgroup_parent": self.cgroups,
                      "security_context": {"namespace_options": {"network": api_pb2.NODE, "pid": namespace_of_pids}}}}

    def run_pod(self, name, **more):
        config = self.pod_config(name, **more)
        return Pod(self, self.ask("RunPodSandbox", config=config).pod_sandbox_id, config)

    def ready_pod(self, name, **more):
        """The pod of this name that is there already, if it is ready."""
        for item in self.ask("ListPodSandbox", filter={"state": {"state": api_pb2.SANDBOX_READY}}).items:
            if item.metadata.name == name:
                return Pod(self, item.id, self.pod_config(name, **more))

    def pods(self):
        """The ids of the sandboxes that are ready."""
        return {item.id for item in self.ask("ListPodSandbox", filter={"state": {"state": api_pb2.SANDBOX_READY}}).items}

    def containers(self):
        """The ids of the containers that run."""
        return {item.id for item in self.ask("ListContainers", filter={"state": {"state": api_pb2.CONTAINER_RUNNING}}).containers}


class Pod:
    def __init__(self, cri, identity, config):
        self.cri, self.id, self.config, self.containers = cri, identity, config, []

    def create(self, name="main", command=None, annotations=None, labels=None, mounts=None, attempt=0, log_path="", resources=None, security=None):
        config = {
            "metadata": {"name": name, "attempt": attempt}, "image": {"image": IMAGE}, "command": command or ["sleep", "100000"], "annotations": annotations or {},
            "labels": labels or {}, "mounts": mounts or [], "log_path": log_path,
            "linux": {"resources": resources or {}, "security_context": {**self.config["linux"]["security_context"], **(security or {})}}}
        created = self.cri.ask("CreateContainer", pod_sandbox_id=self.id, config=config, sandbox_config=self.config)
        self.containers.append(created.container_id)
        return created.container_id

    def run(self, name="main", command=None, **more):
        """Starts a container; its id."""
        identity = self.create(name, command, **more)
        self.cri.ask("StartContainer", container_id=identity)
        return identity

    def stop(self):
        self.until_it_works("StopPodSandbox")

    def remove(self, seconds=2):
        self.until_it_works("StopPodSandbox", seconds)
        self.until_it_works("RemovePodSandbox", seconds)

    def until_it_works(self, method, seconds=2):
        """As a kubelet does: containerd fails to stop a container whose program ends by itself at that moment."""
        end = time.monotonic() + seconds
        while True:
            try:
                return self.cri.ask(method, pod_sandbox_id=self.id)
            except grpc.RpcError:
                if time.monotonic() > end:
                    raise
                select.select([], [], [], 0.2)


class World:
    def __init__(self, build, containerd, daemon=None, parent="/tmp"):
        """`daemon`: a directory with the sockets and policies of a daemon that runs already. `parent`: where its files are."""
        self.build, self.containerd, self.daemon = build, containerd, daemon
        self.scratch = tempfile.mkdtemp(prefix="portcullis-nri-", dir=parent)
        self.pins = "/sys/fs/bpf/" + os.path.basename(self.scratch)
        self.processes = {}
        self.state = self.path("state")
        # Those of others would look as if the runtime kept something back.
        self.runc = self.path("runc")
        os.makedirs(self.runc + "/k8s.io", 0o711)
        self.cgroups = "/" + os.path.basename(self.scratch)
        for name in ("policies", "applied", "spool", "run", "etc"):
            os.mkdir(self.path(name), 0o700)
        self.run, self.policies = (daemon + "/run", daemon + "/policies") if daemon else (self.path("run"), self.path("policies"))
        self.hook_config()
        self.version = re.search(r" v?(\d+\.\d+[.\d]*)", subprocess.run([f"{containerd}/bin/containerd", "--version"], capture_output=True, text=True).stdout)[1]
        self.cri = None
        self.settings = ""
        self.daemon_settings = ""

    def path(self, name):
        return f"{self.scratch}/{name}"

    def mark(self, name):
        """A word among the arguments of a program, by which its exec is known from those of others: daemons beside this one's hear of all."""
        return f"{os.path.basename(self.scratch)}-{name};"

    # Programs

    def start(self, name, *command, ready=None, **options):
        log = open(self.path(name + ".log"), "a")
        # In a session of its own, so that a signal to this one does not take from it what is to be cleaned up.
        self.processes[name] = subprocess.Popen(command, **{"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, "start_new_session": True, **options})
        if ready:
            wait_until(lambda: f"{name} is ready: {self.log(name)[-800:]}", lambda: ready() or self.ended(name), seconds=60)
        return self.processes[name]

    def ended(self, name):
        code = self.processes[name].poll()
        if code is not None:
            raise Trouble(f"{name} has ended with {code}: {self.log(name)[-800:]}")
        return False

    def kill(self, name, number=signal.SIGKILL):
        process = self.processes.pop(name, None)
        if process:
            process.send_signal(number)
            process.wait(timeout=30)

    def log(self, name):
        with contextlib.suppress(FileNotFoundError), open(self.path(name + ".log"), errors="replace") as file:
            return file.read()
        return ""

    # containerd

    def make_image(self):
        """One image, made of busybox: no registry is asked."""
        root, image = self.path("image/root"), self.path("image")
        for name in ("bin", "dev", "etc", "proc", "sys", "tmp"):
            os.makedirs(f"{root}/{name}")
        shutil.copy("/bin/busybox", f"{root}/bin/busybox")
        for name in ("sh", "sleep", "true", "cat", "touch", "id"):
            os.symlink("busybox", f"{root}/bin/{name}")
        with open(f"{root}/etc/secret", "w") as file:
            file.write("secret\n")
        subprocess.run(["tar", "-C", root, "-cf", f"{image}/layer.tar", "."], check=True)
        digest = subprocess.run(["sha256sum", f"{image}/layer.tar"], capture_output=True, text=True, check=True).stdout.split()[0]
        with open(f"{image}/config.json", "w") as file:
            json.dump({"architecture": "amd64", "os": "linux", "config": {"Env": ["PATH=/bin"], "Cmd": ["sleep", "100000"]},
                       "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest]}}, file)
        with open(f"{image}/manifest.json", "w") as file:
            json.dump([{"Config": "config.json", "RepoTags": [IMAGE], "Layers": ["layer.tar"]}], file)
        subprocess.run(["tar", "-C", image, "-cf", self.path("image.tar"), "manifest.json", "config.json", "layer.tar"], check=True)
        shutil.rmtree(image)

    def configure_containerd(self):
        """The second version of its configuration, which 1.7 knows and 2.x translates."""
        runc = shutil.which("runc", path="/usr/sbin:/usr/bin")
        with open(self.path("config.toml"), "w") as file:
            file.write(f"""
version = 2
root = "{self.path('root')}"
state = "{self.state}"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[grpc]
  address = "{self.path('containerd.sock')}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{self.path('opt')}"
[plugins."io.containerd.nri.v1.nri"]
  disable = false
  disable_connections = false
  socket_path = "{self.path('nri/nri.sock')}"
  plugin_path = "{self.path('nri/plugins')}"
  plugin_config_path = "{self.path('nri/conf.d')}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{IMAGE}"
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      {self.settings}
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        BinaryName = "{runc}"
        Root = "{self.runc}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{self.path('cni')}"
    conf_dir = "{self.path('cni')}"
""")

    def ctr(self, *arguments, check=True):
        return subprocess.run([f"{self.containerd}/bin/ctr", "--address", self.path("containerd.sock"), *arguments], capture_output=True, text=True,
                              timeout=60, check=check)

    def start_containerd(self):
        is_new = not os.path.exists(self.path("image.tar"))
        if is_new:
            self.make_image()
            self.configure_containerd()
        environment = {**os.environ, "PATH": f"{self.containerd}/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        environment.pop("LD_LIBRARY_PATH", None)
        self.start("containerd", f"{self.containerd}/bin/containerd", "--config", self.path("config.toml"), env=environment,
                   ready=lambda: os.path.exists(self.path("nri/nri.sock")) and self.ctr("version", check=False).returncode == 0)
        if is_new:
            # Without unpacking: 2.x does that for its default snapshotter only, and each container for its own.
            self.ctr("--namespace", "k8s.io", "images", "import", "--no-unpack", self.path("image.tar"))
            self.cri = CRI(self.path("containerd.sock"), self.cgroups)
        wait_until("CRI knows the image", self.cri.answers, 30)

    def write_base_spec(self):
        """Has containerd start each container from its own default specification with the hook in it, as `portcullis install base-spec` writes one."""
        spec = json.loads(subprocess.run([f"{self.containerd}/bin/ctr", "oci", "spec"], capture_output=True, text=True, check=True).stdout)
        hook = {"path": self.hook, "args": ["portcullis-hook"], "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], "timeout": 12}
        spec["hooks"] = {"createRuntime": [hook], "poststop": [hook]}
        with open(self.path("base-spec.json"), "w") as file:
            json.dump(spec, file)
        self.settings = f'base_runtime_spec = "{self.path("base-spec.json")}"'

    def bundle(self, container):
        """A container's configuration, as its OCI runtime has it."""
        with open(f"{self.state}/io.containerd.runtime.v2.task/k8s.io/{container}/config.json") as file:
            return json.load(file)

    def hooks_of(self, container):
        """The paths of the hooks that a container's bundle has for its start."""
        return [hook["path"] for hook in self.bundle(container).get("hooks", {}).get("createRuntime", [])]

    # The daemon and its command line

    @property
    def hook_socket(self):
        return self.run + "/hook.sock"

    def start_daemon(self, *options):
        for name in ("hook.sock", "control.sock"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path("run/" + name))
        with open(self.path("etc/config.yaml"), "w") as file:
            # So that an exec whose container nobody knows is told of, too.
            file.write("host-events: true\n" + self.daemon_settings)
        self.start("portcullisd", f"{self.build}/portcullisd", "--hook-socket", self.hook_socket, "--control-socket", self.path("run/control.sock"),
                   "--bpf-directory", self.pins + "/v1", "--config", self.path("etc/config.yaml"), "--spool", self.path("spool"),
                   "--policy-dir", self.path("policies"), "--applied-policy-dir", self.path("applied"), *(options or ["--replay", "off"]),
                   ready=self.daemon_listens)

    def daemon_listens(self):
        """The control socket is the last that it makes; a socket is there before anybody listens to it."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as peer:
            peer.connect(self.path("run/control.sock"))
            return True

    def portcullis(self, *arguments):
        outcome = subprocess.run([f"{self.build}/portcullis", arguments[0], "--socket", self.run + "/control.sock", *arguments[1:]],
                                 capture_output=True, text=True, timeout=60)
        expect(outcome.returncode == 0, f"portcullis {arguments[0]}: {outcome.stderr}")
        return outcome.stdout

    def identities(self):
        """What the daemon knows, by id; those that have ended and whose processes live on are left out."""
        lines = [json.loads(line) for line in self.portcullis("containers", "--json").splitlines()]
        return {line["id"]: line for line in lines if line["state"] == "running"}

    def listed(self, identity):
        """What the daemon says of one container, also if it has ended and processes of it live on; None if it knows nothing of it."""
        return next((line for line in map(json.loads, self.portcullis("containers", "--json").splitlines()) if line["id"] == identity), None)

    def identity(self, identity):
        return wait_until(lambda: f"the daemon knows {identity[:12]}: {self.log('plugin')[-800:]}", lambda: self.identities().get(identity))

    def counters(self):
        return json.loads(self.portcullis("status", "--json"))["counters"]

    # The plugin and the hook

    def hook_config(self, **settings):
        """What the hook goes by; containerd runs it, so that it finds this world only by a program of its own."""
        with open(self.path("etc/hook.json"), "w") as file:
            json.dump({"socket": self.hook_socket, "spool": self.path("spool"), **settings}, file)

    @property
    def hook(self):
        """The hook that runs with this world's settings, and writes down that it ran."""
        path = self.path("hook")
        if not os.path.exists(path):
            with open(path + ".new", "w") as file:
                file.write(f"#!/bin/sh\nexec {self.build}/x86_64/portcullis-hook --config {self.path('etc/hook.json')} \"$@\"\n")
            os.chmod(path + ".new", 0o755)
            os.rename(path + ".new", path)
        return path

    def plugin_options(self):
        return ["--hook-socket", self.hook_socket, "--hook-path", self.hook, "--hook-config", self.path("etc/hook.json"), "--runtime-state", self.runc + "/k8s.io",
                "--status-socket", self.path("run/nri.sock")]

    def start_plugin(self, *options, receiving=True):
        self.start("plugin", f"{self.build}/portcullis-nri", "--socket", self.path("nri/nri.sock"), *self.plugin_options(), *options)
        if receiving:
            self.await_receiving()

    def await_receiving(self):
        """Until the plugin has heard what runs, and has told the daemon, if there is one."""
        wait_until(lambda: f"the plugin is receiving: {self.log('plugin')[-800:]}", self.is_receiving, 30)

    def is_receiving(self):
        if "plugin" in self.processes:
            self.ended("plugin")
        status = self.plugin()
        return status and status["state"] == "receiving" and not status["owesReplay"] and status

    def plugin(self):
        """The plugin's own word of its state; None if it gives none."""
        with contextlib.suppress(OSError, ValueError), socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(5)
            peer.connect(self.path("run/nri.sock"))
            text = b""
            while part := peer.recv(65536):
                text += part
            return json.loads(text)

    # The end

    def await_shims(self):
        """Until no shim is left: they end behind the answer to the removal of their pod."""
        def shims():
            for path in glob.glob("/proc/[0-9]*/cmdline"):
                with contextlib.suppress(OSError), open(path, "rb") as file:
                    if b"containerd-shim" in (words := file.read()) and self.scratch.encode() in words:
                        yield path
        wait_until("the shims end", lambda: not any(shims()))

    def clean_up(self):
        if "portcullisd" in self.processes:
            subprocess.run([f"{self.build}/portcullis", "down", "--remove", "--socket", self.path("run/control.sock")], capture_output=True, timeout=60)
        for name in list(self.processes):
            self.kill(name)
        shutil.rmtree(self.pins, ignore_errors=True)
        # Pods are not removed one by one: their shims, which name this world's socket, are ended, and what runs in its cgroups.
        with open("/proc/net/unix") as file:
            sockets = {words[6]: words[7] for words in map(str.split, file) if len(words) == 8}
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            with contextlib.suppress(OSError), open(path, "rb") as file:
                if self.scratch.encode() in file.read():
                    links = [os.readlink(link) for link in glob.glob(os.path.dirname(path) + "/fd/*")]
                    os.kill(int(path.split("/")[2]), signal.SIGKILL)
                    for listening in {sockets[link[8:-1]] for link in links if link[8:-1] in sockets}:
                        os.unlink(listening)
        wait_until(f"{self.cgroups} is empty", self.remove_cgroups)
        with open("/proc/self/mounts") as mounts:
            targets = [line.split()[1] for line in mounts if line.split()[1].startswith(self.scratch)]
        subprocess.run(["umount", "-l", *sorted(targets, reverse=True)], capture_output=True)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def remove_cgroups(self):
        """Ends what runs in this world's cgroups, and takes them away; true when nothing is left."""
        found = glob.glob("/sys/fs/cgroup" + self.cgroups) + glob.glob("/sys/fs/cgroup/*" + self.cgroups)
        for root in found:
            for path, _, _ in os.walk(root, topdown=False):
                with contextlib.suppress(OSError), open(path + "/cgroup.procs") as file:
                    for pid in file.read().split():
                        os.kill(int(pid), signal.SIGKILL)
                with contextlib.suppress(OSError):
                    os.rmdir(path)
        return not found
