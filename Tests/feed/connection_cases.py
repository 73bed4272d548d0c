"""Cases about connections and streams of gRPC clients: how many there may be, and what is given back."""
import os
import socket

from cases import case, expect, same
from world import wait_until

LIMIT = 128


@case
def health_watch(world):
    """Each change of health is streamed."""
    world.start_daemon()
    world.start_feed()
    with world.watching("watch-health", "feeder.LogService", "--count", "3", "--timeout", "40") as watched:
        world.stop("daemon")
        wait_until("not serving without a daemon", lambda: world.client("health", "")[1][0]["status"] == "NOT_SERVING")
        world.start_daemon()
    same([line["status"] for line in watched.lines], ["SERVING", "NOT_SERVING", "SERVING"], "what was streamed")
    with world.watching("watch-health", "no.Such", "--count", "1", "--timeout", "10") as watched:
        pass
    same([line["status"] for line in watched.lines], ["SERVICE_UNKNOWN"], "of a service that is none")


@case
def early_reset(world):
    """Streams that their clients reset before they are open give their places back."""
    world.start_daemon()
    world.start_feed(world.metrics_option())
    # Without a daemon a stream of logs is not answered at once.
    world.stop("daemon")
    clients = 'portcullis_feed_clients{stream="logs"}'
    for _ in range(3):
        with world.watching("early", "--count", "50") as early:
            wait_until("the streams have their places", lambda: world.metrics()[clients] == 50)
            early.tell()
        wait_until("they have given them back", lambda: world.metrics()[clients] == 0)
    world.start_daemon()
    with world.watching("logs", "--filter", "all", "--count", "1", "--timeout", "15") as watched:
        wait_until("connected again", lambda: world.client("health", "")[1][0]["status"] == "SERVING")
        world.run("id")
    same(watched.status, 0, watched.errors)


@case
def connections(world):
    """As many connections as there may be: one more is closed, the other listener serves, and what is given up can be taken."""
    world.start_daemon()
    port = world.free_port()
    feed = world.start_feed(f"--grpc-address=127.0.0.1:{port}", world.metrics_option(), env={**os.environ, "NIO_SINGLETON_GROUP_LOOP_COUNT": "16"})

    def connect():
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(15)
        connection.connect(world.path("feed/feed.sock"))
        return connection

    def counted(name):
        return world.metrics()[f'portcullis_feed_grpc_connections{name}{{listener="socket"}}']

    crowd = [connect() for _ in range(LIMIT)]
    wait_until("all are counted", lambda: counted("") == LIMIT)
    same(counted("_refused_total"), 0, "refused")
    extra = connect()
    wait_until("one more is refused", lambda: counted("_refused_total") == 1)
    while extra.recv(4096):
        pass
    same(counted(""), LIMIT, "connections")
    status, _, error = world.client("nonce", "3", "--timeout", "3")
    expect(status != 0, "a client has a connection that is one too many")
    same(world.client("nonce", "4", target=f"127.0.0.1:{port}")[1], [{"Retval": 4}], "over TCP")
    for connection in crowd:
        connection.close()
    wait_until("all are gone", lambda: counted("") == 0)
    same(world.client("nonce", "5")[1], [{"Retval": 5}], "when there is room")
    names = [open(f"/proc/{feed.pid}/task/{task}/comm").read() for task in os.listdir(f"/proc/{feed.pid}/task")]
    loops = [name for name in names if name.startswith("NIO-SGLTN")]
    expect(0 < len(loops) <= 2, f"{len(loops)} event loops: {names}")
    return f"{counted('_refused_total'):.0f} refused"
