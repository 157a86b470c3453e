"""wrk, and what it says."""

import json
import os
import resource
import subprocess
import time
from pathlib import Path

from . import machine
from .failure import Failed
from .processes import spawn

SCRIPTS = Path(__file__).resolve().parents[1] / "wrk"


def run(url, connections, seconds, script="done.lua", headers=(), variables=None, watched=()):
    """One run. `watched` are the processes whose CPU time is counted meanwhile.

    A run with an answer above 399 or a broken connection measures something else than it says, and fails.
    """
    threads = 1 if connections == 1 else 2
    command = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", script]
    for header in headers:
        command += ["-H", header]
    used, busy, children = machine.cpu_seconds(watched), machine.busy_seconds(), children_seconds()
    begun = time.monotonic()
    process = spawn([*command, url], cwd=SCRIPTS, env={**os.environ, **(variables or {})}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        said, _ = process.communicate(timeout=seconds + 60)
    except BaseException:
        process.kill()
        process.wait()
        raise
    lasted = time.monotonic() - begun
    line = next((line for line in said.splitlines() if line.startswith("result ")), None)
    if process.returncode != 0 or line is None:
        raise Failed(f"wrk failed: {said.strip()[-400:]}")
    result = json.loads(line.removeprefix("result "))
    if result["requests"] == 0:
        raise Failed("wrk got no answer at all")
    if any(result["errors"].values()):
        raise Failed(f"of {result['requests']} answers some went wrong: {result['errors']}, statuses {result['statuses']}")
    server = machine.cpu_seconds(watched) - used
    elsewhere = machine.busy_seconds() - busy - (children_seconds() - children) - server
    result["per_second"] = result["requests"] / result["seconds"]
    if watched:
        result["cpu_us_per_request"] = server / result["requests"] * 1e6
        result["cpu_share_elsewhere"] = max(0.0, elsewhere / (lasted * os.cpu_count()))
    return result


def children_seconds():
    """CPU time of the children that have ended: of wrk, as no other ends during a run."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
