"""Processes that outlive the container they were started in."""
import glob
import os
import shutil
import signal

from events import Events
from suite import LABELS, case, start_all
from world import expect, same, wait_until

# It goes on by files of a directory that it stands in, since those of its image go with the container; and the container's pipes, if it held them, would hold up
# the container's end.
PROGRAM = "cd /tools; (exec </dev/null >/dev/null 2>&1; while ./busybox true '{mark}'; do ./busybox sleep 0.05; done) & exec sleep 100000"


@case
def outliving(world):
    """A process that has left its container's cgroup, and so outlives the container's stop and removal, in the host's pid namespace and in its pod's, is the
    container's until it ends; then nothing is left of it."""
    start_all(world)
    events = Events(world)
    os.mkdir(world.path("tools"))
    shutil.copy("/bin/busybox", world.path("tools/busybox"))
    for kind in ("host", "pod"):
        mounts = [{"host_path": world.path("tools"), "container_path": "/tools"}]
        pod = world.cri.run_pod(f"{kind}-pids", labels=LABELS, pid=kind)
        mark = world.mark(kind)
        container = pod.run("main", ["sh", "-c", PROGRAM.format(mark=mark)], mounts=mounts)
        process = wait_until("it runs", lambda: outliver(world, container))
        leave(world, process)
        world.cri.ask("StopContainer", container_id=container, timeout=0, patience=20)
        world.cri.ask("RemoveContainer", container_id=container)
        try:
            expect(container not in world.identities(), f"{kind}: the container runs although it has been removed")
            still_its_own(world, events, container, mark, "after its removal")
            # All over again, as far as others know of it: a plugin and a daemon that start anew are told nothing of it.
            world.kill("plugin")
            world.start_plugin()
            world.kill("portcullisd")
            world.start_daemon()
            events.follow()
            still_its_own(world, events, container, mark, "when plugin and daemon have started anew")
        finally:
            os.kill(process, signal.SIGKILL)
        wait_until(lambda: f"{kind}: nothing is left of it: {world.listed(container)}", lambda: not world.listed(container))
        pod.remove()


def still_its_own(world, events, container, mark, when):
    listed = world.listed(container)
    expect(listed and listed["state"] != "running", f"{mark} {when} it is listed as {listed}")
    seen = len(events.marked(mark))
    wait_until(f"{mark} it executes something {when}", lambda: len(events.marked(mark)) > seen + 1)
    same(set(events.marked(mark)[seen:]), {container}, f"{mark} whose execs they are {when}")


def outliver(world, container):
    """The loop's process, which is a child of the container's first one, when that has become what it is to be."""
    def read(pid, name):
        try:
            with open(f"/proc/{pid}/{name}", "rb") as file:
                return file.read()
        except OSError:
            return b""

    commands = {pid: read(pid, "cmdline") for pid in members(world, container)}
    first = next((pid for pid, command in commands.items() if command == b"sleep\x00100000\x00"), None)
    children = [pid for pid in commands if first and f"PPid:\t{first}\n".encode() in read(pid, "status")]
    return children and children[0]


def members(world, container):
    """The processes in a container's cgroup."""
    found = set()
    for path in glob.glob(f"/sys/fs/cgroup{world.cgroups}/{container}/cgroup.procs") + glob.glob(f"/sys/fs/cgroup/*{world.cgroups}/{container}/cgroup.procs"):
        with open(path) as file:
            found |= set(map(int, file.read().split()))
    return found


def leave(world, pid):
    """Moves a process to another cgroup in each hierarchy, as who is privileged enough may do himself."""
    for path in glob.glob("/sys/fs/cgroup" + world.cgroups) + glob.glob("/sys/fs/cgroup/*" + world.cgroups):
        with open(path + "/cgroup.procs", "w") as file:
            file.write(str(pid))
