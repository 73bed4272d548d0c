"""What stands between the plugin and a runtime."""
import socket
import threading


class Relay:
    """Stands between plugin and runtime, and can stop passing on what the runtime says, on the connections that there are."""

    def __init__(self, world):
        self.path, self.target, self.swallowed, self.pairs = world.path("relay.sock"), world.path("nri/nri.sock"), set(), []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        while True:
            try:
                plugin, _ = self.listener.accept()
            except OSError:
                return
            runtime = socket.socket(socket.AF_UNIX)
            runtime.connect(self.target)
            self.pairs.append((plugin, runtime))
            threading.Thread(target=self.carry, args=(plugin, runtime, None), daemon=True).start()
            threading.Thread(target=self.carry, args=(runtime, plugin, runtime), daemon=True).start()

    def carry(self, source, target, key):
        try:
            while data := source.recv(65536):
                if key not in self.swallowed:
                    target.sendall(data)
        except OSError:
            pass
        if key in self.swallowed:
            return
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def swallow(self):
        """The runtime is cut off, as if it had given the plugin up; the plugin's end stays open."""
        for plugin, runtime in self.pairs:
            self.swallowed.add(runtime)
