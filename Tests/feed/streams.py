"""The subcommands that read a stream: alerts, logs, messages; stall and rate."""
import sys
import threading

import grpc

import feeder_pb2
import karmor_json
from connection import Failure, Watch, explain, tell

METHODS = {"alerts": ("WatchAlerts", feeder_pb2.Alert), "logs": ("WatchLogs", feeder_pb2.Log), "messages": ("WatchMessages", feeder_pb2.Message)}


def settings(options):
    """A client that stalls takes no more than HTTP/2's first window, 64 KiB: what it cannot take then waits in the server."""
    return [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65535)] if options.command == "stall" else []


class Ready:
    """Says READY once: when the initial metadata come, which a server may send with the request or only with a message, or at the first message,
    whichever thread sees it first. A call that ended before either has none."""

    def __init__(self):
        self.lock, self.said = threading.Lock(), False

    def say(self):
        with self.lock:
            if not self.said:
                self.said = True
                tell("READY")

    def wait(self, call):
        call.initial_metadata()
        if call.is_active():
            self.say()


def open_stream(channel, options, name, read=None):
    """The call and its messages, as `read` makes them of bytes; without it, the bytes."""
    call = channel.unary_stream(f"/feeder.LogService/{METHODS[name][0]}", feeder_pb2.RequestMessage.SerializeToString, read)(
        feeder_pb2.RequestMessage(Filter=options.filter))

    ready = Ready()
    threading.Thread(target=ready.wait, args=(call,), daemon=True).start()

    def messages():
        for message in call:
            ready.say()
            yield message

    return call, messages()


def finish(call, watch, count, options):
    """After the last message: an error if the server ended the stream with one, or if there were too few."""
    if watch.reason is None and call.code() != grpc.StatusCode.OK:
        raise Failure(f"after {count} messages: {explain(call)}")
    why = {None: "the server ended the stream", "idle": f"nothing for {getattr(options, 'idle', None)} s"}.get(watch.reason, f"{options.timeout:g} s")
    if options.count is not None and count < options.count:
        raise Failure(f"{count} of {options.count} messages, then {why}")
    return "server" if watch.reason is None else watch.reason


def show(channel, options):
    kind = METHODS[options.command][1]
    call, messages = open_stream(channel, options, options.command, kind.FromString)
    watch = Watch(call, options.timeout)
    count, told = 0, set()
    try:
        for message in messages:
            print(karmor_json.line(karmor_json.as_keys(message, options.event_id)), flush=True)
            count += 1
            for number in karmor_json.strangers(message, options.event_id) - told:
                told.add(number)
                tell(f"NOTE field {number} is none of KubeArmor's")
            if count == options.count:
                watch.stop("count")
                break
    except grpc.RpcError:
        pass  # The status that ended the stream, or our own cancelling: finish tells them apart.
    if finish(call, watch, count, options) == "server":
        tell(f"ENDED by the server after {count}")


def count_all(call, messages, options):
    watch = Watch(call, options.timeout, options.idle)
    count, size, lost, seen, first = 0, 0, 0, set(), None
    try:
        for content in messages:
            watch.touch()
            first = first or watch.last
            count, size = count + 1, size + len(content)
            # Portcullis's word about what is missing stands among the messages.
            if b"SystemEvent" in content and (notice := lost_of(content, options)) is not None:
                lost += notice
            else:
                seen.add(hash(content))
            if count == options.count:
                watch.stop("count")
                break
    except grpc.RpcError:
        pass
    # From the first message to the last: neither the wait before nor the silence at the end is part of a rate.
    seconds = watch.last - first if first else 0.0
    end = "failed" if watch.reason is None and call.code() != grpc.StatusCode.OK else watch.reason or "server"
    print(karmor_json.line({"count": count, "distinct": len(seen), "lost": lost, "bytes": size, "seconds": round(seconds, 6),
                            "per_second": round(count / seconds) if seconds else 0, "end": end}), flush=True)
    finish(call, watch, count, options)


def lost_of(content, options):
    kind = METHODS[options.stream][1]
    return int(kind.FromString(content).EventData.get("Lost", "0").replace("unknown", "0")) if "EventData" in kind.DESCRIPTOR.fields_by_name else None


def stall(channel, options):
    call, messages = open_stream(channel, options, options.stream)
    if not sys.stdin.readline():
        raise Failure("standard input ended before a line came: nothing was read")
    count_all(call, messages, options)


def rate(channel, options):
    count_all(*open_stream(channel, options, options.stream), options)
