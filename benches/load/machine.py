"""What the machine is, and what its processes have used: all read from /proc."""

import os
import platform
import re
import subprocess
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def said(*command):
    """What a program prints, on either stream; empty when there is no such program."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def found(pattern, text):
    match = re.search(pattern, text, re.MULTILINE)
    return match.group(1).strip() if match else "unknown"


def describe(cores, folder):
    """The machine, without a name or a path that would tell whose it is."""
    cpu, memory = Path("/proc/cpuinfo").read_text(), Path("/proc/meminfo").read_text()
    kilobytes = int(found(r"^MemTotal:\s+(\d+)", memory))
    return {
        "cpu": found(r"^model name\s*:\s*(.+)$", cpu),
        "cores_of_the_machine": os.cpu_count(),
        "cores_used": cores,
        "memory_gb": round(kilobytes * 1024 / 1e9, 1),
        "kernel": platform.release(),
        "system": found(r'^PRETTY_NAME="(.+)"$', Path("/etc/os-release").read_text()),
        "file_system": file_system(folder),
        "fdatasync_us": fdatasync(folder),
        "load_before": os.getloadavg()[0],
        "wrk": found(r"^wrk (\S+)", said("wrk", "-v")),
        "python": platform.python_version(),
    }


def file_system(folder):
    """The kind of file system that the databases lie on."""
    folder, best = os.path.realpath(folder), ("", "unknown")
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, mount, kind = line.split()[:3]
        if (folder + "/").startswith(mount.rstrip("/") + "/") and len(mount) >= len(best[0]):
            best = (mount, kind)
    return best[1]


def fdatasync(folder, times=100):
    """How long the disk takes to make 4 KiB at the end of a file durable, in microseconds (median): what a commit waits for."""
    took, path = [], Path(folder) / "fdatasync"
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    try:
        for _ in range(times):
            begun = time.perf_counter()
            os.write(file, bytes(4096))
            os.fdatasync(file)
            took.append(time.perf_counter() - begun)
    finally:
        os.close(file)
        path.unlink()
    return round(sorted(took)[times // 2] * 1e6)


def family(pid):
    """A process and its children (nginx works in its children)."""
    pids = [pid]
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(path.read_text().rpartition(")")[2].split()[1]) == pid:
                pids.append(int(path.parent.name))
        except (OSError, IndexError):
            continue
    return pids


def cpu_seconds(pids):
    """User and system time that the processes have used, all threads together."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def busy_seconds():
    """Time that the machine's cores were not idle, whoever used it; of it, what the machine below took away."""
    user, nice, system, _idle, _wait, irq, softirq, stolen = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9])
    return (user + nice + system + irq + softirq + stolen) / TICKS


def memory(pid):
    """Resident memory now and at its highest, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return {name: int(found(rf"^{name}:\s+(\d+) kB", status)) * 1024 for name in ("VmRSS", "VmHWM")}
