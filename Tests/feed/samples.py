"""Alerts and logs for selftest.py: good ones of each kind, and what makes a good one bad."""

TIME = {"Timestamp": 1700000000, "UpdatedTime": "2023-11-14T22:13:20.000000Z", "ClusterName": "default", "HostName": "node"}
CONTAINER = {"NamespaceName": "default", "Owner": {"Ref": "Deployment", "Name": "web", "Namespace": "default"}, "PodName": "web-1",
             "Labels": "app=web,tier=", "ContainerID": "c" * 64, "ContainerName": "web", "ContainerImage": "debian:12"}
PROCESS = {"HostPPID": 100, "HostPID": 101, "PPID": 0, "PID": 7, "UID": 0, "ParentProcessName": "/bin/sh", "ProcessName": "/bin/cat"}
END = {"Cwd": "/", "TTY": "pts0", "ExecEvent": {"ExecID": "434", "ExecutableName": "cat"}, "KubeArmorVersion": "v1", "NodeID": "n"}

BLOCKED_FILE = TIME | CONTAINER | PROCESS | {
    "PolicyName": "no-passwd", "Severity": "5", "Tags": "a,b", "ATags": ["a", "b"], "Message": "käse <& \x07", "Type": "MatchedPolicy",
    "Source": "/bin/cat /etc/passwd", "Operation": "File", "Resource": "/etc/passwd", "Data": "lsm=FILE_OPEN", "EventData": {"Lsm": "FILE_OPEN"},
    "Enforcer": "BPFLSM", "Action": "Block", "Result": "Permission denied"} | END
POSTURE = TIME | CONTAINER | PROCESS | {
    "PolicyName": "DefaultPosture", "Type": "MatchedPolicy", "Source": "/bin/cat", "Operation": "Network",
    "Resource": "protocol=TCP type=SOCK_STREAM", "Data": "lsm=SOCKET_CREATE protocol=TCP",
    "EventData": {"Lsm": "SOCKET_CREATE", "Protocol": "TCP", "Type": "SOCK_STREAM"}, "Enforcer": "BPFLSM", "Action": "Audit", "Result": "Passed"}
HOST = TIME | PROCESS | {
    "PolicyName": "h", "Type": "MatchedHostPolicy", "Source": "/bin/sh", "Operation": "Capabilities", "Resource": "CAP_NET_RAW",
    "Data": "lsm=CAPABLE CAP_NET_RAW", "EventData": {"Lsm": "CAPABLE"}, "Enforcer": "BPFLSM", "Action": "Block",
    "Result": "Operation not permitted", "UserName": "root"}
THROTTLE = TIME | CONTAINER | {
    "PPID": 0, "UID": 0, "Type": "SystemEvent", "Operation": "AlertThreshold", "Enforcer": "BPFLSM", "MaxAlertsPerSec": 10,
    "DroppingAlertsInterval": 30}
LOG = TIME | CONTAINER | PROCESS | {
    "Type": "ContainerLog", "Source": "/bin/cat", "Operation": "File", "Resource": "/etc/motd",
    "Data": "syscall=SYS_OPENAT fd=-100 flags=O_RDONLY", "EventData": {"Fd": "-100", "Flags": "O_RDONLY", "Syscall": "SYS_OPENAT"},
    "Result": "No such file or directory"}
HOST_LOG = TIME | PROCESS | {
    "Type": "HostLog", "Source": "/bin/sh", "Operation": "Process", "Data": "syscall=SYS_EXECVE", "EventData": {"Syscall": "SYS_EXECVE"},
    "Result": "Passed", "UserName": "root"}
LOST_LOGS = TIME | {
    "PPID": 0, "UID": 0, "Type": "SystemEvent", "Operation": "Lost", "Resource": "5 logs were lost: x", "Data": "lost=5", "EventData": {"Lost": "5"}, "NodeID": "n"}
LOST_ALERTS = TIME | {
    "PPID": 0, "UID": 0, "Message": "alerts may be lost: x", "Type": "SystemEvent", "Operation": "Lost", "Resource": "alerts may be lost: x", "Data": "lost=unknown",
    "EventData": {"Lost": "unknown"}, "KubeArmorVersion": "v1", "NodeID": "n"}

ALERTS = [BLOCKED_FILE, POSTURE, HOST, THROTTLE]
LOGS = [LOG, HOST_LOG]
GOOD = [*ALERTS, *LOGS, LOST_LOGS, LOST_ALERTS, BLOCKED_FILE | {"EventID": "1-2"}, {"EventID": "1-2"} | LOG, HOST | {"UID": -2}]


def without(keys, *names):
    return {key: value for key, value in keys.items() if key not in names}


def swapped(keys, first, second):
    names = list(keys)
    places = names.index(first), names.index(second)
    names[places[0]], names[places[1]] = second, first
    return {name: keys[name] for name in names}


# (a bad line, the key that must be complained of)
BAD = [
    (without(BLOCKED_FILE, "PPID"), "required"), (without(LOG, "UID"), "required"), (without(POSTURE, "EventData"), "EventData.Lsm"),
    (without(BLOCKED_FILE, "ContainerID"), "required"), (without(BLOCKED_FILE, "Result"), "required"), (without(LOG, "Resource"), "required"),
    (BLOCKED_FILE | {"Timestamp": "1700000000"}, "Timestamp"), (BLOCKED_FILE | {"Timestamp": 1700000000000}, "Timestamp"),
    (BLOCKED_FILE | {"UpdatedTime": "2023-11-14T22:13:20Z"}, "UpdatedTime"), (BLOCKED_FILE | {"PPID": "0"}, "PPID"),
    (BLOCKED_FILE | {"Severity": 5}, "Severity"), (BLOCKED_FILE | {"Severity": ""}, "Severity"), (BLOCKED_FILE | {"Severity": "11"}, "Severity"),
    (BLOCKED_FILE | {"Type": "ContainerAlert"}, "Type"), (BLOCKED_FILE | {"Operation": "file"}, "Operation"),
    (BLOCKED_FILE | {"Enforcer": "eBPF"}, "Enforcer"), (BLOCKED_FILE | {"Action": "Deny"}, "Action"),
    (BLOCKED_FILE | {"Action": "Allow"}, "Action"), (BLOCKED_FILE | {"Result": "Passed"}, "Result"),
    (BLOCKED_FILE | {"Result": "permission denied"}, "Result"), (BLOCKED_FILE | {"Result": "Denied by policy"}, "Result"),
    (BLOCKED_FILE | {"Labels": "app"}, "Labels"), (BLOCKED_FILE | {"Owner": {"name": "web"}}, "Owner"), (BLOCKED_FILE | {"Cwd": ""}, "Cwd"),
    (BLOCKED_FILE | {"EventId": "1"}, "additionalProperties"), (BLOCKED_FILE | {"EventID": 1}, "EventID"),
    (BLOCKED_FILE | {"MaxAlertsPerSec": 10}, "MaxAlertsPerSec"), (BLOCKED_FILE | {"UserName": "root"}, "UserName"),
    (BLOCKED_FILE | {"ATags": ["a,b"]}, "ATags"), (without(BLOCKED_FILE, "ATags"), "dependentRequired"),
    (BLOCKED_FILE | {"EventData": {"lsm": "FILE_OPEN"}}, "EventData"), (BLOCKED_FILE | {"EventData": {"Lsm": "CAPABLE"}}, "EventData.Lsm"),
    (BLOCKED_FILE | {"EventData": {"Lsm": "FILE_OPEN", "Fd": "1"}}, "EventData.Fd"), (POSTURE | {"Severity": "1"}, "Severity"),
    (HOST | {"ContainerName": "web"}, "ContainerName"), (HOST | {"NamespaceName": "default"}, "NamespaceName"),
    (THROTTLE | {"PolicyName": "p"}, "PolicyName"), (THROTTLE | {"Operation": "File"}, "Operation"), (without(THROTTLE, "MaxAlertsPerSec"), "required"),
    (LOST_LOGS | {"Data": "lost=0"}, "Data"), (LOST_LOGS | {"ContainerID": "c"}, "additionalProperties"), (without(LOST_LOGS, "EventData"), "required"),
    (LOG | {"PolicyName": "p"}, "additionalProperties"), (LOG | {"Enforcer": "BPFLSM"}, "additionalProperties"), (HOST_LOG | {"PodName": "p"}, "PodName"),
    (swapped(BLOCKED_FILE, "Owner", "PodName"), "PodName"), (swapped(BLOCKED_FILE, "PPID", "PID"), "PID"), (swapped(LOG, "Type", "Source"), "Source"),
    (BLOCKED_FILE | {"Owner": {"Namespace": "default", "Name": "web"}}, "Owner.Namespace"),
]
BAD_TEXT = [('{"Type":"HostLog","Type":"HostLog"}', "line"), ('{"PPID":1.0}', "line"), ("[]", "line"), ("", "line"), ("{", "line"), ('"x"', "line")]
