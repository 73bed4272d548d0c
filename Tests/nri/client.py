"""Runs the script again with the libraries of its CRI client, which lie beside a containerd in the cache."""
import os
import sys


def with_client(containerd):
    client = os.path.realpath(containerd) + "/client"
    if os.environ.get("LD_LIBRARY_PATH") != client:
        # The loader reads where libraries are only at the start.
        os.execve(sys.executable, [sys.executable, *sys.argv],
                  {**os.environ, "LD_LIBRARY_PATH": client, "PYTHONPATH": client, "PYTHONDONTWRITEBYTECODE": "1"})
