"""What the parts share: settings of this run, databases and servers by need, raw figures, rows of the table."""

import contextlib
import gzip
import json
import secrets
import statistics
import sys
from dataclasses import asdict, dataclass

from . import wrk
from .failure import Failed
from .processes import Cluster, Nginx, Postgres, Server, Sqlite

LIST, VOLUME = "/v1/volumes", "/v1/volumes/mobility"
JSON = "application/json"


@dataclass
class Row:
    """A line of the table. `reached` is None where the issue names no figure."""

    what: str
    ours: str
    baseline: str = ""
    ratio: float | None = None
    target: str = ""
    reached: bool | None = None

    def as_json(self):
        return asdict(self)


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def per_second(value):
    return f"{value:,.0f}/s"


def micros(value):
    return f"{value / 1000:,.1f} ms" if value >= 1000 else f"{value:,.1f} µs"


def megabytes(value):
    return f"{value / 1e6:,.1f} MB"


class Bench:
    def __init__(self, options, binary, folder, stack):
        self.seconds, self.rounds, self.volumes, self.cores = options.seconds, options.rounds, options.volumes, options.cores
        self.binary, self.folder, self.stack = binary, folder, stack
        self.rows, self.raw = [], []
        self.versions = {"handbooks": binary.version}
        self._cluster, self._catalogues, self._made = None, {}, 0

    # What is measured with.

    def cluster(self):
        if self._cluster is None:
            say("starting a durable Postgres")
            self._cluster = Cluster()
            self.stack.callback(self._cluster.stop)
            self.versions["postgres"] = self._cluster.version
            self.versions["postgres_settings"] = self._cluster.settings
        return self._cluster

    def database(self, kind):
        """A new database; the server or a verb fills it."""
        self._made += 1
        folder = self.folder / f"database{self._made}"
        folder.mkdir()
        return Sqlite(folder) if kind == "SQLite" else Postgres(folder, self.cluster(), f"bench{self._made}")

    def catalogue(self, kind, volumes):
        """A database with so many volumes, made once."""
        if (kind, volumes) not in self._catalogues:
            self.binary.need_verb("generate")
            database = self.database(kind)
            say(f"making {volumes:,} volumes on {kind}")
            self.binary.verb(database, "generate", "--volumes", volumes, extra={"HANDBOOKS_SEED": "none"}, patience=900)
            self._catalogues[kind, volumes] = database
        return self._catalogues[kind, volumes]

    @contextlib.contextmanager
    def server(self, database, **extra):
        """The server under test; `extra` are settings beyond the defaults."""
        server = Server(self.binary, database, extra)
        try:
            yield server
        finally:
            server.stop()

    @contextlib.contextmanager
    def nginx(self, fill):
        """nginx with the files that `fill` gives it."""
        self._made += 1
        folder = self.folder / f"nginx{self._made}"
        folder.mkdir()
        nginx = Nginx(folder, self.cores)
        self.versions["nginx"] = nginx.version
        fill(nginx)
        nginx.start()
        try:
            yield nginx
        finally:
            nginx.stop()

    def pages(self, server):
        """Fills nginx with the bytes that the server answers the list and the volume with."""

        def fill(nginx):
            for path in (LIST, VOLUME):
                body = expect(server, path, 200).body
                nginx.serve(path, JSON, body, gzip.compress(body, 9, mtime=0))

        return fill

    # Measuring.

    def interleaved(self, part, point, subjects):
        """Runs every subject once a round, in turn, and every other round backwards; keeps the figures.

        `subjects` are pairs of a name and a function that makes one run. The answer is a list of results per name.
        """
        results = {name: [] for name, _ in subjects}
        for number in range(self.rounds):
            for name, measure in subjects if number % 2 == 0 else reversed(subjects):
                try:
                    result = measure()
                except Failed as e:
                    raise Failed(f"{point}, {name}: {e}") from e
                results[name].append(result)
                self.raw.append({"part": part, "point": point, "subject": name, "round": number + 1, **result})
        return results

    def load(self, server, path, connections, *, base=None, headers=(), size=None, **options):
        """One run of wrk against a server. `size` is how many bytes an answer has: every answer must be the one that was looked at before."""
        result = wrk.run(f"{base or server.base}{path}", connections, self.seconds, headers=headers, watched=server.pids(), **options)
        server.pids()
        server.forget_log()
        # Answers cut short by the end of the run are counted by their bytes alone, one per connection at most.
        if size and not size * 0.99 <= result["bytes"] / result["requests"] <= size * (1.01 + connections / result["requests"]):
            raise Failed(f"{path}: answers of {result['bytes'] / result['requests']:.0f} bytes instead of {size}")
        return result

    # The table.

    def row(self, what, ours, baseline="", ratio=None, *, least=None, most=None, target=None, reached=None):
        """A line; `least` and `most` are bounds of the ratio, `target` and `reached` say it for other figures."""
        if least is not None:
            target, reached = f"≥ {least:g}", ratio >= least
        elif most is not None:
            target, reached = f"≤ {most:g}", ratio <= most
        self.rows.append(Row(what, ours, baseline, ratio, target or "", reached))

    def compare(self, what, ours, theirs, figure, write, **bounds):
        """A line of medians, with the median of the rounds' ratios."""
        ratios = [a[figure] / b[figure] for a, b in zip(ours, theirs, strict=True)]
        self.row(what, write(middle(ours, figure)), write(middle(theirs, figure)), statistics.median(ratios), **bounds)


def middle(results, figure):
    return statistics.median(result[figure] for result in results)


def expect(server, path, status, headers=None, **more):
    """An answer that must have this status."""
    answer = server.ask(path, headers, **more)
    if answer.status != status:
        raise Failed(f"{path}: status {answer.status} instead of {status}: {answer.body[:300].decode(errors='replace')}")
    return answer


def form(server):
    """A download form with everything filled in and the versions in force; NNNNNNNNNNNN stands where each has its own number."""
    offered = json.loads(expect(server, "/v1/downloadForm", 200).body)
    run = secrets.token_hex(8)
    body = json.dumps({
        "editions": [{"volume": "mobility", "language": "fr"}],
        "requester": {
            "name": "Bench Reader", "email": f"reader-{run}-NNNNNNNNNNNN@example.org", "organization": "Example municipality",
            "organizationType": "municipality", "role": "projectManager", "municipality": "62063", "country": "BE",
        },
        "purpose": "project",
        "privacyNotice": offered["privacyNotice"]["version"],
        "consents": [{"text": consent["text"], "given": False} for consent in offered["consents"]],
        "language": "fr",
    })
    return {"BENCH_RUN": run, "BENCH_BODY": body}
