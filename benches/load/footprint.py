"""Start, memory, and the delivery of a large file."""

import json
import random
import statistics
import time
import urllib.parse

from . import wrk
from .bench import LIST, expect, form, megabytes, micros, say
from .failure import Failed
from .processes import Server
from .reads import subject

# What the issue calls a large handbook.
PDF_BYTES = 20_000_000


def start(bench):
    """From the start of the process to its first answer, on a database that is there."""
    database, took = bench.database("SQLite"), []
    with bench.server(database):
        pass
    for number in range(10):
        begun = time.perf_counter()
        server = Server(bench.binary, database)
        try:
            expect(server, LIST, 200)
            took.append((time.perf_counter() - begun) * 1e6)
        finally:
            server.stop()
        bench.raw.append({"part": "start", "point": "first 200", "subject": "SQLite", "round": number + 1, "us": took[-1]})
    bench.row("from start to first 200, SQLite (median of 10)", micros(statistics.median(took)))


def memory(bench):
    """Resident memory: idle, after load, and with a large catalogue and a full cache."""

    def keep(point, found):
        bench.raw.append({"part": "memory", "point": point, "subject": "SQLite", "round": 1, **found})
        return found

    with bench.server(bench.database("SQLite")) as server:
        expect(server, LIST, 200)
        time.sleep(1)
        idle = keep("idle", server.memory())["VmRSS"]
        bench.row("memory, idle", megabytes(idle), target="< 40 MB", reached=idle < 40e6)
        for connections in (32, 128):
            subject("SQLite", bench, server, LIST, connections, {})[1]()
        loaded = keep("after the read load", server.memory())["VmRSS"]
        bench.row("memory, after reads at 128 connections", megabytes(loaded))

    with bench.server(bench.catalogue("SQLite", bench.volumes)) as server:
        asked = fill(bench, server)
        found = keep("full", {**server.memory(), "bytes_asked_for": asked})
        bench.row(
            f"memory, {bench.volumes:,} volumes and a full cache", f"{megabytes(found['VmRSS'])} (at most {megabytes(found['VmHWM'])})",
            target="< 150 MB", reached=found["VmRSS"] < 150e6,
        )


def fill(bench, server):
    """Asks for new pages until several times the cache has been answered; how many bytes that were."""
    size = bench.binary.default("HANDBOOKS_CACHE_BYTES")
    if size is None:
        raise Failed("this program has no setting HANDBOOKS_CACHE_BYTES with a default in its --help, so nobody knows when the cache is full")
    say(f"filling the cache ({megabytes(size)})")
    coded = expect(server, f"{LIST}?number=1", 200, {"Accept-Encoding": "br"}).headers.get("content-encoding")
    if coded != "br":
        raise Failed("the server answers no brotli")
    asked = pages = 0
    until = time.monotonic() + 120
    while asked < 4 * size:
        if time.monotonic() > until:
            raise Failed(f"in two minutes no more than {megabytes(asked)} of new answers could be asked for: the cache of {megabytes(size)} may not be full")
        variables = {"BENCH_VOLUMES": str(bench.volumes), "BENCH_FROM": str(pages), "BENCH_THREADS": "2"}
        result = wrk.run(server.base, 16, 5, script="fill.lua", variables=variables)
        server.forget_log()
        # Two requests a page; those under way at the end are passed over.
        asked, pages = asked + result["bytes"], pages + result["requests"] // 2 + 32
        if pages > bench.volumes - 20:
            say(f"all {bench.volumes:,} pages have been asked for: {megabytes(asked)}")
            break
    return asked


def download(bench):
    """A large PDF behind its link, against nginx with the same file."""
    path = bench.folder / "handbook.pdf"
    path.write_bytes(large_pdf())
    with bench.server(bench.database("SQLite")) as server:
        bench.binary.verb(server.database, "file", "add", "--volume", "mobility", "--language", "fr", path)
        headers = {"Content-Type": "application/json"}
        answer = json.loads(expect(server, "/v1/downloadRequests", 201, headers, method="POST", body=form(server)["BENCH_BODY"]).body)
        link = urllib.parse.urlsplit(link_of(answer)).path
        with bench.nginx(lambda nginx: nginx.serve("/handbook.pdf", "application/pdf", file=path)) as nginx:
            subjects = []
            for name, one, where in (("nginx", nginx, "/handbook.pdf"), ("SQLite", server, link)):
                if expect(one, where, 200).body != path.read_bytes():
                    raise Failed(f"{name} sends another file")
                subjects.append((name, transfer(bench, one, where)))
            results = bench.interleaved("download", "20 MB PDF, 8 clients", subjects)
            bench.compare("a PDF of 20 MB, 8 clients", results["SQLite"], results["nginx"], "bytes_per_second", megabytes_per_second, least=0.9)
            bench.compare("CPU per download of 20 MB", results["SQLite"], results["nginx"], "cpu_us_per_request", micros)
            bench.row("memory after the downloads (highest)", megabytes(server.memory()["VmHWM"]))


def megabytes_per_second(value):
    return f"{megabytes(value)}/s"


def transfer(bench, server, path):
    def measure():
        result = bench.load(server, path, 8)
        # By bytes: an answer is so long that those under way at the end count.
        result["bytes_per_second"] = result["bytes"] / result["seconds"]
        return result

    return measure


def link_of(answer):
    """The link to the file in an answer to a download request."""
    for edition in answer["editions"]:
        link = edition.get("link") or {}
        address = link.get("href") if isinstance(link, dict) else link
        if address:
            return address
    raise Failed(f"the answer to a download request has no link: status {answer.get('status')}")


def large_pdf():
    """A PDF of one page and one large attachment that nothing shows, written by hand so that its table of offsets is right."""
    page = b"BT /F1 24 Tf 72 720 Td (A practical handbook) Tj ET"
    # Bytes that do not compress, the same in every run.
    noise = random.Random(1).randbytes(PDF_BYTES - 1200)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /PieceInfo << /Bench 6 0 R >> >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(noise), noise),
    ]
    out, offsets = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + b"".join(b"%010d 00000 n \n" % at for at in offsets)
    return bytes(out) + table + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(out))
