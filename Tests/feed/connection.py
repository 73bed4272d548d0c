"""What every subcommand needs: a channel to the server, errors as one line, and an end to waiting."""
import os
import sys
import threading
import time

# What the library logs by itself would stand beside the one line of an error.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
import grpc


class Failure(Exception):
    """Ends the client with this text as its only line on standard error, and status 1."""


def tell(text):
    """One write, so that a line of another thread is not in the midst of this one."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}")


def connect(options, settings=()):
    # A proxy that the environment names is no way to a server under test.
    settings = [("grpc.enable_http_proxy", 0), *settings]
    if options.ping:
        settings += [("grpc.keepalive_time_ms", options.ping), ("grpc.keepalive_timeout_ms", 5000), ("grpc.keepalive_permit_without_calls", 1),
                     ("grpc.http2.max_pings_without_data", 0)]
    if not (options.ca or options.cert or options.key):
        return grpc.insecure_channel(options.target, settings)
    if options.server_name:
        settings.append(("grpc.ssl_target_name_override", options.server_name))
    ca, key, certificate = (read(path) if path else None for path in (options.ca, options.key, options.cert))
    return grpc.secure_channel(options.target, grpc.ssl_channel_credentials(ca, key, certificate), settings)


def explain(error):
    """A server's words may be of several lines; the first says it."""
    return f"{error.code().name}: {(error.details() or '').strip().splitlines()[0] if error.details() else 'no details'}"


class Watch:
    """Ends a stream, by cancelling it, `timeout` seconds after its start or when nothing has come for `idle` seconds. There is no deadline in
    the call itself, as there is none in karmor's: a server must not be told when its client will be gone."""

    def __init__(self, call, timeout, idle=None):
        self.call, self.idle = call, idle
        self.last = time.monotonic()
        self.end = self.last + timeout
        self.reason = None
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while self.call.is_active():
            now = time.monotonic()
            if now >= self.end:
                self.reason = "timeout"
            elif self.idle and now - self.last >= self.idle:
                self.reason = "idle"
            if self.reason:
                self.call.cancel()
                return
            time.sleep(0.02)

    def stop(self, reason):
        self.reason = reason
        self.call.cancel()

    def touch(self):
        self.last = time.monotonic()
