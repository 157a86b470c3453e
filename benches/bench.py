#!/usr/bin/env python3
"""The load bench: the server, built for production, beside nginx with the same bytes, on SQLite and on a durable Postgres.

A whole run prints a table, writes it into BENCHMARKS.md and every figure into benches/results/. A run with --quick or --only is
for trying things: it prints the table, and writes its figures only where --out says. How it is measured stands in BENCHMARKS.md.

Exit codes: 0 when everything was measured (whether the targets are reached is in the table), 1 when something could not be
measured, 2 for wrong arguments, 130 when interrupted.
"""

import argparse
import contextlib
import datetime
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from load import cold, footprint, machine, reads, report, writes
from load.bench import Bench, say
from load.failure import Failed
from load.processes import ROOT, Binary

PARTS = {
    "warm": reads.warm,
    "logs-off": reads.logs_off,
    "cold": cold.cold,
    "writes": writes.writes,
    "mixed": writes.mixed,
    "start": footprint.start,
    "memory": footprint.memory,
    "download": footprint.download,
}
# Something hangs when a run takes longer.
LONGEST_MINUTES = 60


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=ROOT / "target" / "production" / "handbooks", help="the program under test [default: target/production/handbooks]")
    parser.add_argument("--seconds", type=positive, help="how long a run of wrk lasts [default: 5, with --quick 1]")
    parser.add_argument("--rounds", type=positive, help="how often each is run [default: 3, with --quick 1]")
    parser.add_argument("--volumes", type=large, help="how many volumes the large catalogue has [default: 100000, with --quick 2000]")
    parser.add_argument("--cores", type=positive, default=2, help="how many cores all of it gets; as many workers have nginx and the server [default: 2]")
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help=f"these parts alone: {' '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="short runs and a small catalogue, to see whether the bench itself works")
    parser.add_argument("--out", type=Path, help="the folder for the figures [default: benches/results for a whole run]")
    options = parser.parse_args()
    for name, whole, quick in (("seconds", 5, 1), ("rounds", 3, 1), ("volumes", 100_000, 2000)):
        if getattr(options, name) is None:
            setattr(options, name, quick if options.quick else whole)
    return options


def positive(text):
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number above 0")
    return int(text)


def large(text):
    if (number := positive(text)) < 1000:
        raise argparse.ArgumentTypeError("at least 1000")
    return number


def interrupted(number, _frame):
    if number == signal.SIGALRM:
        raise TimeoutError(f"not done after {LONGEST_MINUTES} minutes")
    raise KeyboardInterrupt


def measure(options, folder, stack):
    """All parts, one after the other; one that fails does not keep the others from being measured."""
    # Two cores whatever the machine has: then figures of two machines are of the same thing. The children inherit it.
    cores = sorted(os.sched_getaffinity(0))[: options.cores]
    os.sched_setaffinity(0, cores)
    described = machine.describe(len(cores), folder)
    if described["load_before"] > 0.5:
        say(f"the machine is busy already (load {described['load_before']:.1f}): ratios suffer little, absolute figures do")
    if described["file_system"] == "tmpfs":
        say("temporary files lie in memory here: writes will look faster than a disk lets them be (TMPDIR=… puts them elsewhere)")
    options.cores = len(cores)
    bench = Bench(options, Binary(options.binary), folder, stack)
    failed = {}
    for name in options.only or PARTS:
        say(f"{name} …")
        begun, rows = time.monotonic(), len(bench.rows)
        try:
            PARTS[name](bench)
        except Failed as e:
            failed[name] = str(e)
        except (OSError, ValueError, KeyError, subprocess.SubprocessError) as e:
            if isinstance(e, TimeoutError):
                raise
            traceback.print_exc()
            failed[name] = f"{type(e).__name__}: {e}"
        if name in failed:
            # Where a part broke off is in its sentence; half a part's lines would be taken for the whole.
            del bench.rows[rows:]
            say(f"{name} FAILED: {failed[name]}")
        else:
            say(f"{name}: {time.monotonic() - begun:.0f} s")
    commit, changed = report.commit()
    result = {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "commit": commit,
        "changed": changed,
        "options": {name: getattr(options, name) for name in ("seconds", "rounds", "volumes", "cores", "quick", "only")},
        "machine": described,
        "versions": bench.versions,
        "noise": report.noise(bench.raw),
        "failed": {name: cleaned(sentence, folder) for name, sentence in failed.items()},
        "table": [row.as_json() for row in bench.rows],
        "runs": bench.raw,
    }
    return result, bench.rows


def cleaned(sentence, folder):
    """A sentence without paths of this machine."""
    return sentence.replace(str(folder), "…").replace(str(ROOT), "…")


def publish(options, result, rows):
    print(f"\n{report.circumstances(result)}\n\n{report.text(rows)}\n")
    whole = not (options.only or options.quick or result["failed"])
    folder = options.out or (ROOT / "benches" / "results" if whole else None)
    if folder:
        path = report.write_json(folder, result)
        say(f"every single figure: {path}")
        if whole and options.out is None:
            report.write_benchmarks(result, rows, path.name)
            say("the table stands in BENCHMARKS.md")
    missed = [row.what for row in rows if row.reached is False]
    if missed:
        say(f"{len(missed)} targets are not reached: {'; '.join(missed)}")
    for name, sentence in result["failed"].items():
        say(f"FAILED, not measured: {name}: {sentence}")


def main():
    options = arguments()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, interrupted)
    signal.alarm(LONGEST_MINUTES * 60)
    try:
        subprocess.run([ROOT / "benches" / "install"], check=True)
        with contextlib.ExitStack() as stack:
            folder = Path(tempfile.mkdtemp(prefix="handbooks-bench."))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            # nginx's workers, which are not root, go through it; nothing in it can be listed.
            folder.chmod(0o711)
            try:
                result, rows = measure(options, folder, stack)
            finally:
                # What comes now is short, and must not be interrupted halfway.
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
                    signal.signal(number, signal.SIG_IGN)
    except KeyboardInterrupt:
        say("FAILED: interrupted; everything is stopped and removed")
        return 130
    except (Failed, TimeoutError, OSError, subprocess.SubprocessError) as e:
        say(f"FAILED: {e}")
        return 1
    publish(options, result, rows)
    return 1 if result["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
