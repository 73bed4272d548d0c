#!/usr/bin/env python3
"""Is the test client itself right? It is run against a server of known answers, and the validator on good and bad lines. Takes a few seconds.
Its last line says how many checks passed and failed."""
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import connection  # Before grpc, whose log it silences.
import grpc

import feeder_pb2
import samples
import selftest_server
import validate

HERE = pathlib.Path(__file__).parent
passed, failed = 0, 0


def check(what, condition, *seen):
    global passed, failed
    if condition:
        passed += 1
    else:
        failed += 1
        print(f"FAILED {what}", *(str(one)[:1000] for one in seen))


def client(target, *arguments, tls=()):
    done = subprocess.run([sys.executable, HERE / "client.py", "--target", target, *tls, *arguments], capture_output=True, text=True, timeout=60)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def one_error(result, *words):
    status, _, said = result
    lines = [line for line in said.splitlines() if not line.startswith(("READY", "NOTE"))]
    return status == 1 and len(lines) == 1 and all(word in lines[0] for word in words)


def test_unary(target, work):
    check("health", client(target, "health")[:2] == (0, [{"service": "", "status": "SERVING"}]))
    check("health of a service", client(target, "health", "feeder.LogService")[1] == [{"service": "feeder.LogService", "status": "NOT_SERVING"}])
    check("health of none", one_error(result := client(target, "health", "none"), "NOT_FOUND"), result)
    check("nonce", client(target, "nonce", "77")[:2] == (0, [{"Retval": 77}]))
    check("nonce, wrong echo", one_error(client(target, "nonce", "13"), "echoed 0"))
    check("nobody there", one_error(result := client(f"unix:{work}/nobody", "nonce", "1"), "UNAVAILABLE"), result)
    status, lines, _ = client(target, "probe")
    item = {"policyList": ["p"], "policyEnabled": 1, "policyDataList": [{"metadata": {"policyName": "p"}}]}
    check("probe", status == 0 and lines[0]["containerMap"] == {"web": item} and lines[0]["networkMap"] == {}, lines)


def test_policy(target, work):
    file = work / "policies.yaml"
    file.write_text("kind: KubeArmorPolicy\nmetadata: {name: a}\nspec: {action: Block}\n---\nmetadata: {name: odd}\nspec: {}\n")
    selftest_server.Policy.received.clear()
    check("policy", client(target, "policy", "container", "ADDED", str(file))[:2] ==
          (0, [{"name": "a", "status": "Applied"}, {"name": "odd", "status": "42"}]))
    check("policy, as sent", selftest_server.Policy.received[0] ==
          ("container", {"type": "ADDED", "object": {"metadata": {"name": "a"}, "spec": {"action": "Block"}}}))
    client(target, "policy", "host", "MODIFIED", str(file), "--whole")
    check("policy, whole", selftest_server.Policy.received[2][1]["object"]["kind"] == "KubeArmorPolicy")
    check("policy, raw", client(target, "policy", "host", "DELETED", str(file), "--raw")[1] == [{"name": str(file), "status": "Invalid"}])
    check("policy, no method", one_error(client(target, "policy", "network", "ADDED", str(file)), "UNIMPLEMENTED"))
    check("policy, no file", one_error(client(target, "policy", "host", "ADDED", str(work / "none")), "No such file"))


def test_streams(target):
    for name, expected in (("alerts", samples.ALERTS), ("logs", samples.LOGS)):
        status, lines, said = client(target, name, "--count", str(len(expected)))
        check(name, (status, lines) == (0, expected) and [list(line) for line in lines] == [list(keys) for keys in expected], status, lines, said)
        check(f"{name}: READY and NOTE", said.count("READY\n") == 1 and said.count("NOTE field 99") == 1, said)
    status, lines, said = client(target, "alerts", "--count", "1", "--event-id", "99")
    check("EventID", lines[0]["EventID"] == "1-2" and "NOTE" not in said, lines, said)
    check("messages", client(target, "messages", "--count", "1")[1] == [{"Timestamp": 1700000000, "Level": "INFO", "Message": "up"}])
    check("late metadata", "READY" in client(target, "logs", "--filter", "late", "--count", "1")[2])
    check("too few", one_error(result := client(target, "alerts", "--count", "9", "--timeout", "0.5"), "4 of 9", "0.5 s"), result)
    status, lines, said = client(target, "alerts", "--timeout", "0.5")
    check("no count", status == 0 and len(lines) == 4 and "ENDED" not in said, said)
    status, lines, said = client(target, "alerts", "--filter", "none")
    check("ended at once", (status, lines, said.replace("READY\n", "")) == (0, [], "ENDED by the server after 0\n"), status, lines, said)
    check("ended with an error", one_error(result := client(target, "logs", "--filter", "broken"), "RESOURCE_EXHAUSTED: too slow"), result)
    # The server of the Python library, as it comes, lets no client ping often: so it shows that there were pings.
    check("ping", one_error(result := client(target, "--ping", "100", "logs", "--timeout", "20"), "Too many pings"), result)
    check("count 0 is refused", client(target, "logs", "--count", "0")[0] == 2)


def test_counting(target):
    total = selftest_server.FLOOD
    status, lines, said = client(target, "rate", "--filter", "flood", "--count", str(total))
    check("rate", status == 0 and lines[0]["count"] == lines[0]["distinct"] == total and lines[0]["end"] == "count", status, lines, said)
    check("rate, idle", one_error(client(target, "rate", "--filter", "all", "--count", "9", "--idle", "0.3"), "2 of 9", "nothing for 0.3 s"))
    selftest_server.Log.flooded = 0
    stalled = subprocess.Popen([sys.executable, HERE / "client.py", "--target", target, "stall", "--filter", "flood", "--idle", "1"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    check("stall: READY", stalled.stderr.readline() == "READY\n")
    time.sleep(1.5)
    before = selftest_server.Log.flooded
    check("stall: the server is held up", 0 < before < total / 10, before)
    out, said = stalled.communicate("read\n", timeout=60)
    lines = json.loads(out)
    check("stall: then all of it", stalled.returncode == 0 and lines["count"] == total and lines["end"] == "idle", out, said)
    done = subprocess.run([sys.executable, HERE / "client.py", "--target", target, "stall"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    check("stall: no line", done.returncode == 1 and "nothing was read" in done.stderr, done.stderr)


def test_reflection(target, work):
    status, lines, said = client(target, "reflect", "--compare")
    expected = [{"service": name, "versions": ["v1", "v1alpha"]} for name in sorted(selftest_server.SERVICES)]
    check("reflect", (status, lines) == (0, expected), lines, said)
    server, _ = selftest_server.serve(f"unix:{work}/altered", versions=["v1alpha"], pool=selftest_server.altered_pool())
    status, lines, said = client(f"unix:{work}/altered", "reflect", "--compare")
    differences = [line["difference"] for line in lines if "difference" in line]
    check("reflect: differences", status == 1 and sorted(differences) == [
        "feeder.Alert: int64 UID = 12 is none of KubeArmor's", "feeder.Alert: no int32 UID = 12", "feeder.Alert: no string Labels = 29",
        "feeder.Alert: string Extra = 100 is none of KubeArmor's", "feeder.Alert: string Labels = 50 is none of KubeArmor's",
        "feeder.Podowner: other order of the fields", "feeder.ReplyMessage: int32 retval = 1 is none of KubeArmor's",
        "feeder.ReplyMessage: no int32 Retval = 1", "no policy.PolicyService.networkPolicy"], differences, said)
    server.stop(0)
    server, _ = selftest_server.serve(f"unix:{work}/plain", versions=[])
    check("no reflection", one_error(client(f"unix:{work}/plain", "reflect"), "no reflection"))
    server.stop(0)


def certificates(work):
    """An authority, and a server and a client that it vouches for."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=work, check=True, capture_output=True)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.crt")
    (work / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:node")
    for name in ("server", "client"):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names", "-out", f"{name}.crt")


def test_tls(work):
    certificates(work)
    content = {name: (work / name).read_bytes() for name in ("ca.crt", "server.key", "server.crt")}
    credentials = grpc.ssl_server_credentials([(content["server.key"], content["server.crt"])], content["ca.crt"], require_client_auth=True)
    server, port = selftest_server.serve("127.0.0.1:0", credentials)
    ca, ours = ("--ca", str(work / "ca.crt")), ("--cert", str(work / "client.crt"), "--key", str(work / "client.key"))
    check("TLS", client(f"127.0.0.1:{port}", "nonce", "5", tls=ca + ours)[:2] == (0, [{"Retval": 5}]))
    check("TLS, another name", client(f"127.0.0.1:{port}", "nonce", "5", tls=(*ca, *ours, "--server-name", "node"))[0] == 0)
    check("TLS, a wrong name", one_error(client(f"127.0.0.1:{port}", "nonce", "5", tls=(*ca, *ours, "--server-name", "x")), "UNAVAILABLE"))
    check("TLS, no certificate of ours", one_error(client(f"127.0.0.1:{port}", "nonce", "5", tls=ca), "UNAVAILABLE"))
    check("TLS, plain", one_error(client(f"127.0.0.1:{port}", "nonce", "5", "--timeout", "3")))
    server.stop(0)


def test_validator(work):
    for kind in ("alert", "log"):
        order = [key for key in validate.SCHEMA["$defs"][kind]["properties"] if key != "EventID"]
        message = {"alert": feeder_pb2.Alert, "log": feeder_pb2.Log}[kind]
        check(f"schema and .proto, {kind}", order == [field.name for field in message.DESCRIPTOR.fields])
    validate.jsonschema.Draft202012Validator.check_schema(validate.SCHEMA)
    for keys in samples.GOOD:
        check(f"good {keys['Type']}", not (found := validate.check(json.dumps(keys))[1]), found)
    for line, key in [(json.dumps(keys), key) for keys, key in samples.BAD] + samples.BAD_TEXT:
        found = validate.check(line)[1]
        check(f"bad {key}: {line}", key in [part for part, _ in found], found)
    file = work / "lines"
    for content, status, said in ((json.dumps(samples.LOG) + "\n{}\n", 1, f"{file}:2: required: "), (json.dumps(samples.LOG) + "\n", 0, "0 alerts, 1 logs"),
                                  ("", 1, f"{file}: holds no line")):
        file.write_text(content)
        done = subprocess.run([sys.executable, HERE / "validate.py", file], capture_output=True, text=True)
        check("validate.py", done.returncode == status and said in done.stdout, done)


def main():
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        server, _ = selftest_server.serve(f"unix:{work}/feed")
        for test in (test_unary, test_policy):
            test(f"unix:{work}/feed", work)
        test_streams(f"unix:{work}/feed")
        test_counting(f"unix:{work}/feed")
        test_reflection(f"unix:{work}/feed", work)
        server.stop(0)
        test_tls(work)
        test_validator(work)
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
