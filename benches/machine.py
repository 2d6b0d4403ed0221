"""What machine this is, and whether others were busy on it while we measured."""

import os
import pathlib
import platform
import time

# More than this of all CPU time taken by others, and no verdict is given.
FOREIGN_SHARE_MAX = 0.15


def description():
    """One line for the table's head."""
    cpu = "unknown CPU"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.split(":", 1)[1].strip()
            break
    memory = int(pathlib.Path("/proc/meminfo").read_text().split()[1]) / 1024**2
    v1 = pathlib.Path("/sys/fs/cgroup/memory").is_dir()
    return (
        f"{os.cpu_count()} x {cpu}, {memory:.0f} GiB, Linux {platform.release()}, "
        f"cgroup {'v1' if v1 else 'v2'}"
    )


class Quiet:
    """Compares the CPU time that the machine spent with what we and our children did."""

    def __init__(self):
        self.began = (time.monotonic(), busy_ticks(), own_seconds())

    def foreign_share(self):
        """Of all CPU time since the start, the part that is not ours and not idle."""
        then, ticks, own = self.began
        wall = (time.monotonic() - then) * os.cpu_count()
        busy = (busy_ticks() - ticks) / os.sysconf("SC_CLK_TCK")
        return max(0.0, busy - (own_seconds() - own)) / wall


def busy_ticks():
    """Ticks of all CPUs that were not idle; stolen ones count, for they were not ours."""
    user, nice, system, idle, wait, irq, soft, steal, *_ = map(
        int, pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    )
    return user + nice + system + irq + soft + steal


def own_seconds():
    """CPU time of this process and of all children that it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def cpu_seconds(pids):
    """CPU time of these processes with all their threads, in clock ticks of 10 ms as the kernel shows it."""
    ticks = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def pss_mb(pid):
    """Proportional share of memory of one process, in MB."""
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"no Pss of {pid}")


def children(pid):
    """Processes that this one has started."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found
