"""What the cases are listed by, and what most of them begin with."""

CASES = {}
# Those that need a daemon that enforces, which is started by others.
ENFORCING = {"enforced"}
# Those that are run by name, and where PORTCULLIS_LONG is 1.
LONG = set()
LABELS = {"app": "till", "tier": "front \"end\"", "empty": ""}


def case(function):
    CASES[function.__name__.replace("_", "-")] = function
    return function


def start_all(world, *options):
    world.start_containerd()
    world.start_daemon()
    world.start_plugin(*options)
