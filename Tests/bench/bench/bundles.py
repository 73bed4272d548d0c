"""What a runtime would hand to the hook: bundles whose config.json has a given size, and OCI states."""
import json
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager

from .failure import Impossible

ANNOTATIONS = {
    "io.kubernetes.cri.container-name": "main",
    "io.kubernetes.cri.container-type": "container",
    "io.kubernetes.cri.image-name": "registry.example/team/server:1.24.3",
    "io.kubernetes.cri.sandbox-id": "824fab2e4eba047b39772e05af1bfb4407c907b6f795b834a20d585a7dcb9fb4",
    "io.kubernetes.cri.sandbox-name": "server-7d4b9c6f5-x2x9k",
    "io.kubernetes.cri.sandbox-namespace": "default",
    "io.kubernetes.cri.sandbox-uid": "9180e235-530f-44bc-a6a6-fa654504508a",
}


def runc_spec(directory):
    """The configuration that `runc spec` writes."""
    path = os.path.join(directory, "config.json")
    if os.path.exists(path):
        os.unlink(path)
    done = subprocess.run(["runc", "spec", "--bundle", directory], capture_output=True, text=True)
    if done.returncode:
        raise Impossible(f"runc spec: {done.stderr}")
    with open(path) as file:
        return json.load(file)


def _system_calls():
    """Names for a seccomp profile, from this machine's headers."""
    done = subprocess.run(["cc", "-E", "-dM", "-include", "sys/syscall.h", "-x", "c", "/dev/null"], capture_output=True, text=True)
    names = sorted(set(re.findall(r"#define __NR_(\w+) ", done.stdout)))
    if len(names) < 250:
        raise Impossible("the C headers name too few system calls")
    return names


def grow(spec, size):
    """Fills `spec` up to `size` bytes with what makes real ones large: a seccomp profile, then service links and volumes."""
    spec = json.loads(json.dumps(spec))
    spec["annotations"] = dict(ANNOTATIONS)
    spec["process"]["apparmorProfile"] = "cri-containerd.apparmor.d"
    spec["linux"]["seccomp"] = {
        "defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        "syscalls": [{"names": _system_calls(), "action": "SCMP_ACT_ALLOW"},
                     {"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]}]}
    number = 0
    while len(_text(spec)) < size - 1000:
        service = f"SERVICE_{number}"
        spec["process"]["env"] += [
            f"{service}_SERVICE_HOST=10.96.{number // 256}.{number % 256}", f"{service}_SERVICE_PORT=8080",
            f"{service}_PORT_8080_TCP=tcp://10.96.{number // 256}.{number % 256}:8080", f"{service}_PORT_8080_TCP_PROTO=tcp",
            f"{service}_PORT_8080_TCP_PORT=8080", f"{service}_PORT_8080_TCP_ADDR=10.96.{number // 256}.{number % 256}"]
        if number % 8 == 0:
            spec["mounts"].append({
                "destination": f"/etc/volume-{number}", "type": "bind", "options": ["rbind", "rprivate", "ro"],
                "source": f"/var/lib/kubelet/pods/9180e235-530f-44bc-a6a6-fa654504508a/volumes/kubernetes.io~configmap/volume-{number}"})
            spec["annotations"][f"example.com/annotation-{number}"] = "a value of the usual length, " * 3
        number += 1
    missing = size - len(_text(spec)) - len(',"PAD="')
    spec["process"]["env"].append("PAD=" + "x" * max(missing, 0))
    if len(_text(spec)) != size:
        raise Impossible(f"config.json came out at {len(_text(spec))} bytes instead of {size}")
    return spec


def _text(spec):
    # As Go writes it: no white space.
    return json.dumps(spec, separators=(",", ":"))


def write(directory, spec):
    with open(os.path.join(directory, "config.json"), "w") as file:
        file.write(_text(spec))


def bundle(work, name, size):
    """A bundle directory with a config.json of exactly `size` bytes."""
    directory = os.path.join(work, name)
    os.makedirs(directory, exist_ok=True)
    write(directory, grow(runc_spec(directory), size))
    return directory


def state(directory, container, pid, bundle_directory, status="creating"):
    """A file with the OCI state that a runtime writes to a hook's standard input; returns its path."""
    path = os.path.join(directory, f"{container[:24]}-{status}.json")
    with open(path, "w") as file:
        json.dump({"ociVersion": "1.0.2", "id": container, "status": status, **({"pid": pid} if pid else {}),
                   "bundle": bundle_directory, "annotations": ANNOTATIONS}, file)
    return path


def container_id(prefix, number):
    """64 characters, as containerd's ids have."""
    return f"{prefix}{number:08d}".ljust(64, "0")


def run_bundle(work, name, arguments, hook=None, extra_files=()):
    """A bundle that runs busybox, or `arguments`, with `hook` (an argument list) at createRuntime and poststop."""
    directory = os.path.join(work, name)
    os.makedirs(directory, exist_ok=True)
    root = os.path.join(directory, "rootfs")
    for part in ("bin", "proc", "sys", "dev", "etc"):
        os.makedirs(os.path.join(root, part), exist_ok=True)
    busybox = shutil.which("busybox")
    if not busybox:
        raise Impossible("no busybox: install busybox-static")
    shutil.copy(busybox, os.path.join(root, "bin", "busybox"))
    for path in extra_files:
        shutil.copy(path, os.path.join(root, "bin"))
    spec = runc_spec(directory)
    spec["process"]["terminal"] = False
    spec["process"]["args"] = arguments
    spec["root"]["readonly"] = True
    if hook:
        entry = [{"path": hook[0], "args": hook}]
        spec["hooks"] = {"createRuntime": entry, "poststop": entry}
    write(directory, spec)
    return directory


@contextmanager
def tmpfs_directory():
    """Where /run would be a tmpfs on a usual host, this machine's may not: /dev/shm is one."""
    with open("/proc/mounts") as file:
        if not any(line.split()[1:3] == ["/dev/shm", "tmpfs"] for line in file):
            raise Impossible("/dev/shm is not a tmpfs")
    directory = tempfile.mkdtemp(prefix="pcbench-", dir="/dev/shm")
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
