"""The real server, as a process of its own in a folder of its own."""

import os
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
import time
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("HANDBOOKS_CONFORMANCE_BINARY", ROOT / "target" / "debug" / "handbooks"))
SCOPES = ("catalogue:write", "downloads:read", "downloads:erase", "keys:manage", "statistics:read", "partner")


class Server:
    """`with Server(database_url) as server`: it listens at `server.base`."""

    def __init__(self, database_url, log_path):
        self.folder = Path(tempfile.mkdtemp(prefix="handbooks-conformance."))
        self.log_path = log_path
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "DATABASE_URL": database_url or f"sqlite:{self.folder}/handbooks.db",
            "HANDBOOKS_BIND": "127.0.0.1:0",
            "HANDBOOKS_SECRET": "conformance-conformance-conformance-0123456789abcdef",
            # Thousands of requests from one address are the point here. (A limit is tried in tests/api.)
            "HANDBOOKS_RATE_LIMIT": "off",
            "HANDBOOKS_WRONG_KEYS": "off",
            "HANDBOOKS_MAX_FILE_BYTES": "1000000",
            "RUST_LOG": "warn",
            "RUST_BACKTRACE": "1",
        }

    def __enter__(self):
        self.log = open(self.log_path, "w", encoding="utf-8")
        self.process = subprocess.Popen(
            [BINARY, "serve"], cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=self.log, text=True
        )
        found = threading.Event()
        self.base = None

        def read():
            for line in self.process.stdout:
                self.log.write(line)
                match = re.search(r"listening on (http://\S+?)/?\s*$", line)
                if match and not self.base:
                    self.base = match.group(1)
                    found.set()
            found.set()

        threading.Thread(target=read, daemon=True).start()
        if not found.wait(60) or not self.base:
            self.process.kill()
            self.process.wait()
            shutil.rmtree(self.folder, ignore_errors=True)
            raise RuntimeError(f"the server did not say where it listens:\n{self.said()}")
        return self

    def run(self, *arguments):
        """Runs another verb of the binary on the same database."""
        return subprocess.run(
            [BINARY, *map(str, arguments)], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=60
        )

    def verb(self, *arguments):
        """The same; what it said if it failed, else nothing."""
        done = self.run(*arguments)
        return "" if done.returncode == 0 else f"exit code {done.returncode}: {done.stderr.strip()}"

    def key(self, name, *scopes):
        """A key of these scopes."""
        done = self.run("key", "create", "--name", name, *(word for scope in scopes for word in ("--scope", scope)))
        if done.returncode != 0:
            raise RuntimeError(f"no key: {done.stderr.strip()}")
        return done.stdout.strip()

    def said(self):
        self.log.flush()
        return Path(self.log_path).read_text(encoding="utf-8", errors="replace")

    def stop(self):
        """Asks the server to stop; what was wrong with the way it did."""
        faults = []
        if self.process.poll() is not None:
            faults.append(f"the server had stopped by itself, exit code {self.process.returncode}")
        else:
            self.process.send_signal(signal.SIGTERM)
            begun = time.monotonic()
            try:
                code = self.process.wait(20)
                if code != 0:
                    faults.append(f"exit code {code} after SIGTERM")
            except subprocess.TimeoutExpired:
                faults.append(f"still running {time.monotonic() - begun:.0f} s after SIGTERM")
        panics = [line for line in self.said().splitlines() if "panicked at" in line]
        return faults + panics[:5]

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def small_png():
    """An image of 200 by 300 pixels in one colour."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = (b"\0" + b"\x20\x60\xa0" * 200) * 300
    head = struct.pack(">IIBBBBB", 200, 300, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def small_pdf():
    """A PDF of one page, written by hand so that its table of offsets is right."""
    page = b"BT /F1 24 Tf 72 720 Td (A practical handbook) Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, offsets = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + b"".join(b"%010d 00000 n \n" % o for o in offsets)
    return out + table + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(out))
