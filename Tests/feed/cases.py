"""The cases: each is given a World of its own, raises Trouble where something is wrong, and gives what it noted."""
import json
import os
import signal
import socket
import subprocess
import urllib.request

from world import Trouble, here, wait_until

all = {}


def case(function):
    all[function.__name__.replace("_", "-")] = function
    return function


def expect(is_so, what):
    if not is_so:
        raise Trouble(what)


def same(found, wanted, what):
    expect(found == wanted, f"{what}: {found!r} instead of {wanted!r}")


def find(lines, **wanted):
    """The one line that has these values."""
    found = [line for line in lines if all_of(line, wanted)]
    expect(found, f"no message with {wanted} among {len(lines)}: {[(line.get('Operation'), line.get('Resource')) for line in lines][:40]}")
    return found[0]


def all_of(line, wanted):
    return builtin_all(line.get(key) == value for key, value in wanted.items())


builtin_all = __builtins__["all"] if isinstance(__builtins__, dict) else __builtins__.all

BLOCK_LS = """
apiVersion: security.kubearmor.com/v1
kind: KubeArmorPolicy
metadata: {name: no-ls, namespace: default}
spec:
  selector: {matchLabels: {app: demo}}
  severity: 7
  tags: [MITRE, T1083]
  message: nobody lists here
  process:
    matchPaths: [{path: /bin/ls}]
  action: Block
"""


@case
def logs(world):
    """Logs of files, sockets, processes and calls, field by field, and as the schema has them."""
    world.start_daemon()
    world.start_feed(f"--json-file={world.path('feed.jsonl')}", "--cluster-name=testing", "--node-name=here")
    with world.watching("logs", "--filter", "all", "--timeout", "6", "--event-id", "1001") as watched:
        name = world.run(
            "echo a > /tmp/one; /bin/busybox mv /tmp/one /tmp/two; /bin/busybox chmod 600 /tmp/two; /bin/busybox rm /tmp/two; /bin/cat /etc/none; /bin/busybox nc -w1 127.0.0.1 9; cd /tmp; /bin/cat two")
    lines = watched.lines
    for line in lines:
        same((line["ClusterName"], line["HostName"], line["ContainerID"], line["NamespaceName"], line["Labels"]), ("testing", "here", name, "default", "app=demo"), "who")
        same(line["Type"], "ContainerLog", "type")
    first = find(lines, Operation="Process", Data="syscall=SYS_EXECVE", PID=1)
    same((first["ProcessName"], first["UID"], first["Result"]), ("/bin/sh", 0, "Passed"), "the first exec")
    expect(first["Resource"].startswith("/bin/sh -c echo a"), f"a command line: {first['Resource']}")
    expect(first["ParentProcessName"].endswith("runc") and first["HostPPID"] > 0, f"a parent: {first}")
    created = find(lines, Operation="File", Resource="/tmp/one", Result="Passed", ProcessName="/bin/sh")
    same(created["Data"], "syscall=SYS_OPENAT fd=-100 flags=O_WRONLY|O_CREAT|O_TRUNC", "a create")
    same(created["EventData"], {"Syscall": "SYS_OPENAT", "Fd": "-100", "Flags": "O_WRONLY|O_CREAT|O_TRUNC"}, "its parts")
    expect("newpath=/tmp/two" in find(lines, Operation="File", Resource="/tmp/one", ProcessName="/bin/busybox", Source="/bin/busybox mv /tmp/one /tmp/two")["Data"], "a rename")
    expect("mode=0600" in find(lines, Operation="File", Resource="/tmp/two", Source="/bin/busybox chmod 600 /tmp/two")["Data"], "a chmod")
    find(lines, Operation="File", Resource="/tmp/two", Source="/bin/busybox rm /tmp/two", Result="Passed")
    same(find(lines, Operation="File", Resource="/etc/none")["Result"], "No such file or directory", "a failure")
    find(lines, Operation="File", Resource="/tmp/two", Source="/bin/cat two", Cwd="/tmp", Result="No such file or directory")
    find(lines, Operation="Network", Resource="domain=AF_INET type=SOCK_STREAM protocol=TCP", Data="syscall=SYS_SOCKET")
    connected = find(lines, Operation="Network", Resource="remoteip=127.0.0.1 port=9 protocol=TCP")
    same((connected["Result"], connected["EventData"]["Port"]), ("Connection refused", "9"), "a connect")
    exits = [line for line in lines if line["Data"].startswith("tracepoint=sched_process_exit")]
    expect(any_of(line["PID"] == 1 for line in exits), "the init's exit")
    same(len({line["EventID"] for line in lines}), len(lines), "ids")
    with open(world.path("feed.jsonl")) as file:
        written = [json.loads(line) for line in file]
    in_file(lines, written)
    validate(world, world.path("feed.jsonl"))
    return f"{len(lines)} logs"


def in_file(streamed, written):
    """What came over gRPC is in the file, field by field."""
    by_id = {line["EventID"]: line for line in written}
    for line in streamed:
        same(line, by_id.get(line["EventID"]), "a message over gRPC, and in the file")


def any_of(values):
    return any(values)


def validate(world, path):
    checked = subprocess.run([world.python, f"{here}/validate.py", path], capture_output=True, text=True)
    expect(checked.returncode == 0, f"{path}: {checked.stdout[-800:]}{checked.stderr[-300:]}")


@case
def alerts(world):
    """An alert with its policy's fields."""
    with open(world.path("policies/p.yaml"), "w") as file:
        file.write(BLOCK_LS)
    world.start_daemon()
    world.start_feed(f"--json-file={world.path('feed.jsonl')}", "--outlets=alerts")
    with world.watching("alerts", "--filter", "policy", "--count", "1", "--timeout", "10", "--event-id", "1001") as watched:
        name = world.run("/bin/ls /etc")
    alert = watched.lines[0]
    wanted = {
        "PolicyName": "no-ls", "Severity": "7", "Tags": "MITRE,T1083", "ATags": ["MITRE", "T1083"], "Message": "nobody lists here", "Type": "MatchedPolicy",
        "Operation": "Process", "ProcessName": "/bin/ls", "Resource": "/bin/ls /etc", "Data": "lsm=SECURITY_BPRM_CHECK", "ContainerID": name, "NamespaceName": "default",
        "EventData": {"Lsm": "SECURITY_BPRM_CHECK"},
    }
    same({key: alert.get(key) for key in wanted}, wanted, "the alert")
    is_enforced = json.loads(world.portcullis("status", "--json")[1])["enforcing"]
    same((alert["Action"], alert["Result"], alert["Enforcer"]), ("Block", "Permission denied", "BPFLSM") if is_enforced else ("Audit (Block)", "Passed", "eBPF Monitor"), "the verdict")
    wait_until("the file has it", lambda: os.path.exists(world.path("feed.jsonl")) and os.path.getsize(world.path("feed.jsonl")) > 0)
    with open(world.path("feed.jsonl")) as file:
        in_file(watched.lines, [json.loads(line) for line in file])
    validate(world, world.path("feed.jsonl"))


@case
def throttle(world):
    """A flood falls silent, says so, and says afterwards how much it held back."""
    with open(world.path("policies/p.yaml"), "w") as file:
        file.write(BLOCK_LS)
    world.start_daemon()
    world.start_feed("--throttle-alerts=3", "--throttle-seconds=2")
    with world.watching("alerts", "--filter", "all", "--timeout", "7") as watched:
        world.run("for i in 1 2 3 4 5 6 7 8; do /bin/ls /; done; sleep 2.5; /bin/ls /")
    kinds = [(line["Type"], line["Operation"]) for line in watched.lines]
    notice = ("SystemEvent", "AlertThreshold")
    same(kinds, [("MatchedPolicy", "Process")] * 3 + [notice, notice, ("MatchedPolicy", "Process")], "alerts and notices")
    same((watched.lines[3]["MaxAlertsPerSec"], watched.lines[3]["DroppingAlertsInterval"]), (3, 2), "the notice")
    same(watched.lines[4]["Message"], "5 alerts were held back", "what was held")


@case
def services(world):
    """Health, the nonce, reflection, a filter that is none, and what the probe says."""
    world.start_daemon()
    world.start_feed()
    for service in ("", "feeder.LogService", "policy.PolicyService"):
        same(world.client("health", service)[1][0]["status"], "SERVING", f"health of {service!r}")
    expect(world.client("health", "no.Such")[0] != 0, "a service that is none has no health")
    same(world.client("nonce", "77")[1], [{"Retval": 77}], "the nonce")
    status, differences, error = world.client("reflect", "--compare")
    same([line for line in differences if "difference" in line], [], "what is served beside what is known of KubeArmor")
    same(status, 0, error)
    for stream in ("alerts", "logs"):
        status, lines, error = world.client(stream, "--filter", "nonsense", "--timeout", "5")
        expect("ENDED" in error and not lines, f"{stream} with a filter that is none: {status} {error}")
    world.stop("daemon")
    wait_until("not serving without a daemon", lambda: world.client("health", "")[1][0]["status"] == "NOT_SERVING")
    world.start_daemon()
    wait_until("serving again", lambda: world.client("health", "")[1][0]["status"] == "SERVING")


@case
def policies(world):
    """Policies by gRPC are taken only where the daemon's configuration says so, and are in force when it is answered."""
    world.start_daemon()
    world.start_feed()
    with open(world.path("p.yaml"), "w") as file:
        file.write(BLOCK_LS)

    def change(kind, what, *options):
        status, lines, error = world.client("policy", kind, what, world.path("p.yaml"), *options)
        expect(status == 0, error)
        return lines[0]["status"]

    def in_force():
        return [json.loads(line)["identity"] for line in world.portcullis("policy", "list", "--json")[1].splitlines()]

    same(change("container", "ADDED"), "NotEnabled", "without leave")
    same(in_force(), [], "nothing came of it")
    world.stop("daemon")
    world.start_daemon("--events-socket-policies=true")
    wait_until("the feed is connected again", lambda: world.client("health", "")[1][0]["status"] == "SERVING")
    same(change("container", "DELETED"), "NotExist", "what is not there")
    same(change("container", "ADDED"), "Applied", "a policy")
    same(in_force(), ["default/no-ls"], "in force")
    same(change("container", "MODIFIED"), "Modified", "again")
    listed = world.client("probe")[1][0]
    same(list(listed["hostMap"].values())[0]["policyList"], [], "the host's")
    same(change("container", "DELETED"), "Deleted", "its end")
    same(in_force(), [], "gone")
    same(change("network", "ADDED"), "NotEnabled", "a firewall's rules")
    with open(world.path("p.yaml"), "w") as file:
        file.write(BLOCK_LS.replace("/bin/ls", "bin/ls/"))
    same(change("container", "ADDED"), "Invalid", "a policy that is wrong")


@case
def transports(world):
    """TCP on the loopback, TLS, client certificates, and an address that others reach is refused without TLS."""
    refused = subprocess.run(
        [f"{world.build}/portcullis-feed", "--config=/dev/null", "--grpc-address=0.0.0.0:32767"], capture_output=True, text=True, timeout=20)
    expect(refused.returncode == 64 and "tls-certificate" in refused.stderr, f"0.0.0.0 without TLS: {refused.returncode} {refused.stderr}")
    world.start_daemon("--events-socket-policies=true")
    world.start_feed("--grpc-address=127.0.0.1:32767")
    same(world.client("nonce", "5", target="127.0.0.1:32767")[1], [{"Retval": 5}], "plain TCP")
    with open(world.path("p.yaml"), "w") as file:
        file.write(BLOCK_LS)
    status, _, error = world.client("policy", "container", "ADDED", world.path("p.yaml"), target="127.0.0.1:32767")
    expect(status != 0 and "certificate" in error, f"a policy over plain TCP: {status} {error}")
    world.stop("feed")
    certificates(world)
    world.start_feed(
        "--grpc-address=127.0.0.1:32767", f"--tls-certificate={world.path('server.pem')}", f"--tls-key={world.path('server.key')}", f"--tls-client-ca={world.path('ca.pem')}")
    shown = ("--ca", world.path("ca.pem"), "--cert", world.path("client.pem"), "--key", world.path("client.key"))
    wait_until("TLS with a certificate", lambda: world.client("nonce", "6", target="127.0.0.1:32767", options=shown)[1] == [{"Retval": 6}])
    expect(world.client("nonce", "7", target="127.0.0.1:32767", options=shown[:2])[0] != 0, "without a certificate there is no answer")
    same(world.client("policy", "container", "ADDED", world.path("p.yaml"), target="127.0.0.1:32767", options=shown)[1][0]["status"], "Applied", "a policy with one")


def certificates(world):
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=world.scratch, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem")
    for name in ("server", "client"):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        with open(world.path("ext"), "w") as file:
            file.write("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "ext", "-out", f"{name}.pem")


@case
def unprivileged(world):
    """The feed as a user of its own: it reads, it cannot change anything, and its end is nothing to what is enforced."""
    world.group = 64321
    with open(world.path("policies/p.yaml"), "w") as file:
        file.write(BLOCK_LS)
    world.start_daemon()
    world.start_feed(user=64321)
    with open(f"/proc/{world.processes['feed'].pid}/status") as file:
        fields = dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)
    same((fields["Uid"].split()[0], int(fields["CapEff"], 16)), ("64321", 0), "who it runs as")
    with world.watching("logs", "--filter", "all", "--count", "3", "--timeout", "10") as watched:
        world.run("id")
    same(watched.status, 0, watched.errors)
    other = subprocess.run(
        ["setpriv", "--reuid=64322", "--regid=64322", "--clear-groups", f"{world.build}/portcullis", "status", "--socket", f"{world.events}/events.sock"], capture_output=True, text=True)
    expect(other.returncode != 0 and "ermission denied" in other.stderr, f"another user reads: {other.stdout}{other.stderr}")
    for command in (["pause", "--container", "any", "--for", "1m"], ["down"], ["unlock", "--for", "1m"]):
        tried = subprocess.run(
            ["setpriv", "--reuid=64321", "--regid=64321", "--clear-groups", f"{world.build}/portcullis", *command, "--socket", f"{world.events}/events.sock"], capture_output=True, text=True)
        expect(tried.returncode != 0 and "for reading only" in tried.stderr, f"{command[0]} by the feed's user: {tried.stdout}{tried.stderr}")
    before = world.counters()["alertsObserved"] + world.counters()["alertsSent"]
    world.stop("feed", signal.SIGKILL)
    status, alerts, _ = world.portcullis("status", "--json")
    same(status, 0, "the daemon without its feed")
    world.run("/bin/ls /")
    world.start_feed(user=64321)
    with world.watching("alerts", "--filter", "all", "--count", "1", "--timeout", "10") as watched:
        world.run("/bin/ls /")
    same(watched.lines[0]["PolicyName"], "no-ls", "after a restart of the feed")
    expect(world.counters()["alertsObserved"] + world.counters()["alertsSent"] > before, "alerts go on")


@case
def restarts(world):
    """A client's stream goes on when the daemon is killed and comes back."""
    world.start_daemon()
    world.start_feed()
    # One that has come and gone before must not hide the break from the next.
    with world.watching("logs", "--filter", "all", "--timeout", "1"):
        pass
    with world.watching("logs", "--filter", "all", "--timeout", "12") as watched:
        first = world.run("id")
        world.stop("daemon", signal.SIGKILL)
        world.start_daemon()
        wait_until("connected again", lambda: world.client("health", "")[1][0]["status"] == "SERVING")
        # Its events come over a connection of their own, which may take a moment longer.
        wait_until("a reader of events", lambda: json.loads(world.portcullis("status", "--json")[1])["counters"].get("eventRecordReaders", 0) == 1)
        second = world.run("id")
    same({first, second} - {line.get("ContainerID") for line in watched.lines}, set(), "containers that were not told of")
    same([line["EventData"] for line in watched.lines if line["Operation"] == "Lost"], [{"Lost": "unknown"}], "the word about what the daemon had still to tell")


@case
def stalled(world):
    """A client that reads nothing costs the others nothing, and is told what it has lost; all that was made is delivered or counted."""
    world.start_daemon("--event-buffer-kib=16384")
    world.start_feed()
    before = world.counters()
    with world.watching("stall", "--stream", "logs", "--filter", "all", "--idle", "4", "--timeout", "60") as stalled:
        with world.watching("rate", "--stream", "logs", "--filter", "all", "--idle", "4", "--timeout", "60") as reading:
            # The shell's own opens: nothing is started for them.
            world.run("i=0; while [ $i -lt 60000 ]; do : < /bin/sh; i=$((i+1)); done")
        stalled.tell()
    after = world.counters()
    made = after["eventsSent"] - before["eventsSent"] + after["eventsLost"] - before["eventsLost"]
    lost = after["eventsLost"] - before["eventsLost"]
    expect(made > 60000, f"only {made} events")
    for name, client in (("reading", reading), ("stalled", stalled)):
        line = client.lines[-1]
        same(line["distinct"] + line["lost"] + lost, made, f"{name}: {line}, lost in the kernel {lost}")
    expect(stalled.lines[-1]["lost"] > 0, f"the stalled client lost nothing: {stalled.lines[-1]}")
    with open(f"/proc/{world.processes['feed'].pid}/status") as file:
        resident = int(next(line.split()[1] for line in file if line.startswith("VmRSS")))
    expect(resident < 120_000, f"the feed has {resident} KiB")
    return f"{made} events, reading lost {reading.lines[-1]['lost']}, stalled {stalled.lines[-1]['lost']}, kernel {lost}, {resident} KiB"


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def metric(port, name):
    """The sum of a metric's samples."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        samples = [line.split() for line in answer.read().decode().splitlines() if line.startswith((name + " ", name + "{"))]
    expect(samples, f"no metric {name}")
    return sum(int(float(sample[-1])) for sample in samples)


@case
def silence(world):
    """A container that floods and ends: how much was held back is told when the silence is over, and where the daemon goes before."""
    with open(world.path("policies/p.yaml"), "w") as file:
        file.write(BLOCK_LS)
    flood = "for i in 1 2 3 4 5 6 7 8; do /bin/ls /; done"
    told = [("MatchedPolicy", "Process")] * 3 + [("SystemEvent", "AlertThreshold")] * 2
    world.start_daemon()
    world.start_feed("--throttle-alerts=3", "--throttle-seconds=1")
    with world.watching("alerts", "--count", "5", "--timeout", "10") as watched:
        name = world.run(flood)
    same([(line["Type"], line["Operation"]) for line in watched.lines], told, "alerts and notices")
    same((watched.lines[4]["Message"], watched.lines[4]["ContainerID"], watched.lines[4]["EventData"]), ("5 alerts were held back", name, {"Held": "5"}), "what was held")
    expect(watched.lines[4]["UpdatedTime"] > watched.lines[3]["UpdatedTime"], "the notices' times")
    world.stop("feed")
    port = free_port()
    world.start_feed("--throttle-alerts=3", "--throttle-seconds=3600", f"--metrics-address=127.0.0.1:{port}")
    with world.watching("alerts", "--count", "6", "--timeout", "20") as watched:
        world.run(flood)
        wait_until("the flood is held back", lambda: metric(port, "portcullis_feed_alerts_throttled_total") == 5)
        world.stop("daemon")
    same([(line["Type"], line["Operation"]) for line in watched.lines], told + [("SystemEvent", "Lost")], "alerts, notices, the break")
    same(watched.lines[4]["Message"], "5 alerts were held back", "what was held when the daemon went")


@case
def repeats(world):
    """What says again what was just said is held back; the last of it says how often, so that nothing is missing from the sum."""
    world.start_daemon("--event-buffer-kib=16384")
    port = free_port()
    world.start_feed("--aggregate-seconds=1", f"--metrics-address=127.0.0.1:{port}", f"--json-file={world.path('feed.jsonl')}")
    before = world.counters()
    with world.watching("logs", "--filter", "all", "--timeout", "5") as watched:
        world.run("i=0; while [ $i -lt 500 ]; do : < /etc/passwd; i=$((i+1)); done; : < /etc/group; : < /tmp/'a repeats=9'", files={"etc/passwd": "", "etc/group": "", "tmp/a repeats=9": ""})
    after = world.counters()
    same(after["eventsLost"] - before["eventsLost"], 0, "events that were lost")

    def times(lines):
        return sum(int(line["EventData"].get("Repeats", 1)) for line in lines)

    opened = [line for line in watched.lines if line["Resource"] == "/etc/passwd" and line["Operation"] == "File"]
    same(times(opened), 500, "opens")
    expect("Repeats" not in opened[0]["EventData"] and "Repeats" in opened[1]["EventData"] and len(opened) < 20, f"{len(opened)} messages of them")
    same(opened[1]["EventData"]["Syscall"], opened[0]["EventData"]["Syscall"], "its own words")
    same([times([line]) for line in watched.lines if line["Resource"].startswith(("/etc/group", "/tmp/a"))], [1, 1], "what was done once, whatever its name")
    same(times(watched.lines), after["eventsSent"] - before["eventsSent"], "what was made")
    folded = sum(int(line["EventData"]["Repeats"]) for line in watched.lines if "Repeats" in line.get("EventData", {}))
    same(metric(port, "portcullis_feed_messages_folded_total"), folded, "what is counted")
    validate(world, world.path("feed.jsonl"))
    return f"{times(watched.lines)} logs in {len(watched.lines)} messages"


@case
def host_policies(world):
    """Of a host's policy the answer is what became of it, as with KubeArmor."""
    world.start_daemon("--events-socket-policies=true")
    world.start_feed()

    def change(kind, path):
        with open(world.path("h.yaml"), "w") as file:
            file.write(HOST_AUDIT % path)
        status, lines, error = world.client("policy", "host", kind, world.path("h.yaml"))
        expect(status == 0, error)
        return lines[0]["status"]

    same(change("ADDED", "/usr/bin/one"), "Applied", "a new one")
    same(change("ADDED", "/usr/bin/one"), "Applied", "the same")
    same(change("ADDED", "/usr/bin/two"), "Modified", "another in its place")
    same(change("MODIFIED", "/usr/bin/three"), "Modified", "one that is said to be another")
    same(change("ADDED", "three/"), "Invalid", "one that is wrong")
    same(change("DELETED", "/usr/bin/three"), "Deleted", "its end")
    same(change("ADDED", "/usr/bin/three"), "Applied", "a new one again")


HOST_AUDIT = """
apiVersion: security.kubearmor.com/v1
kind: KubeArmorHostPolicy
metadata: {name: watched}
spec:
  nodeSelector: {matchLabels: {kubernetes.io/hostname: "*"}}
  process:
    matchPaths: [{path: %s}]
  action: Audit
"""
