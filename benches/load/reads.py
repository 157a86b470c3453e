"""Reads of ready answers, against nginx with the same bytes."""

from .bench import LIST, VOLUME, expect, micros, per_second
from .failure import Failed

CONNECTIONS = (1, 32, 128)


def warm(bench):
    """The list, a volume, answers not modified, and compressed ones; access logs on, as in production."""
    with bench.server(bench.database("SQLite")) as sqlite, bench.server(bench.database("Postgres")) as postgres, \
            bench.nginx(bench.pages(sqlite)) as nginx:
        points = [
            ("the list", LIST, {}, {}, {1: 1.0, 32: 1.1, 128: 1.1}),
            ("one volume", VOLUME, {}, {}, {1: 1.0, 32: 1.1, 128: 1.1}),
            ("304, the list", LIST, known(sqlite), known(nginx), dict.fromkeys(CONNECTIONS, 1.05)),
            ("brotli, against gzip_static, the list", LIST, {"Accept-Encoding": "br"}, {"Accept-Encoding": "gzip"}, dict.fromkeys(CONNECTIONS, 1.2)),
        ]
        used = []
        for name, path, our_headers, their_headers, targets in points:
            for connections in CONNECTIONS:
                point = f"{name}, {counted(connections)}"
                subjects = [subject("nginx", bench, nginx, path, connections, their_headers), subject("SQLite", bench, sqlite, path, connections, our_headers)]
                if path == LIST and not our_headers and connections == 32:
                    subjects.append(subject("Postgres", bench, postgres, path, connections, our_headers))
                results = bench.interleaved("warm", point, subjects)
                bench.compare(point, results["SQLite"], results["nginx"], "per_second", per_second, least=targets[connections])
                if "Postgres" in results:
                    bench.compare(f"{point}, on Postgres", results["Postgres"], results["nginx"], "per_second", per_second)
                if connections == 32:
                    used.append((name, results))
        for name, results in used:
            bound = {"most": 0.85} if name in ("the list", "one volume") else {}
            bench.compare(f"CPU per request, {name}, 32 connections", results["SQLite"], results["nginx"], "cpu_us_per_request", micros, **bound)


def logs_off(bench):
    """The list without access logs on either side; and nginx with open files cached, which is its best."""
    with bench.server(bench.database("SQLite"), RUST_LOG="warn") as quiet, bench.server(bench.database("SQLite")) as usual, \
            bench.nginx(bench.pages(quiet)) as nginx:
        for point, base, ours in (
            ("the list, 32 connections, access logs off", f"http://127.0.0.1:{nginx.quiet_port}", quiet),
            ("the list, 32 connections, nginx with open_file_cache", f"http://127.0.0.1:{nginx.caching_port}", usual),
        ):
            subjects = [subject("nginx", bench, nginx, LIST, 32, {}, base=base), subject("SQLite", bench, ours, LIST, 32, {})]
            results = bench.interleaved("logs-off", point, subjects)
            bench.compare(point, results["SQLite"], results["nginx"], "per_second", per_second)
            bench.compare(f"CPU per request, {point}", results["SQLite"], results["nginx"], "cpu_us_per_request", micros)


def counted(connections):
    return "1 connection" if connections == 1 else f"{connections} connections"


def known(server):
    """The question of a client that has the list already."""
    etag = expect(server, LIST, 200).headers.get("etag")
    if not etag:
        raise Failed("the list has no ETag")
    return {"If-None-Match": etag}


def subject(name, bench, server, path, connections, headers, base=None):
    """A server and a question, after a look at its answer: that it is the one meant, and how long it is."""
    answer = expect(server, path, 304 if "If-None-Match" in headers else 200, headers)
    coding, wanted = answer.headers.get("content-encoding", "identity"), headers.get("Accept-Encoding", "identity")
    if coding != wanted:
        raise Failed(f"{path}: asked for {wanted}, {name} answers {coding}")
    lines = [f"{field}: {value}" for field, value in headers.items()]
    return name, lambda: bench.load(server, path, connections, base=base, headers=lines, size=answer.size)
