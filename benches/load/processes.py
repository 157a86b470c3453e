"""What is started beside wrk: the server under test, nginx, a durable Postgres. Each is stopped by whoever started it."""

import contextlib
import ctypes
import http.client
import os
import re
import select
import signal
import socket
import sqlite3
import subprocess
import threading
import time
import urllib.parse
from pathlib import Path

from . import machine
from .failure import Failed

ROOT = Path(__file__).resolve().parents[2]
SECRET = "load-bench-load-bench-load-bench-0123456789abcdef"
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def spawn(command, **options):
    """A child that Ctrl-C does not reach (the bench stops it, in order), and that ends with the bench even if that is killed."""
    return subprocess.Popen(
        [str(part) for part in command], start_new_session=True, preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM), **options
    )


def end(process, patience=15):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Answer:
    """One answer, whole."""

    def __init__(self, response):
        self.status, self.body = response.status, response.read()
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        # As wrk counts them: status line, header fields, empty line, body.
        head = sum(len(name) + len(value) + 4 for name, value in response.getheaders())
        self.size = len(f"HTTP/1.1 {response.status} {response.reason}\r\n") + head + 2 + len(self.body)


class Http:
    """Something that listens on a port of this machine."""

    port: int

    @property
    def base(self):
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path, headers=None, method="GET", body=None, connection=None):
        """One request; over `connection`, when many follow each other."""
        own = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            own.request(method, path, body, headers or {})
            return Answer(own.getresponse())
        except (OSError, http.client.HTTPException) as e:
            raise Failed(f"{method} {path}: {e}") from e
        finally:
            if connection is None:
                own.close()

    def connection(self):
        return contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60))


class Binary:
    """The program under test: its verbs and settings, and what it is told of its surroundings."""

    def __init__(self, path):
        self.path = Path(path).resolve()
        if not os.access(self.path, os.X_OK):
            raise Failed(f"there is no program {path}; cargo build --release makes it")
        self.help = machine.said(self.path, "--help")
        self.version = machine.said(self.path, "--version")

    def need_setting(self, name):
        """An unknown variable would be ignored in silence, and the run would measure something else."""
        if name not in self.help:
            raise Failed(f"this program has no setting {name} (its --help does not name it)")

    def need_verb(self, verb):
        if subprocess.run([self.path, verb, "--help"], capture_output=True, timeout=20).returncode != 0:
            raise Failed(f"this program has no verb '{verb}'")

    def default(self, name):
        """The default of a setting whose value is a number."""
        match = re.search(rf"\[env: {name}=\]\s*\[default: (\d+)\]", self.help)
        return int(match.group(1)) if match else None

    def environment(self, database, extra=None):
        # Nothing of the caller's settings comes through.
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TZ")}
        return kept | {
            "HOME": str(database.folder),
            "DATABASE_URL": database.url,
            "HANDBOOKS_BIND": "127.0.0.1:0",
            "HANDBOOKS_SECRET": SECRET,
            "HANDBOOKS_STORAGE_URL": str(database.folder / "files"),
            # All requests come from one address here.
            "HANDBOOKS_RATE_LIMIT": "off",
        } | (extra or {})

    def verb(self, database, *arguments, extra=None, patience=120):
        try:
            done = subprocess.run(
                [self.path, *map(str, arguments)], cwd=database.folder, env=self.environment(database, extra),
                capture_output=True, text=True, timeout=patience, start_new_session=True,
            )
        except subprocess.TimeoutExpired as e:
            raise Failed(f"handbooks {arguments[0]} took longer than {patience} s") from e
        if done.returncode != 0:
            raise Failed(f"handbooks {arguments[0]}: exit code {done.returncode}: {done.stderr.strip()[-400:]}")


class Server(Http):
    """The server under test on a database. Its log goes to a file, as in production."""

    def __init__(self, binary, database, extra=None):
        self.database = database
        self.log = database.folder / "server.log"
        # Appended to, so that the file can be emptied between runs.
        with open(self.log, "ab") as log:
            self.process = spawn(
                [binary.path, "serve"], cwd=database.folder, env=binary.environment(database, extra), stdout=subprocess.PIPE, stderr=log
            )
        try:
            line = first_line(self.process, 60)
            match = re.match(r"listening on http://127\.0\.0\.1:(\d+)\s*$", line)
            if not match:
                raise Failed(f"the server did not say where it listens; its log ends: {self.tail()}")
            self.port = int(match.group(1))
            # Whatever else it says must not fill the pipe.
            threading.Thread(target=self.process.stdout.read, daemon=True).start()
        except BaseException:
            self.stop()
            raise

    def pids(self):
        if self.process.poll() is not None:
            raise Failed(f"the server ended by itself (exit code {self.process.returncode}); its log ends: {self.tail()}")
        return [self.process.pid]

    def tail(self):
        return self.log.read_text(errors="replace").strip()[-400:] or "(empty)"

    def forget_log(self):
        os.truncate(self.log, 0)

    def memory(self):
        return machine.memory(*self.pids())

    def stop(self):
        end(self.process)


def first_line(process, patience):
    """The first line of a child's standard output, or what there was of it in time."""
    text, until = b"", time.monotonic() + patience
    while not text.endswith(b"\n"):
        ready, _, _ = select.select([process.stdout], [], [], max(0, until - time.monotonic()))
        piece = os.read(process.stdout.fileno(), 4096) if ready else b""
        if not piece:
            break
        text += piece
    return text.decode(errors="replace").split("\n", 1)[0]


class Sqlite:
    """A database of its own in a folder of its own."""

    kind = "SQLite"

    def __init__(self, folder):
        self.folder = folder
        self.file = folder / "handbooks.db"
        self.url = f"sqlite:{self.file}"

    def requests(self):
        with contextlib.closing(sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=10)) as db:
            return db.execute("SELECT count(*) FROM download_request").fetchone()[0]


class Postgres:
    """A database of its own in the cluster."""

    kind = "Postgres"

    def __init__(self, folder, cluster, name):
        self.folder, self.cluster, self.name = folder, cluster, name
        cluster.psql("postgres", f"CREATE DATABASE {name}")
        self.url = cluster.url(name)

    def requests(self):
        return int(self.cluster.psql(self.name, "SELECT count(*) FROM download_request"))


class Cluster:
    """A private Postgres cluster, durable: that of scripts/with-postgres (which trades durability for speed) with durability turned on."""

    def __init__(self):
        # It lives as long as the pipe to its command is open: also when the bench is killed, nothing stays.
        self.process = spawn(
            [ROOT / "scripts" / "with-postgres", "sh", "-c", 'echo "$HANDBOOKS_TEST_POSTGRES_URL $(dirname "$(command -v psql)")"; cat'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        try:
            words = first_line(self.process, 300).split()
            if len(words) != 2:
                said = os.read(self.process.stderr.fileno(), 4000).decode(errors="replace")
                raise Failed(f"no Postgres: {said.strip()[-400:]}")
            self.address, self.programs = urllib.parse.urlsplit(words[0]), words[1]
            for name in ("fsync", "synchronous_commit", "full_page_writes"):
                self.psql("postgres", f"ALTER SYSTEM SET {name} = on")
            self.psql("postgres", "SELECT pg_reload_conf()")
            self.psql("postgres", "CHECKPOINT")
            # What was written before durability was turned on.
            os.sync()
            self.settings = {name: self.show(name) for name in ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "wal_sync_method")}
            if any(self.settings[name] != "on" for name in ("fsync", "synchronous_commit", "full_page_writes")):
                raise Failed(f"Postgres is not durable: {self.settings}")
            self.version = self.show("server_version")
        except BaseException:
            self.stop()
            raise

    def url(self, name):
        return self.address._replace(path=f"/{name}").geturl()

    def show(self, name):
        return self.psql("postgres", f"SHOW {name}")

    def psql(self, database, statement):
        done = subprocess.run(
            [os.path.join(self.programs, "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.url(database), "-c", statement],
            capture_output=True, text=True, timeout=120, start_new_session=True,
        )
        if done.returncode != 0:
            raise Failed(f"psql: {done.stderr.strip()[-400:]}")
        return done.stdout.strip()

    def stop(self):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            end(self.process)


class Nginx(Http):
    """nginx with the bytes it is given as static files: three ports, alike but for one thing each."""

    def __init__(self, folder, workers):
        self.folder, self.workers, self.files = folder, workers, {}
        self.program = next((path for path in ("/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx") if os.access(path, os.X_OK)), "nginx")
        self.version = machine.found(r"nginx/(\S+)", machine.said(self.program, "-v"))
        self.process = None
        # The workers have another user than root, and must get at the files.
        (folder / "static").mkdir()
        for path in (folder, folder / "static"):
            path.chmod(0o755)

    def serve(self, path, media_type, body=None, packed=None, file=None):
        """The bytes, or the file, that `path` is answered with; `packed` for those who take gzip. Before `start`."""
        name = self.folder / "static" / (re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-"))
        if file is not None:
            os.link(file, name)
        else:
            name.write_bytes(body)
        name.chmod(0o644)
        if packed is not None:
            Path(f"{name}.gz").write_bytes(packed)
            Path(f"{name}.gz").chmod(0o644)
        self.files[path] = (media_type, name)

    def start(self):
        self.port, self.quiet_port, self.caching_port = free_ports(3)
        log = f"access_log {self.folder}/access.log combined buffer=64k flush=1s;"
        locations = "\n".join(
            f"location = {path} {{ default_type {media_type}; alias {name}; }}" for path, (media_type, name) in self.files.items()
        )
        servers = "\n".join(
            f"server {{\nlisten 127.0.0.1:{port};\n{particular}\n{locations}\n}}"
            for port, particular in (
                (self.port, log),
                (self.quiet_port, "access_log off;"),
                (self.caching_port, f"{log} open_file_cache max=1000 inactive=60s; open_file_cache_valid 60s;"),
            )
        )
        scratch = "\n".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        configuration = self.folder / "nginx.conf"
        configuration.write_text(f"""
daemon off;
worker_processes {self.workers};
pid {self.folder}/nginx.pid;
error_log {self.folder}/error.log;
events {{ worker_connections 1024; }}
http {{
{scratch}
types {{ }}
sendfile on;
tcp_nopush on;
tcp_nodelay on;
keepalive_timeout 75s;
keepalive_requests 1000000000;
gzip_static on;
gzip_vary on;
{servers}
}}
""")
        with open(self.folder / "nginx.out", "wb") as out:
            self.process = spawn([self.program, "-p", self.folder, "-e", self.folder / "error.log", "-c", configuration], stdout=out, stderr=out)
        until = time.monotonic() + 10
        while time.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.05)
        said = "".join((self.folder / name).read_text() for name in ("nginx.out", "error.log") if (self.folder / name).exists())
        self.stop()
        raise Failed(f"nginx does not start: {said.strip()[-400:]}")

    def pids(self):
        return machine.family(self.process.pid)

    def forget_log(self):
        if (self.folder / "access.log").exists():
            os.truncate(self.folder / "access.log", 0)

    def stop(self):
        if self.process:
            end(self.process)


def free_ports(count):
    """Ports on which nobody listens now."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
