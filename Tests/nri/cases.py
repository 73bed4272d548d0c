"""The cases: what each expects of the plugin."""
import json
import os
import signal
import time

import grpc
from events import Events
from relay import Relay
from suite import LABELS, at_once, case, expect_served, start_all
from world import IMAGE, Trouble, expect, same, wait_until


@case
def identity(world):
    """A pod that starts while all run: its container is known by its hook, with the labels of the pod, its sandbox by the plugin; both go when they end."""
    start_all(world)
    pod = world.cri.run_pod("till-0", labels=LABELS, annotations={"team": "till", "io.kubernetes.cri.sandbox-namespace": "vault"})
    sandbox = world.identities().get(pod.id)
    expect(sandbox, f"the sandbox is not known when RunPodSandbox returns: {world.log('plugin')}")
    same([sandbox["sandbox"], sandbox["pod"], sandbox["namespace"], sandbox["runtime"]], [True, "till-0", "shop", "containerd"], "the sandbox")
    container = pod.run("server")
    known = world.identities().get(container)
    expect(known, f"the container is not known when StartContainer returns: {world.log('plugin')}")
    same([known["sandbox"], known["pod"], known["namespace"], known["name"], known["image"], known["runtime"]],
         [False, "till-0", "shop", "server", IMAGE, "containerd"], "the container")
    same({key: known["labels"].get(key) for key in LABELS}, LABELS, "its labels")
    same([known["annotations"], sandbox["annotations"], "team" in known["labels"]], [{"team": "till"}, {"team": "till"}, False], "annotations")
    same(world.plugin()["counters"]["hooksGiven"], 1, "hooks given")
    same(world.hooks_of(container), [world.hook], "hooks of the bundle")
    same(json.loads(world.bundle(container)["annotations"].get("portcullis.io/pod-labels", "{}")), LABELS, "the annotation")
    pod.remove()
    wait_until("both are forgotten", lambda: not {pod.id, container} & set(world.identities()))
    wait_until("the plugin forgets them, too", lambda: world.plugin()["known"] == 0)
    counters = world.plugin()["counters"]
    same([counters["confirmed"], counters["refused"], counters["unanswered"]], [2, 0, 0], "confirmed, refused, unanswered")
    return f"labels {sorted(LABELS)}"


@case
def existing(world):
    """Pods that ran before the plugin, and before the daemon: told by Synchronize, with labels, at the latest a second after both are there."""
    world.start_containerd()
    pod = world.cri.run_pod("till-0", labels=LABELS)
    container = pod.run("server")
    created = pod.create("waiting")
    world.start_plugin(receiving=False)
    wait_until("the plugin has heard what runs", lambda: (world.plugin() or {}).get("state") == "receiving")
    expect(world.plugin()["owesReplay"], "without a daemon nothing is owed to it")
    world.start_daemon()
    found = {}
    took = time.monotonic()
    wait_until("both are known", lambda: {pod.id, container} <= set(found := world.identities()))
    took = time.monotonic() - took
    known = world.identities()
    same([known[pod.id]["sandbox"], known[pod.id]["pod"]], [True, "till-0"], "the sandbox")
    same([known[container][key] for key in ("pod", "namespace", "name", "image", "runtime")], ["till-0", "shop", "server", IMAGE, "containerd"], "the container")
    same({key: known[container]["labels"].get(key) for key in LABELS}, LABELS, "its labels")
    expect(created not in known, "a container without a process is known")
    same(world.plugin()["counters"]["replayed"], 2, "replayed")
    return f"known {took * 1000:.0f} ms after the daemon was ready"


@case
def labels_of_what_a_scan_found(world):
    """What the daemon's own scan has found, without labels, gets them by the plugin's word, and a policy that selects by them."""
    world.start_containerd()
    pod = world.cri.run_pod("till-0", labels=LABELS)
    container = pod.run("server")
    no_secret(world)
    world.start_daemon("--replay", "auto", "--replay-roots", f"containerd={world.state}/io.containerd.runtime.v2.task/k8s.io")
    wait_until("the scan has found it", lambda: container in world.identities())
    before = world.identities()[container]
    same([before["labels"].get("app"), before["policies"]], [None, []], "labels and policies before the plugin")
    world.start_plugin()
    after = world.identities()[container]
    same([after["labels"].get("app"), after["policies"]], ["till", ["shop/no-secret"]], "labels and policies after it")
    same(after["bundle"], before["bundle"], "the bundle, of which the plugin knows nothing")
    # Told again, nothing changes.
    world.kill("plugin")
    world.start_plugin()
    same(world.identities()[container]["labels"], after["labels"], "labels when told again")


def no_secret(world):
    with open(world.policies + "/till.yaml.new", "w") as file:
        file.write("""
apiVersion: security.kubearmor.com/v1
kind: KubeArmorPolicy
metadata: {name: no-secret, namespace: shop}
spec:
  selector: {matchLabels: {app: till}}
  file: {matchPaths: [{path: /etc/secret}]}
  action: Block
""")
    os.chmod(world.policies + "/till.yaml.new", 0o600)
    os.rename(world.policies + "/till.yaml.new", world.policies + "/till.yaml")


@case
def enforced(world):
    """A policy that selects by a pod's label holds from the first instruction of every container of the pod, init containers and one-shot pods included;
    of a pod that started while the plugin was away it holds once the plugin is back."""
    no_secret(world)
    world.start_containerd()
    world.start_plugin()
    try:
        # What reads is the container's own first program: nothing of it has run before.
        pods = [world.cri.run_pod(f"till-{number}", labels=LABELS, pid="host" if number == 1 else "container") for number in range(2)]
        denied = [outcome(pod, name) for pod in pods for name in ("init", "once")]
        same(denied, [1] * 4, "exit codes of those that may not")
        same(outcome(world.cri.run_pod("other", labels={"app": "other"}), "once"), 0, "exit code of one that may")
        world.kill("plugin")
        container = world.cri.run_pod("meanwhile", labels=LABELS).run()
        before = world.cri.ask("ExecSync", container_id=container, cmd=["cat", "/etc/secret"], timeout=30)
        same([before.exit_code, before.stdout], [0, b"secret\n"], "without plugin and hook: this test shows nothing")
        world.start_plugin()
        after = world.cri.ask("ExecSync", container_id=container, cmd=["cat", "/etc/secret"], timeout=30)
        same(after.exit_code, 1, "exit code once the plugin is back")
        expect(b"ermission denied" in after.stderr, after.stderr)
    finally:
        os.unlink(world.policies + "/till.yaml")
    return f"{len(denied)} first programs denied"


def outcome(pod, name):
    """The exit code of a container whose only program reads the secret."""
    container = pod.run(name, ["cat", "/etc/secret"])

    def ended():
        status = pod.cri.ask("ContainerStatus", container_id=container).status
        return status if status.finished_at else None

    return wait_until("it ends", ended, 60).exit_code


@case
def a_plugin_killed(world):
    """While the plugin is away containers start without a hook; when it is back they are known, and later ones have hooks again."""
    start_all(world)
    first = world.cri.run_pod("before").run()
    world.kill("plugin")
    pod = world.cri.run_pod("meanwhile", labels=LABELS)
    container = pod.run()
    expect(container not in world.identities(), "known without plugin and hook: this test shows nothing")
    started = time.monotonic()
    world.start_plugin()
    took = time.monotonic() - started
    known = world.identities()
    expect({first, pod.id, container} <= set(known), f"not all known: {set(known)}")
    same(known[container]["labels"].get("app"), "till", "its label")
    expect_served(world, "after")
    return f"{took * 1000:.0f} ms from the plugin's start"


@case
def a_containerd_killed(world):
    """containerd is killed and started again: the plugin comes back by itself, what ran is still known, and pods whose end nobody tells of are forgotten."""
    start_all(world)
    pod = world.cri.run_pod("till-0", labels=LABELS)
    container = pod.run()
    for number in (9, 15):
        world.kill("containerd", number)
        wait_until("the plugin has noticed", lambda: world.plugin()["state"] == "disconnected")
        world.start_containerd()
        world.await_receiving()
        expect({pod.id, container} <= set(world.identities()), "what ran is no longer known")
        expect_served(world, f"after-{number}").remove()
    # From before the restarts: no StopPodSandbox and no RemovePodSandbox is sent for it.
    pod.remove()
    wait_until("the daemon has forgotten it", lambda: not {pod.id, container} & set(world.identities()))
    same(world.plugin()["counters"]["connections"] >= 3, True, "connections")
    return f"{world.plugin()['counters']['connections']} connections"


@case
def a_daemon_killed(world):
    """While the daemon is away pods start, by default; when it is back it is told of all of them, by the spool and by the plugin."""
    start_all(world)
    before = world.cri.run_pod("before").run()
    world.kill("portcullisd")
    pod = world.cri.run_pod("meanwhile", labels=LABELS)
    container = pod.run()
    expect(world.plugin()["counters"]["unanswered"] >= 2, "nothing was unanswered")
    world.start_daemon()
    wait_until(lambda: f"all are known: {world.log('plugin')[-600:]}", lambda: {before, pod.id, container} <= set(world.identities()))
    same(world.identities()[container]["labels"].get("app"), "till", "its label")
    world.await_receiving()
    expect_served(world, "after")


@case
def a_daemon_without_memory(world):
    """A daemon that starts anew without any pins of the one before: the plugin tells it all."""
    start_all(world)
    pod = world.cri.run_pod("till-0", labels=LABELS)
    container = pod.run()
    world.portcullis("down", "--remove")
    world.processes.pop("portcullisd").wait(timeout=30)
    world.start_daemon()
    wait_until("both are known again", lambda: {pod.id, container} <= set(world.identities()))
    same(world.identities()[container]["labels"].get("app"), "till", "its label")
    expect(world.identities()[container]["tasks"] >= 1, "its process has no label")


@case
def failing_closed(world):
    """Where failures are denied, a container is not started without the daemon, and the runtime's error says why; other namespaces are let through."""
    world.hook_config(**{"on-failure": "allow", "deny-namespace": ["vault"]})
    start_all(world)
    world.kill("portcullisd")
    world.cri.run_pod("free", namespace="shop").run()
    try:
        world.cri.run_pod("strict", namespace="vault").run()
        raise Trouble("it was started")
    except grpc.RpcError as error:
        said = error.details()
    expect("no answer from portcullisd" in said and "denied (--deny-namespace)" in said, f"the reason is not told: {said}")
    # Without a hook the plugin says no.
    world.kill("plugin")
    world.start_plugin("--no-hook", receiving=False)
    wait_until("the plugin has heard what runs", lambda: (world.plugin() or {}).get("state") == "receiving")
    try:
        world.cri.run_pod("stricter", namespace="vault").run()
        raise Trouble("it was started without a hook")
    except grpc.RpcError as error:
        said = error.details()
    expect("portcullis: container vault/stricter/main is not started" in said and "no answer from portcullisd" in said, f"the reason is not told: {said}")
    # With a hook that is not there, neither of them: the one is not created, the other is let through.
    world.kill("plugin")
    world.start_plugin("--hook-path", "/nowhere/portcullis-hook", receiving=False)
    wait_until("the plugin has heard what runs", lambda: (world.plugin() or {}).get("state") == "receiving")
    world.cri.run_pod("free-2", namespace="shop").run()
    try:
        world.cri.run_pod("strictest", namespace="vault").run()
        raise Trouble("it was created without a hook")
    except grpc.RpcError as error:
        said = error.details()
    expect("/nowhere/portcullis-hook: No such file" in said, f"the reason is not told: {said}")
    same(world.plugin()["counters"]["denied"], 1, "denied")
    return said.split("portcullis: ")[1]


@case
def first_exec(world):
    """What containers run is theirs from the first exec on, however short they live: init containers, one-shot pods, pods on the host's pid namespace."""
    start_all(world)
    events = Events(world)

    def start(number):
        pod = world.cri.run_pod(f"once-{number}", labels=LABELS, pid="container" if number % 3 else "host")
        return [pod.run("init", ["true"]), pod.run("once", ["sh", "-c", "exec /bin/true"])]

    made = sum(at_once(start, range(6)), [])
    for number, container in enumerate(made):
        wait_until(lambda: f"the execs of {container[:12]} are its own: {events.of(container)}", lambda: len(events.executed(container)) >= 1 + number % 2)
    executed = [events.executed(container) for container in made]
    same(executed, [["/bin/true"], ["/bin/sh", "/bin/true"]] * 6, "what was executed, from the first to the last")
    return f"{len(made)} containers"


@case
def without_hook(world):
    """The same without a hook: the runtime waits for the plugin before it starts the container's program. What started while the daemon was away is told as what it
    is by then: running."""
    world.start_containerd()
    world.start_daemon()
    world.start_plugin("--no-hook")
    events = Events(world)
    containers = [world.cri.run_pod(f"once-{number}", labels=LABELS).run("once", ["true"]) for number in range(3)]
    for container in containers:
        wait_until(lambda: f"the exec of {container[:12]} is its own: {events.of(container)}", lambda: events.executed(container))
        same(events.executed(container), ["/bin/true"], "what was executed")
    world.kill("portcullisd")
    mark = world.mark("meanwhile")
    container = world.cri.run_pod("meanwhile").run("main", ["sh", "-c", f"while /bin/true '{mark}'; do /bin/sleep 0.05; done"])
    world.start_daemon()
    events.follow()
    wait_until(lambda: f"its execs are its own by now: {events.marked(mark)}", lambda: events.marked(mark)[-2:] == [container] * 2)
    same(world.plugin()["counters"]["hooksGiven"], 0, "hooks given")


@case
def hook_given_by_others(world):
    """A container that has the hook already, as of a base specification, is not given it twice; another plugin of ours beside this one fails nothing."""
    start_all(world)
    world.start("second", f"{world.build}/portcullis-nri", "--socket", world.path("nri/nri.sock"), "--index", "20",
                *[option if option != world.path("run/nri.sock") else world.path("run/nri-2.sock") for option in world.plugin_options()])
    wait_until("the second is there", lambda: os.path.exists(world.path("run/nri-2.sock")) and "10-portcullis" in world.log("containerd") and "20-portcullis\" connected" in world.log("containerd").replace("\\", ""))
    container = world.cri.run_pod("till-0", labels=LABELS).run()
    same(world.hooks_of(container), [world.hook], "hooks of the bundle")
    same(world.identities()[container]["labels"].get("app"), "till", "its label")


@case
def base_spec(world):
    """A base specification with the hook beside the plugin: one hook, not two, and while the plugin is away containers are known by it all the same. When the
    plugin is back they get their labels."""
    world.write_base_spec()
    start_all(world)
    container = world.cri.run_pod("till-0", labels=LABELS).run()
    same(world.hooks_of(container), [world.hook], "hooks of the bundle")
    same([world.plugin()["counters"]["hooksGiven"], world.identities()[container]["labels"].get("app")], [0, "till"], "hooks given, and the label")
    world.kill("plugin")
    meanwhile = world.cri.run_pod("till-1", labels=LABELS).run()
    known = world.identities()[meanwhile]
    same([known["pod"], known["labels"].get("app")], ["till-1", None], "pod and label while the plugin is away")
    world.start_plugin()
    same(world.identities()[meanwhile]["labels"].get("app"), "till", "its label when the plugin is back")


def have_launched(world):
    """Has containerd start the plugin."""
    world.start_daemon()
    for name in ("nri", "nri/plugins", "nri/conf.d"):
        os.mkdir(world.path(name), 0o700)
    with open(world.path("nri/plugins/10-portcullis"), "w") as file:
        # containerd leaves it no PATH and no arguments.
        file.write("#!/bin/sh\nexec " + " ".join([f"{world.build}/portcullis-nri", "--socket", world.path("nri/nri.sock"), *world.plugin_options(), f"2>>{world.path('plugin.log')}"]) + "\n")
    os.chmod(world.path("nri/plugins/10-portcullis"), 0o755)
    world.start_containerd()
    world.await_receiving()


@case
def launched(world):
    """containerd starts the plugin itself, from its plugin directory, and again when it starts anew."""
    have_launched(world)
    pod = world.cri.run_pod("till-0", labels=LABELS)
    container = pod.run()
    same(world.identities()[container]["labels"].get("app"), "till", "its label")
    before = world.plugin()["pid"]
    world.kill("containerd")
    world.start_containerd()
    wait_until("another plugin is receiving", lambda: (world.is_receiving() or {}).get("pid", before) != before)
    wait_until("the first is gone", lambda: not lives(before))
    expect_served(world, "after")


@case
def launched_and_dropped(world):
    """containerd starts a plugin once. One that it has given up for being late is back by the socket all the same, if it is not ended."""
    have_launched(world)
    before = world.plugin()
    os.kill(before["pid"], signal.SIGSTOP)
    container = world.cri.run_pod("till-0", labels=LABELS).run()
    if not world.version.startswith("1."):
        wait_until("containerd 2.x ends what it gives up", lambda: not lives(before["pid"]))
        return "ended by containerd"
    os.kill(before["pid"], signal.SIGCONT)

    def has_labels(container):
        return world.identities().get(container, {"labels": {}})["labels"].get("app") == "till"

    wait_until("the plugin tells of what it has missed", lambda: has_labels(container), 30)
    after = world.await_receiving() or world.plugin()
    same([after["pid"], after["counters"]["connections"]], [before["pid"], before["counters"]["connections"] + 1], "pid and connections")
    expect(has_labels(world.cri.run_pod("after", labels=LABELS).run()), "a later one has no label")


@case
def a_synchronize_of_many_messages(world):
    """More pods than one message holds (4 MiB): every one is known after a restart of the plugin and of the daemon."""
    world.start_containerd()
    fat = {f"example.org/{number}": "x" * 200_000 for number in range(2)}
    pods = at_once(lambda number: world.cri.run_pod(f"fat-{number}", labels={"app": f"fat-{number}"}, annotations=fat), range(14))
    containers = at_once(lambda pod: pod.run(), pods[:4])
    world.start_daemon()
    world.start_plugin()
    known = world.identities()
    same(set(known), {pod.id for pod in pods} | set(containers), "known")
    same([known[pod.id]["labels"].get("app") for pod in pods], [f"fat-{number}" for number in range(14)], "labels")
    return f"{len(pods)} pods of {2 * 200_000} bytes of annotations"


@case
def fifty_pods(world):
    """Fifty pods at once, each with two containers: the list is the runtime's, and remains so when half of them go."""
    start_all(world)

    def start(number):
        pod = world.cri.run_pod(f"pod-{number}", labels={"number": str(number)})
        pod.run("one")
        pod.run("two")
        return pod

    pods = at_once(start, range(50))

    def both():
        return set(world.identities()), world.cri.pods() | world.cri.containers()

    known, runs = both()
    same(known, runs, "known and running")
    same(len(runs), 150, "running")
    status = world.plugin()
    at_once(lambda pod: pod.remove(), pods[::2])
    wait_until("half of them are forgotten", lambda: len(set.symmetric_difference(*both())) == 0)
    same(len(both()[0]), 75, "known")
    slow = status["counters"]["answerTimes"]["CreateContainer"]
    return f"CreateContainer answered in {slow['nanoseconds'] / sum(slow['counts']) / 1000:.0f} us on average, the plugin has {resident(world)} KiB"


def lives(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def resident(world):
    with open(f"/proc/{world.processes['plugin'].pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


@case
def a_silent_runtime(world):
    """A runtime that has given the plugin up and leaves the connection open: noticed by what appears on disk, and asked anew."""
    world.start_containerd()
    world.start_daemon()
    pod = world.cri.run_pod("first")
    pod.run()
    with Relay(world) as relay:
        world.start("plugin", f"{world.build}/portcullis-nri", "--socket", relay.path, *world.plugin_options())
        world.await_receiving()
        relay.swallow()
        container = world.cri.run_pod("unseen", labels=LABELS).run()
        expect(container not in world.identities(), "known all the same: this test shows nothing")
        wait_until("the plugin knows it", lambda: container in world.identities(), 30)
        counters = world.plugin()["counters"]
        same([counters["silences"], counters["silencesConfirmed"]], [1, 1], "silences and those that were some")
        # What others make in the same place is no silence, or it would be one each time.
        world.ctr("--namespace", "k8s.io", "run", "--detach", "--null-io", "--snapshotter", "native", "--runc-binary", "/usr/sbin/runc", "--runc-root", world.runc,
                  "--cgroup", world.cgroups + "/by-ctr", IMAGE, "by-ctr")
        wait_until("it is asked about once", lambda: world.plugin()["counters"]["silences"] == 2, 30)
        world.await_receiving()
        same(world.plugin()["counters"]["silencesConfirmed"], 1, "silences that were some")
        world.ctr("--namespace", "k8s.io", "task", "rm", "--force", "by-ctr")
