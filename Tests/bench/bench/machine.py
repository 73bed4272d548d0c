"""What the figures were measured on, and who else was using it."""
import os
import platform
import resource
import time


def describe():
    """The machine and its software, as far as the figures depend on them."""
    model = ""
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release(),
            "memory-mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20}


def load():
    return os.getloadavg()[0]


def wait_until_quiet(limit, patience):
    """Waits until others leave the CPUs alone for two seconds, for at most `patience` seconds. False if they do not."""
    end = time.monotonic() + patience
    while True:
        with Company() as company:
            time.sleep(2)
            if company.share() <= limit:
                return True
        if time.monotonic() > end:
            return False


class Company:
    """How much of the CPUs others used while a part ran.

    The load average cannot say: it counts the benchmark too. All busy time of the machine less that of this process and of
    its ended children can, once every child has ended.
    """

    def __enter__(self):
        self.before = self._figures()
        self.load_before = load()
        return self

    def __exit__(self, *_):
        pass

    def share(self):
        busy, all_, own = (after - before for after, before in zip(self._figures(), self.before))
        return max(0.0, (busy - own) / all_) if all_ > 0 else 0.0

    @staticmethod
    def _figures():
        with open("/proc/stat") as file:
            fields = [int(word) for word in file.readline().split()[1:9]]
        tick = os.sysconf("SC_CLK_TCK")
        idle = fields[3] + fields[4]
        own = 0.0
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
            usage = resource.getrusage(who)
            own += usage.ru_utime + usage.ru_stime
        return (sum(fields) - idle) / tick, sum(fields) / tick, own


def process_cpu(pid):
    """Nanoseconds of CPU time that a process's threads have used so far."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
            total += int(file.read().split()[0])
    return total


def process_status(pid):
    """The numbers of /proc/PID/status by name; sizes in KiB."""
    numbers = {}
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            name, _, rest = line.partition(":")
            words = rest.split()
            if words and words[0].isdigit():
                numbers[name] = int(words[0])
    return numbers
