"""The subcommand reflect: which services a server's reflection names, and whether they are those of the .proto files here."""
import grpc
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_reflection.v1alpha import reflection_pb2

import feeder_pb2
import karmor_json
import policy_pb2
from connection import Failure

OURS = [*feeder_pb2.DESCRIPTOR.services_by_name.values(), *policy_pb2.DESCRIPTOR.services_by_name.values()]
# A field of Portcullis's own that KubeArmor's clients pass over.
OWN_FIELDS = {"EventID"}


class Reflection:
    """One version of the service. v1 and v1alpha differ in nothing but the package's name, so the messages of one do for both."""

    def __init__(self, channel, version, timeout):
        self.timeout = timeout
        self.method = channel.stream_stream(f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
                                            reflection_pb2.ServerReflectionRequest.SerializeToString,
                                            reflection_pb2.ServerReflectionResponse.FromString)

    def ask(self, **question):
        answers = list(self.method(iter([reflection_pb2.ServerReflectionRequest(**question)]), timeout=self.timeout))
        if len(answers) != 1:
            raise Failure(f"reflection gave {len(answers)} answers to {question}")
        if answers[0].HasField("error_response"):
            raise Failure(f"reflection does not know {question}: {answers[0].error_response.error_message}")
        return answers[0]

    def services(self):
        return {service.name for service in self.ask(list_services="").list_services_response.service}

    def add(self, pool, known, **question):
        """Adds the file that is asked for to the pool, after those that it imports. A server may send these along or not."""
        files = [descriptor_pb2.FileDescriptorProto.FromString(content)
                 for content in self.ask(**question).file_descriptor_response.file_descriptor_proto]
        sent = {file.name: file for file in files}

        def add_one(file):
            if file.name in known:
                return
            known.add(file.name)
            for name in file.dependency:
                if name in sent:
                    add_one(sent[name])
                elif name not in known:
                    self.add(pool, known, file_by_filename=name)
            pool.Add(file)

        for file in files:
            add_one(file)


def form(field):
    """What a field is on the wire, but for the name of its message type, which no client sees."""
    kind = descriptor_pb2.FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    return f"{'repeated ' if field.is_repeated else ''}{kind} {field.name} = {field.number}"


def compare_messages(ours, theirs, seen):
    if ours.full_name in seen:
        return
    seen.add(ours.full_name)
    mine, other = [form(field) for field in ours.fields], [form(field) for field in theirs.fields if field.name not in OWN_FIELDS]
    for text in mine:
        if text not in other:
            yield f"{theirs.full_name}: no {text}"
    for text in other:
        if text not in mine:
            yield f"{theirs.full_name}: {text} is none of KubeArmor's"
    if mine != other and sorted(mine) == sorted(other):
        yield f"{theirs.full_name}: other order of the fields"
    for field in ours.fields:
        match = theirs.fields_by_name.get(field.name)
        if field.message_type and match and match.message_type:
            yield from compare_messages(field.message_type, match.message_type, seen)


def compare(source):
    seen, pool, known = set(), descriptor_pool.DescriptorPool(), set()
    for ours in OURS:
        try:
            source.add(pool, known, file_containing_symbol=ours.full_name)
            theirs = pool.FindServiceByName(ours.full_name)
        except (Failure, KeyError) as error:
            yield f"{ours.full_name}: {error}"
            continue
        for method in theirs.methods:
            if method.name not in ours.methods_by_name:
                yield f"{method.full_name} is none of KubeArmor's"
        for method in ours.methods:
            match = theirs.methods_by_name.get(method.name)
            if match is None:
                yield f"no {method.full_name}"
                continue
            if (method.client_streaming, method.server_streaming) != (match.client_streaming, match.server_streaming):
                yield f"{method.full_name} streams otherwise"
            for mine, other in ((method.input_type, match.input_type), (method.output_type, match.output_type)):
                if mine.full_name != other.full_name:
                    yield f"{method.full_name} has {other.full_name}, not {mine.full_name}"
                yield from compare_messages(mine, other, seen)


def run(channel, options):
    found, working = {}, None
    for version in ("v1", "v1alpha"):
        source = Reflection(channel, version, options.timeout)
        try:
            for name in source.services():
                found.setdefault(name, []).append(version)
            working = working or source
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.UNIMPLEMENTED:
                raise
    if not working:
        raise Failure("the server has no reflection, neither v1 nor v1alpha")
    for name in sorted(found):
        print(karmor_json.line({"service": name, "versions": found[name]}))
    if options.compare:
        differences = list(compare(working))
        for text in differences:
            print(karmor_json.line({"difference": text}))
        if differences:
            raise Failure(f"{len(differences)} differences from KubeArmor's services")
