"""HTTP as bytes on a socket: what no client library lets one send (TRACE, QUERY, a header of 100 kB), and what it hides."""

import io
import json
import socket
import time
from http.client import HTTPResponse
from urllib.parse import urlsplit


class Answer:
    """One response, with the request that got it."""

    def __init__(self, method, target, raw):
        self.method, self.target, self.raw = method, target, raw
        head, _, _ = raw.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        parts = lines[0].split(b" ", 2)
        if len(parts) < 2 or not parts[0].startswith(b"HTTP/"):
            raise ValueError(f"{method} {target[:80]}: no HTTP response but {raw[:80]!r}")
        self.version, self.status = parts[0][5:].decode(), int(parts[1])
        self.phrase = parts[2] if len(parts) > 2 else b""
        self.fields = [(name, value.strip()) for name, _, value in (line.partition(b":") for line in lines[1:])]
        self.headers = {}
        for name, value in self.fields:
            name, value = name.decode("latin-1").lower(), value.decode("latin-1")
            self.headers[name] = f"{self.headers[name]}, {value}" if name in self.headers else value
        parsed = HTTPResponse(_Bytes(raw), method=method)
        parsed.begin()
        try:
            self.body = parsed.read()
            self.complete = True
        except Exception:  # a body shorter than announced
            self.body, self.complete = b"", False

    @property
    def media_type(self):
        return self.headers.get("content-type", "").split(";")[0].strip().lower()

    def json(self):
        return json.loads(self.body)

    def members(self, name):
        """A comma-separated header as a list of lower-case members."""
        return [member.strip().lower() for member in self.headers.get(name, "").split(",") if member.strip()]

    def __str__(self):
        target = self.target if len(self.target) <= 100 else f"{self.target[:60]}… ({len(self.target)} characters)"
        return f"{self.method} {target}"


class _Bytes(io.BytesIO):
    def makefile(self, *_):
        return self


class Wire:
    """Sends requests to one server, each on a connection of its own."""

    def __init__(self, base):
        parts = urlsplit(base)
        self.base, self.host, self.port = base.rstrip("/"), parts.hostname, parts.port

    def target_of(self, url):
        """The path and query of a link, whatever host it names."""
        parts = urlsplit(url)
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def ask(self, method, target, headers=None, body=None, timeout=30):
        fields = {"Host": f"{self.host}:{self.port}", "User-Agent": "handbooks-conformance", "Accept": "*/*"}
        fields.update(headers or {})
        fields["Connection"] = "close"
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            fields.setdefault("Content-Type", "application/json")
        if isinstance(body, str):
            body = body.encode()
        if body is not None:
            fields["Content-Length"] = str(len(body))
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items() if v is not None)
        with socket.create_connection((self.host, self.port), timeout=timeout) as connection:
            try:
                connection.sendall(head.encode("latin-1") + b"\r\n" + (body or b""))
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused before the end: its answer may be there all the same
            raw, until = b"", time.monotonic() + timeout
            while time.monotonic() < until:
                try:
                    chunk = connection.recv(65536)
                except ConnectionResetError:
                    break
                if not chunk:
                    break
                raw += chunk
        # Interim answers (100 Continue) are none of ours.
        while raw.startswith(b"HTTP/1.1 1"):
            raw = raw.partition(b"\r\n\r\n")[2]
        return Answer(method, target, raw)
