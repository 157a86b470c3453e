"""Download requests through HTTP, with their full validation, on a disk that has to keep them."""

import time

from .bench import LIST, expect, form, micros, middle, per_second
from .failure import Failed
from .reads import counted


def writes(bench):
    """As the server is, against the same server that commits each request by itself."""
    bench.binary.need_setting("HANDBOOKS_WRITE_BATCH")
    for kind, ratio in (("SQLite", 5), ("Postgres", 2)):
        with bench.server(bench.database(kind)) as grouped, bench.server(bench.database(kind), HANDBOOKS_WRITE_BATCH="1") as single:
            for clients in (1, 64):
                point = f"download requests, {kind}, {'1 client' if clients == 1 else f'{clients} clients'}"
                results = bench.interleaved("writes", point, [
                    ("one transaction each", lambda: posts(bench, single, clients)),
                    ("grouped", lambda: posts(bench, grouped, clients)),
                ])
                bound = {"least": ratio} if clients == 64 else {}
                bench.compare(f"{point}, against one transaction each", results["grouped"], results["one transaction each"], "per_second", per_second, **bound)
                rate, slowest = middle(results["grouped"], "per_second"), middle(results["grouped"], "p99_us")
                asked = kind == "SQLite" and clients == 64
                if asked:
                    bench.row(f"{point}, per second", per_second(rate), target="≥ 8,000/s", reached=rate >= 8000)
                bench.row(
                    f"{point}, p50 · p99", f"{micros(middle(results['grouped'], 'p50_us'))} · {micros(slowest)}",
                    f"{micros(middle(results['one transaction each'], 'p50_us'))} · {micros(middle(results['one transaction each'], 'p99_us'))}",
                    **({"target": "p99 < 60 ms", "reached": slowest < 60_000} if asked else {}),
                )


def mixed(bench):
    """95 reads and 5 writes of a hundred, at 32 connections."""
    for kind in ("SQLite", "Postgres"):
        with bench.server(bench.database(kind)) as server:
            etag = expect(server, LIST, 200).headers.get("etag", "")
            point = f"95 % reads, 5 % download requests, {kind}, {counted(32)}"
            results = bench.interleaved("mixed", point, [(kind, lambda: posts(bench, server, 32, script="mixed.lua", etag=etag))])[kind]
            bench.row(f"{point}, per second", per_second(middle(results, "per_second")))
            bench.row(f"{point}, p50 · p99", f"{micros(middle(results, 'p50_us'))} · {micros(middle(results, 'p99_us'))}")


def posts(bench, server, connections, script="post.lua", etag=""):
    """One run, and whether the database holds what was acknowledged: all of it, and beyond it no more than was under way at the end."""
    before = settled(server)
    result = bench.load(server, "", connections, script=script, variables={**form(server), "BENCH_ETAG": etag})
    statuses, made = result["statuses"], result["statuses"].get("201", 0)
    wanted = {"201"} if script == "post.lua" else {"200", "201", "304"}
    if set(statuses) != wanted:
        raise Failed(f"statuses other than {', '.join(sorted(wanted))}: {statuses}")
    # Slow writes are under way longer than reads, so more of them are cut off by the end.
    if script == "mixed.lua" and abs(made - 0.05 * result["requests"]) > 0.01 * result["requests"] + connections:
        raise Failed(f"{made} of {result['requests']} were writes, not 5 %")
    result["acknowledged"], result["stored"] = made, settled(server) - before
    if not made <= result["stored"] <= made + connections:
        raise Failed(f"{made} download requests were acknowledged, {result['stored']} are in the database")
    return result


def settled(server):
    """How many download requests the database holds, once what was under way when the clients left is done."""
    count = -1
    for _ in range(20):
        last, count = count, server.database.requests()
        if last == count:
            return count
        time.sleep(0.3)
    raise Failed("the number of download requests still grows though nobody sends any")
