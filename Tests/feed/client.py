#!/usr/bin/env python3
"""A client of the KubeArmor-compatible feed, for tests. It knows only the .proto files beside it.

Answers are JSON lines on standard output. An error is one line on standard error, with status 1; a wrong command line has status 2.
"""
import argparse
import json
import sys

from connection import Failure, Watch, connect, explain, read, tell  # Before grpc, whose log it silences.
import grpc
import yaml
from google.protobuf.empty_pb2 import Empty
from grpc_health.v1 import health_pb2, health_pb2_grpc

import feeder_pb2
import feeder_pb2_grpc
import karmor_json
import policy_pb2
import policy_pb2_grpc
import reflection
import streams


def put(keys):
    print(karmor_json.line(keys), flush=True)


def health(channel, options):
    request = health_pb2.HealthCheckRequest(service=options.service)
    answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=options.timeout)
    put({"service": options.service, "status": health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)})


def watch_health(channel, options):
    """Each status that the stream tells, until --timeout."""
    call = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=options.service))
    watch = Watch(call, options.timeout)
    try:
        for number, answer in enumerate(call, 1):
            put({"status": health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)})
            if number == 1:
                tell("READY")
            if number == options.count:
                return watch.stop("count")
    except grpc.RpcError:
        if watch.reason is None:
            raise


def early(channel, options):
    """Opens streams, and takes all of them back when a line comes on standard input, whether the server has answered or not."""
    stub = feeder_pb2_grpc.LogServiceStub(channel)
    calls = [stub.WatchLogs(feeder_pb2.RequestMessage(Filter="all")) for _ in range(options.count)]
    tell("READY")
    sys.stdin.readline()
    for call in calls:
        call.cancel()
    put({"cancelled": len(calls)})


def nonce(channel, options):
    request = feeder_pb2.NonceMessage(nonce=options.number)
    answer = feeder_pb2_grpc.LogServiceStub(channel).HealthCheck(request, timeout=options.timeout)
    put({"Retval": answer.Retval})
    if answer.Retval != options.number:
        raise Failure(f"the server echoed {answer.Retval}, not {options.number}")


def documents(options):
    """What is to be sent, each with a name for the answer: the parts of the file that are documents, as karmor sends them."""
    content = read(options.file)
    if options.raw:
        return [(options.file, content)]
    try:
        found = [document for document in yaml.safe_load_all(content) if document is not None]
    except yaml.YAMLError as error:
        raise Failure(f"{options.file}: {str(error).splitlines()[0]}")
    events = []
    for document in found:
        if not isinstance(document, dict):
            raise Failure(f"{options.file}: a document that is no object")
        kept = document if options.whole else {key: document[key] for key in ("metadata", "spec", "status") if key in document}
        name = (document.get("metadata") or {}).get("name", "")
        events.append((name, json.dumps({"type": options.type, "object": kept}).encode()))
    if not events:
        raise Failure(f"{options.file}: no document")
    return events


def policy(channel, options):
    send = getattr(policy_pb2_grpc.PolicyServiceStub(channel), options.kind + "Policy")
    for name, event in documents(options):
        status = send(policy_pb2.policy(policy=event), timeout=options.timeout).status
        known = policy_pb2.PolicyStatus.values()
        put({"name": name, "status": policy_pb2.PolicyStatus.Name(status) if status in known else str(status)})


def probe(channel, options):
    answer = policy_pb2_grpc.ProbeServiceStub(channel).getProbeData(Empty(), timeout=options.timeout)

    def parsed(item):
        try:
            return json.loads(item.policy)
        except ValueError:
            raise Failure(f"getProbeData: an item of policyDataList is no JSON: {item.policy[:80]!r}")

    def entries(mapping):
        for name, entry in sorted(mapping.items()):
            keys = {"policyList": list(entry.policyList)}
            if hasattr(entry, "policyEnabled"):
                keys["policyEnabled"] = entry.policyEnabled
            yield name, keys | {"policyDataList": [parsed(item) for item in entry.policyDataList]}

    put({"containerList": list(answer.containerList), "containerMap": dict(entries(answer.containerMap)),
         "hostMap": dict(entries(answer.hostMap)), "networkMap": dict(entries(answer.networkMap))})


def positive(text):
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text} is no number above 0")
    return int(text)


def arguments():
    whole = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    whole.add_argument("--target", default="localhost:32767", help="HOST:PORT or unix:/PATH")
    whole.add_argument("--ca", help="the server's certificate is verified with this one; with it, or --cert, TLS")
    whole.add_argument("--cert", help="the client's certificate")
    whole.add_argument("--key", help="the client's key")
    whole.add_argument("--server-name", help="the name to expect in the server's certificate, instead of the target's")
    whole.add_argument("--ping", type=positive, metavar="MS", help="send HTTP/2 pings so often; a server must let a client do so")
    commands = whole.add_subparsers(dest="command", required=True)

    def command(name, run, about, timeout=10.0):
        parser = commands.add_parser(name, help=about, description=about)
        parser.add_argument("--timeout", type=float, default=timeout, help=f"seconds ({timeout:g})")
        parser.set_defaults(run=run)
        return parser

    command("health", health, "ask grpc.health.v1").add_argument("service", nargs="?", default="")
    parser = command("watch-health", watch_health, "print each status that grpc.health.v1 streams; READY on standard error at the first")
    parser.add_argument("service", nargs="?", default="")
    parser.add_argument("--count", type=positive, help="end after so many")
    parser = command("early", early, "open streams of logs and reset them when a line comes on standard input")
    parser.add_argument("--count", type=positive, default=50)
    command("nonce", nonce, "LogService.HealthCheck, which must echo").add_argument("number", type=int)
    for name in streams.METHODS:
        parser = command(name, streams.show, f"print the {name}; READY on standard error when the server has answered")
        parser.add_argument("--filter", default="all")
        parser.add_argument("--count", type=positive, help="end after so many; fewer are an error. Without it, end at --timeout without one")
        parser.add_argument("--event-id", type=int, metavar="NUMBER", help="the number of Portcullis's own field EventID, to print it, too")
    for name, run, about in (("stall", streams.stall, "open a stream, read nothing until a line comes on standard input, then all there is, and count"),
                             ("rate", streams.rate, "read a stream as fast as possible, and count")):
        parser = command(name, run, about, timeout=60.0)
        parser.add_argument("--stream", choices=streams.METHODS, default="logs")
        parser.add_argument("--filter", default="all")
        parser.add_argument("--count", type=positive, help="end after so many; fewer are an error")
        parser.add_argument("--idle", type=float, help="end when nothing has come for so many seconds", default=2.0 if name == "stall" else None)
    parser = command("policy", policy, "send the policies of a file")
    parser.add_argument("kind", choices=("container", "host", "network"))
    parser.add_argument("type", choices=("ADDED", "MODIFIED", "DELETED"))
    parser.add_argument("file", help="YAML or JSON, of one or more documents")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--whole", action="store_true", help="send all of a document, not just metadata, spec and status")
    form.add_argument("--raw", action="store_true", help="send the file's bytes as they are, as the whole event")
    command("probe", probe, "ask for the containers and their policies")
    parser = command("reflect", reflection.run, "list the services that reflection names")
    parser.add_argument("--compare", action="store_true", help="compare them, and their messages, with the .proto files here")
    return whole.parse_args()


def main():
    options = arguments()
    try:
        with connect(options, streams.settings(options)) as channel:
            options.run(channel, options)
    except grpc.RpcError as error:
        sys.exit(f"client {options.command}: {explain(error)}")
    except Failure as failure:
        sys.exit(f"client {options.command}: {failure}")


if __name__ == "__main__":
    main()
