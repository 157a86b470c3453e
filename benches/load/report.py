"""The table: on the terminal, in a JSON file with every single figure, and in BENCHMARKS.md."""

import json
import subprocess
from pathlib import Path

from .processes import ROOT

BEGIN, END = "<!-- bench:begin, written by benches/bench.py -->", "<!-- bench:end -->"
HEADS = ("what", "ours", "nginx or baseline", "ratio", "target", "reached")
# What the measured program is made from.
SOURCES = ("src", "migrations", "openapi", "Cargo.toml", "Cargo.lock")


def commit():
    """The short name of the commit, and whether the sources differ from it."""

    def git(*arguments):
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else ""

    return git("rev-parse", "--short", "HEAD") or "unknown", bool(git("status", "--porcelain", "--", *SOURCES))


def cells(row):
    reached = {True: "yes", False: "no", None: ""}[row.reached]
    return row.what, row.ours, row.baseline, "" if row.ratio is None else f"{row.ratio:.2f}", row.target, reached


def text(rows):
    """The table for a terminal."""
    lines = [HEADS, *map(cells, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADS))]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def markdown(rows):
    lines = [HEADS, ("---", "---:", "---:", "---:", "---", "---"), *map(cells, rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def noise(raw):
    """The largest share of the machine that something else than server and wrk took during a run."""
    return max((run["cpu_share_elsewhere"] for run in raw if "cpu_share_elsewhere" in run and run["part"] in ("warm", "logs-off")), default=None)


def circumstances(result):
    """A paragraph that says where and how the table was measured."""
    machine, versions, options = result["machine"], result["versions"], result["options"]
    programs = [f"{name} {versions[name]}" for name in ("nginx", "postgres") if name in versions] + [f"wrk {machine['wrk']}"]
    lines = [
        f"{result['date']}, {versions['handbooks']}, commit {result['commit']}{' with changes that are not committed' if result['changed'] else ''}.",
        f"{machine['cpu']}, {machine['cores_used']} of {machine['cores_of_the_machine']} cores used, {machine['memory_gb']} GB of memory, "
        f"{machine['system']}, Linux {machine['kernel']}; databases on {machine['file_system']}, where 4 KiB are durable after {machine['fdatasync_us']:,} µs.",
        f"{', '.join(programs)}. {options['rounds']} rounds of {options['seconds']} s; the large catalogue has {options['volumes']:,} volumes.",
    ]
    if result["noise"] is not None:
        lines.append(f"Something else than server and wrk took at most {result['noise']:.0%} of the machine during a warm run.")
    return "\n".join(lines)


def write_json(folder, result):
    """Named by date and commit; never over another one."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{result['date'][:10]}-{result['commit']}{'-changed' if result['changed'] else ''}"
    path, number = folder / f"{stem}.json", 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}.json"
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    return path


def write_benchmarks(result, rows, name):
    """Puts the table between the two marks of BENCHMARKS.md."""
    path = Path(ROOT) / "BENCHMARKS.md"
    before, begin, rest = path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"BENCHMARKS.md lacks its marks {BEGIN} and {END}")
    link = f"Every single figure: [`benches/results/{name}`](benches/results/{name})."
    path.write_text(f"{before}{begin}\n{circumstances(result)}\n\n{markdown(rows)}\n\n{link}\n{end}{after}")
