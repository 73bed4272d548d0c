"""The plugin as a pod, as deploy/kubernetes runs it."""
import os
import re

import api_pb2
from suite import LABELS, case, expect_served
from world import expect, same, wait_until

MANIFEST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../deploy/kubernetes/components/nri/daemonset.yaml")
# deploy/kubernetes has the daemon told which it is.
NAMESPACE = "portcullis"


def manifest():
    """Command and arguments, and where in the container each volume is. By the form that the file has: nothing that reads YAML is there for sure."""
    with open(MANIFEST) as file:
        text = file.read()
    arguments = re.search(r"\n        args:\n(.*?)\n        securityContext:", text, re.DOTALL)[1]
    volumes = re.findall(r"- \{name: (\w+), mountPath: ([^,]+), readOnly: true\}", text)
    command = re.search(r"\n        command: \[([^],]+)\]", text)[1]
    return [command, *(argument.replace('""', "") for argument in re.findall(r"^        - (.*)$", arguments, re.MULTILINE))], dict(volumes)


class PluginPod:
    def __init__(self, world, attempt):
        command, volumes = manifest()
        same(set(volumes), {"nri", "run", "opt", "etc"}, "volumes of the manifest")
        # On a node the hook is in /opt/portcullis; here that is the host's, and not touched.
        command = [f"--hook-path={world.hook}" if argument.startswith("--hook-path=") else argument for argument in command]
        mounts = {world.path("nri"): volumes["nri"], world.run: volumes["run"], world.path("etc"): volumes["etc"], world.hook: world.hook,
                  world.build + "/portcullis-nri": command[0]}
        self.world, self.log = world, f"plugin-{attempt}.log"
        self.pod = world.cri.run_pod("portcullis-nri", namespace=NAMESPACE, pid="host", attempt=attempt, log_directory=world.scratch)
        self.container = self.pod.run(
            "portcullis-nri", command, mounts=[{"host_path": host, "container_path": inside, "readonly": True} for host, inside in mounts.items()],
            log_path=self.log, resources={"memory_limit_in_bytes": 128 << 20}, security={
                "readonly_rootfs": True, "no_new_privs": True, "run_as_user": {"value": 0}, "capabilities": {"drop_capabilities": ["ALL"]},
                "seccomp": {"profile_type": api_pb2.SecurityProfile.RuntimeDefault}})

    @property
    def ids(self):
        return {self.pod.id, self.container}

    def await_telling(self, times=1):
        wait_until(lambda: f"the plugin's pod has told the daemon what runs: {self.said()[-1500:]}", lambda: self.said().count("told the daemon what runs") >= times)

    def said(self):
        try:
            with open(self.world.path(self.log)) as file:
                return file.read()
        except FileNotFoundError:
            return ""


@case
def as_a_pod(world):
    """The plugin in a pod of its own, with the arguments, paths and rights that deploy/kubernetes gives it: it registers its own pod, which ran before there was
    a plugin, and is listened to all the same; removed, it leaves nothing; the next one tells what ran meanwhile; a daemon that starts anew is told again."""
    world.daemon_settings = f"agent-namespace: {NAMESPACE}\n"
    world.start_containerd()
    world.start_daemon()
    before = world.cri.run_pod("before", labels=LABELS).run()
    plugin = PluginPod(world, 0)
    plugin.await_telling()
    same([world.identities().get(identity, {}).get("namespace") for identity in plugin.ids], [NAMESPACE] * 2, "namespace of its own sandbox and container")
    same(world.hooks_of(plugin.container), [], "hooks of its own bundle, which nobody could give it")
    same(world.identities()[before]["labels"].get("app"), "till", "the label of what ran before it")
    expect_served(world, "first")
    # It is a container of the agent's by now, and must not be one that the daemon turns away; nor is it given up when the daemon starts anew.
    world.kill("portcullisd")
    world.start_daemon()
    plugin.await_telling(2)
    expect_served(world, "after-a-daemon")
    plugin.pod.remove()
    wait_until("nothing is left of it", lambda: not plugin.ids & set(world.identities()))
    pod = world.cri.run_pod("meanwhile", labels=LABELS)
    container = pod.run()
    expect(not {pod.id, container} & set(world.identities()), "known without the plugin: this test shows nothing")
    plugin = PluginPod(world, 1)
    wait_until(lambda: f"what ran meanwhile is known: {plugin.said()[-1500:]}", lambda: {pod.id, container, *plugin.ids} <= set(world.identities()))
    same(world.identities()[container]["labels"].get("app"), "till", "its label")
    expect_served(world, "second")
    same([word for word in ("warning", "error", "critical") if f" {word} portcullis-nri:" in plugin.said()], [], f"what it complains of: {plugin.said()}")
