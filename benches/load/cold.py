"""Pages of the list with the cache off: what a page costs must not depend on how many volumes there are, nor on where it lies."""

import json

from .bench import expect, micros
from .failure import Failed

PAGE = 20
FEW = 100


def cold(bench):
    bench.binary.need_setting("HANDBOOKS_CACHE_BYTES")
    # The rows say how many: --quick has fewer.
    many = bench.volumes
    for kind in ("SQLite", "Postgres"):
        with bench.server(bench.catalogue(kind, FEW), HANDBOOKS_CACHE_BYTES="0") as small, \
                bench.server(bench.catalogue(kind, many), HANDBOOKS_CACHE_BYTES="0") as large:
            # All in the same rounds: places are compared with each other too.
            subjects, places = [], (pages(small, FEW), pages(large, many))
            for place in places[0]:
                for volumes, server, paths in ((FEW, small, places[0]), (many, large, places[1])):
                    answer = expect(server, paths[place], 200)
                    if len(json.loads(answer.body)["items"]) != PAGE:
                        raise Failed(f"{paths[place]} has not {PAGE} volumes")
                    subjects.append((f"{place}, {volumes} volumes", run(bench, server, paths[place], answer.size)))
            found = bench.interleaved("cold", f"a page of {PAGE}, {kind}", subjects)
            for place in places[0]:
                large_one, small_one = (found[f"{place}, {volumes} volumes"] for volumes in (many, FEW))
                bench.compare(f"cold page of {PAGE}, {kind}, {place}: {many:,} volumes against {FEW}", large_one, small_one, "p50_us", micros, most=2)
            last, first = (found[f"{place}, {many} volumes"] for place in ("last page", "first page"))
            # "The same" allows for the noise of a machine that is shared.
            bench.compare(f"cold page of {PAGE}, {kind}, {many:,} volumes: last page against first", last, first, "p50_us", micros, most=1.15)


def run(bench, server, path, size):
    return lambda: bench.load(server, path, 1, size=size)


def pages(server, volumes):
    """Where the pages are that are measured. Cursors are followed through the whole list, as a client would have to."""
    base, tall = f"/v1/volumes?pageSize={PAGE}", 100 if volumes > 1000 else PAGE
    cursors = []
    with server.connection() as connection:

        def after(path):
            page = json.loads(expect(server, path, 200, connection=connection).body)
            return page["total"], page.get("next", "").partition("after=")[2].partition("&")[0]

        total, cursor = after(f"/v1/volumes?pageSize={tall}&select=(number)")
        if total != volumes:
            raise Failed(f"the catalogue has {total} volumes instead of {volumes}")
        while cursor:
            cursors.append(cursor)
            _, cursor = after(f"/v1/volumes?pageSize={tall}&select=(number)&after={cursor}")
        middle, last = cursors[len(cursors) // 2], cursors[-1]
        # From the last tall page to the last page of twenty.
        while cursor := after(f"{base}&after={last}")[1]:
            last = cursor
    return {
        "first page": base,
        "middle page": f"{base}&after={middle}",
        "last page": f"{base}&after={last}",
        "first page backwards": f"{base}&sort=-number",
    }
