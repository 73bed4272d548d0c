"""Cases about connections of gRPC clients: how many there may be, and what is given back."""
import os
import socket

from cases import case, expect, same
from world import wait_until

LIMIT = 128


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
