"""The server that selftest.py asks: the .proto files here, served with made-up answers. What a stream does is chosen by its filter."""
import json
import threading
import time
from concurrent import futures

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, empty_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

import feeder_pb2
import feeder_pb2_grpc
import policy_pb2
import policy_pb2_grpc
import samples

FLOOD = 20000
EVENT_ID = 99
SERVICES = ["feeder.LogService", "policy.PolicyService", "policy.ProbeService", "grpc.health.v1.Health"]


class Log(feeder_pb2_grpc.LogServiceServicer):
    flooded = 0

    def HealthCheck(self, request, context):
        return feeder_pb2.ReplyMessage(Retval=0 if request.nonce == 13 else request.nonce)

    def stream(self, request, context, kind, messages):
        if request.Filter == "late":  # As a server that has no initial metadata to send before a message.
            time.sleep(0.3)
        else:
            context.send_initial_metadata(())
        if request.Filter == "flood":
            for number in range(FLOOD):
                Log.flooded = number + 1
                yield kind(Resource=f"/{number}", Data="x" * 300)
        elif request.Filter in ("all", "late", "broken"):
            for keys in messages:
                message = kind(**keys)
                # EventID, length-delimited: KubeArmor's .proto has no such field.
                message.MergeFromString(bytes([(EVENT_ID << 3 | 2) & 0x7F | 0x80, EVENT_ID << 3 >> 7, 3]) + b"1-2")
                yield message
        else:
            return
        if request.Filter == "broken":
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too slow\nand more")
        ended = threading.Event()
        if context.add_callback(ended.set):
            ended.wait(30)

    def WatchAlerts(self, request, context):
        return self.stream(request, context, feeder_pb2.Alert, samples.ALERTS)

    def WatchLogs(self, request, context):
        return self.stream(request, context, feeder_pb2.Log, samples.LOGS)

    def WatchMessages(self, request, context):
        return self.stream(request, context, feeder_pb2.Message, [{"Timestamp": 1700000000, "Level": "INFO", "Message": "up"}])


class Policy(policy_pb2_grpc.PolicyServiceServicer):
    received = []
    statuses = {"ADDED": policy_pb2.Applied, "MODIFIED": policy_pb2.Modified, "DELETED": policy_pb2.Deleted}

    def answer(self, kind, request):
        try:
            event = json.loads(request.policy)
        except ValueError:
            return policy_pb2.response(status=policy_pb2.Invalid)
        Policy.received.append((kind, event))
        return policy_pb2.response(status=42 if event["object"]["metadata"]["name"] == "odd" else self.statuses[event["type"]])

    def containerPolicy(self, request, context):
        return self.answer("container", request)

    def hostPolicy(self, request, context):
        return self.answer("host", request)


class Probe(policy_pb2_grpc.ProbeServiceServicer):
    def getProbeData(self, request, context):
        held = [policy_pb2.policy(policy=b'{"metadata":{"policyName":"p"}}')]
        return policy_pb2.ProbeResponse(
            containerList=["web"], containerMap={"web": policy_pb2.ContainerData(policyList=["p"], policyEnabled=1, policyDataList=held)},
            hostMap={"node": policy_pb2.HostSecurityPolicies(policyList=["h"], policyDataList=held)})


def add_reflection(server, versions, pool):
    servicer = reflection.ReflectionServicer(service_names=SERVICES, pool=pool)
    for version in versions:
        handler = grpc.stream_stream_rpc_method_handler(servicer.ServerReflectionInfo, reflection_pb2.ServerReflectionRequest.FromString,
                                                        reflection_pb2.ServerReflectionResponse.SerializeToString)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(
            f"grpc.reflection.{version}.ServerReflection", {"ServerReflectionInfo": handler}),))


def altered_pool():
    """The descriptors, but with wrong ones among them: a number, a type, a name, an order, a method that is missing and a field too many."""
    pool = descriptor_pool.DescriptorPool()
    for module in (empty_pb2, health_pb2, feeder_pb2, policy_pb2):
        file = descriptor_pb2.FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb)
        for message in file.message_type:
            fields = {field.name: field for field in message.field}
            if message.name == "Alert":
                fields["Labels"].number, fields["UID"].type = 50, descriptor_pb2.FieldDescriptorProto.TYPE_INT64
                message.field.add(name="EventID", number=EVENT_ID, type=fields["Labels"].type, label=1)
                message.field.add(name="Extra", number=100, type=fields["Labels"].type, label=1)
            if message.name == "ReplyMessage":
                fields["Retval"].name = "retval"
            if message.name == "Podowner":
                message.field.reverse()
        for service in file.service:
            if service.name == "PolicyService":
                del service.method[2]
        pool.Add(file)
    return pool


def serve(address, credentials=None, versions=("v1", "v1alpha"), pool=None):
    """The server, started, and the port it listens on."""
    server = grpc.server(futures.ThreadPoolExecutor(16))
    feeder_pb2_grpc.add_LogServiceServicer_to_server(Log(), server)
    policy_pb2_grpc.add_PolicyServiceServicer_to_server(Policy(), server)
    policy_pb2_grpc.add_ProbeServiceServicer_to_server(Probe(), server)
    known = health.HealthServicer()
    known.set("feeder.LogService", health_pb2.HealthCheckResponse.NOT_SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(known, server)
    add_reflection(server, versions, pool or descriptor_pool.Default())
    port = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    server.start()
    return server, port
