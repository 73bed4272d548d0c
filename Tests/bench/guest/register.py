"""register.py HOLDERS SOCKET COUNT LABELS COMMAND...: COUNT containers, each with the label app=sN, N below LABELS, as the hook would register
them; then runs COMMAND, as long as they live."""
import socket
import struct
import subprocess
import sys


def field(tag, value):
    return struct.pack("<HI", tag, len(value)) + value


def annotation(key, value):
    return field(9, struct.pack("<I", len(key)) + key.encode() + value.encode())


def frame(index, labels, pid, ticks, mounts, pids):
    identity = f"capacity{index:08d}"
    body = struct.pack("<BBH", 1, 1, 0)
    body += field(1, identity.encode()) + field(2, struct.pack("<I", pid)) + field(3, struct.pack("<Q", pids))
    body += field(4, struct.pack("<Q", mounts)) + field(5, struct.pack("<Q", ticks)) + annotation("app", f"s{index % labels}")
    return struct.pack("<I", len(body)) + body


holders, path, count, labels = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
process = subprocess.Popen([holders, str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
lines = []
while (line := process.stdout.readline()) and line.strip() != "ready":
    lines.append([int(word) for word in line.split()])
for index, (pid, ticks, mounts, pids) in enumerate(lines):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        connection.sendall(frame(index, labels, pid, ticks, mounts, pids))
        answer = connection.recv(1024)
        # length, version, type, 2 reserved, code: 1 is "registered".
        code = struct.unpack_from("<H", answer, 8)[0] if len(answer) >= 10 else None
        if code != 1:
            sys.exit(f"container {index}: {code}: {answer!r}")
sys.exit(subprocess.run(sys.argv[5:]).returncode)
