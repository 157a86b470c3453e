"""One answer per operation and status, provoked from what the OpenAPI document says and from requests.toml, and what each must be:

* documented: its status stands in the operation's responses;
* sound HTTP: httplint finds nothing bad, nor anything doubtful that requests.toml does not allow with a reason;
* traced and open: a fresh BelGov-Trace-Id, CORS headers, no leak of a cause;
* if an error, a problem of RFC 9457 with a URN for its type, `no-store`.

Then what no single answer shows: every documented status was seen; 405 with Allow for every other method of every path; the negotiation of
languages and media types; idempotency; redbot on what may be cached.
"""

import concurrent.futures
import json
import re
import subprocess
import sys
import time
import tomllib
import traceback
import uuid
from pathlib import Path
from string import Template

from document import METHODS
from httplint import HttpRequestLinter, HttpResponseLinter, levels
from server import SCOPES, small_pdf, small_png

HERE = Path(__file__).resolve().parent
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
PROBLEM_TYPE = re.compile(r"^urn:problem-type:[a-z][a-z0-9-]*(:[a-z][A-Za-z0-9-]*)*:[a-z][A-Za-z0-9]*$")
LEAK = re.compile(rb"\.rs:\d|panicked|diesel|libpq|SQLITE_|no such table|relation \\?\"|INSERT INTO|SELECT .* FROM|stack backtrace|os error|/home/|/root/|/tmp/")
# What stands for an identifier that is well formed and names nothing; the first that gives 404 is taken.
ABSENT = ["absent-from-this-collection", "zz", "de", "00000000-0000-7000-8000-000000000000", "999999", "a" * 43, "zzzzzzzzzz"]
IMPOSSIBLE = "Not%20An%20Identifier!"


def probe(report, database, server, wire, document):
    table = tomllib.loads((HERE / "requests.toml").read_text(encoding="utf-8"))
    Probes(report, database, server, wire, document, table).run()


def another(example):
    """The same record under an id and a number of its own."""
    if not isinstance(example, dict):
        return None
    changed = dict(example)
    if "id" in changed:
        changed["id"] = "es" if len(changed["id"]) == 2 else f"{changed['id']}-too"
    elif "access" in changed:
        changed["language"] = "en"  # an edition is known by its language
    if "number" in changed:
        changed["number"] += 1
    return changed


# What an operation that takes a file is sent.
FILES = {"application/pdf": ("application/pdf", small_pdf), "image/*": ("image/png", small_png)}


class Probes:
    def __init__(self, report, database, server, wire, document, table):
        self.report, self.database, self.server, self.wire, self.document, self.table = report, database, server, wire, document, table
        self.seen = {}  # operation id -> statuses
        self.traces = set()
        self.captured = {}  # what later requests need of the first ones: ${link}, ${request}, ${token} and the like
        self.bases = {}  # operation id -> (target, headers) of a good request

    def run(self):
        self.keys()
        self.capture()
        for operation in self.document.operations:
            try:
                self.bases[operation.id] = self.base_of(operation)
            except LookupError as fault:
                self.check(f"{operation.id}: has examples enough for a request", [fault])
        for operation in self.document.operations:
            if operation.id in self.bases:
                self.operation(operation)
        for request in self.table.get("request", []):
            self.listed(request)
        for step in (self.methods, self.options, self.languages, self.media_types, self.idempotency, self.redbot, self.every_status_seen):
            try:
                step()
            except Exception:  # a server that breaks one step must not hide the others
                self.check(f"{step.__name__}: could be run to its end", [traceback.format_exc()])

    def check(self, name, faults=(), remark=""):
        return self.report.check(f"{self.database}: {name}", faults, remark)

    # --- requests -------------------------------------------------------------------------------------------------

    def keys(self):
        """Makes keys: ${key} of all scopes, ${partnerKey} of the least, and two that may be looked at and revoked."""
        self.captured.update({"key": self.server.key("conformance", *SCOPES), "partnerKey": self.server.key("conformance partner", "partner")})
        for name in ("keyId", "spareKeyId"):
            self.captured[name] = self.server.key("conformance spare", "partner").split("_")[1]

    def capture(self):
        """Puts covers; adds a PDF and requests it: gives the address and token of a download request, and a link that delivers."""
        for operation in self.document.operations:
            if operation.method in ("GET", "PUT") and operation.path.endswith("/cover"):
                fields = {"Authorization": self.fill("Bearer ${key}"), "If-Match": "*", "Content-Type": "image/png"}
                answer = self.wire.ask("PUT", self.base_of(operation)[0], fields, small_png())
                self.check(f"{operation.id}: a cover is put", [] if answer.status == 200 else [f"answered {answer.status}: {answer.body[:400]!r}"])
        download = self.table["download"]
        pdf = self.server.folder / "conformance.pdf"
        pdf.write_bytes(small_pdf())
        fault = self.server.verb("file", "add", "--volume", download["volume"], "--language", download["language"], pdf)
        self.check("handbooks file add", [fault] if fault else [])

        operation = next((o for o in self.document.operations if o.id == download["operation"]), None)
        if operation is None:
            self.check("a download can be requested", [f"no operation {download['operation']}"])
            return
        faults = []
        # One request to be read, one to be deleted, one that is deleted before anything is asked of it.
        for name in ("", "spare", "erased"):
            answer = self.request_download(operation, name)
            if answer.status != 201:
                faults.append(f"the documented example is answered {answer.status}: {answer.body[:400]!r}")
        if "link" not in self.captured:
            faults.append("no link of the answer delivers a PDF")
        elif self.wire.ask("GET", self.captured["link"]).body != pdf.read_bytes():
            faults.append("the bytes delivered are not those of the file")
        self.check("a download is requested and delivered", faults)

        erased = self.wire.ask("DELETE", self.fill("${erasedRequest}"), {"Authorization": self.fill("Bearer ${erasedToken}")})
        self.check("a download request is erased", [] if erased.status == 204 else [f"answered {erased.status}: {erased.body[:400]!r}"])

    def request_download(self, operation, name):
        """Requests the documented example under a key of its own. Captures ${request}, ${token} and ${link}, or ${nameRequest} and so on."""
        media_type, body = operation.body()
        answer = self.wire.ask(operation.method, operation.target(), {"Content-Type": media_type, "Idempotency-Key": uuid.uuid4().hex}, body)
        if answer.status == 201:
            found = {"request": self.wire.target_of(answer.headers.get("location", ""))}
            for key, value in strings_of(answer.json()):
                if key.lower().endswith("token"):
                    found["token"] = value
                elif value.startswith("http") and self.wire.ask("HEAD", self.wire.target_of(value)).media_type == "application/pdf":
                    found["link"] = self.wire.target_of(value)
            self.captured.update({(name + key.capitalize() if name else key): value for key, value in found.items()})
        return answer

    def base_of(self, operation):
        """The target and headers of a good request."""
        headers = {"Authorization": self.fill("Bearer ${key}")} if operation.keyed else {}
        for entry in self.table.get("headers", []):
            if operation.id in entry["operations"]:
                headers.update({name: self.fill(value) for name, value in entry["set"].items()})
        target = next((entry["target"] for entry in self.table.get("targets", []) if operation.id in entry["operations"]), None)
        if target is not None:
            return self.fill(target), headers
        values = next((entry["path"] for entry in self.table.get("values", []) if operation.id in entry["operations"]), {})
        return operation.target({name: self.fill(value) for name, value in values.items()}), headers

    def fill(self, text):
        return Template(text).safe_substitute(self.captured, unique=uuid.uuid4().hex)

    def send(self, operation, what, expected, *, method=None, target=None, headers=None, body=None, example=True):
        """Sends a variant of the operation's good request and judges the answer. `expected` is a status or several."""
        base_target, base_headers = self.bases[operation.id]
        fields = {**base_headers, **(headers or {})}
        if body is None and example and (method or operation.method) == operation.method:
            media_type, body = operation.body()
            if media_type in FILES:
                media_type, body = FILES[media_type][0], FILES[media_type][1]()
            if body is not None:
                fields.setdefault("Content-Type", media_type)
        name = f"{operation.id} {what}"
        try:
            answer = self.wire.ask(method or operation.method, target or base_target, fields, body)
        except (OSError, ValueError) as fault:
            self.check(name, [fault])
            return None
        expected = {expected} if isinstance(expected, int) else set(expected)
        faults = [] if answer.status in expected else [f"answered {answer.status}, expected {' or '.join(map(str, sorted(expected)))}"]
        if answer.method == operation.method:
            self.seen.setdefault(operation.id, set()).add(answer.status)
            if not operation.documents(answer.status):
                faults.append(f"{answer.status} is not documented")
        faults += self.judge(answer, operation, fields)
        if faults:
            faults.append(f"{answer} -> {answer.status} {answer.body[:300]!r}")
        self.check(f"{name}: {answer.status}", faults)
        return answer

    def operation(self, operation):
        """The good request and each fault that the operation documents."""
        target, _ = self.bases[operation.id]
        documented = operation.statuses - self.not_provoked(operation)
        joint = "&" if "?" in target else "?"
        good = {status for status in operation.statuses if status < 400 and status not in (206, 304)} or {200}
        answer = self.send(operation, "good request", good)
        if answer is None or answer.status not in good:
            return

        if operation.method == "GET":
            head = self.send(operation, "HEAD", answer.status, method="HEAD")
            if head is not None:
                names = ["content-type", "etag", "cache-control", "vary", "content-language", "content-length", "accept-ranges", "content-disposition"]
                self.check(
                    f"{operation.id} HEAD has the headers of GET",
                    [f"{n}: {head.headers.get(n)!r}, GET has {answer.headers.get(n)!r}" for n in names if head.headers.get(n) != answer.headers.get(n)],
                )
        etag = answer.headers.get("etag")
        if operation.method == "GET" and etag:
            for value in (etag, f'"another", W/{etag.removeprefix("W/")}', "*"):
                self.send(operation, f"If-None-Match: {'*' if value == '*' else 'list' if ',' in value else 'its own'}", 304, headers={"If-None-Match": value})
            self.send(operation, "If-None-Match: another", answer.status, headers={"If-None-Match": '"another"'})
        elif 304 in documented:
            self.check(f"{operation.id} documents 304", ["but its answer has no ETag"])

        if 400 in documented:
            self.send(operation, "unknown query parameter", 400, target=f"{target}{joint}unknownParameter=1")
            if "{" in operation.path:
                self.send(operation, "impossible identifier", 400, target=self.with_path(operation, IMPOSSIBLE))
        absent = next((entry for entry in self.table.get("absent", []) if operation.id in entry["operations"]), None)
        if absent:
            headers = {name: self.fill(value) for name, value in absent.get("headers", {}).items()}
            self.send(operation, "absent", 404, target=self.fill(absent["target"]), headers=headers)
        elif 404 in documented and "{" in operation.path:
            targets = [self.with_path(operation, value) for value in ABSENT]
            found = next((t for t in targets if self.wire.ask(operation.method, t, self.bases[operation.id][1]).status == 404), targets[0])
            self.send(operation, "absent", 404, target=found)
        if 406 in documented:
            self.send(operation, "Accept: nothing it has", 406, headers={"Accept": "application/vnd.handbooks.nothing"})
        if 414 in documented:
            self.send(operation, "a URL too long", 414, target=f"{target}{joint}q={'a' * self.table['sizes']['url']}")
        if 431 in documented:
            self.send(operation, "a header too large", 431, headers={"X-Large": "a" * self.table["sizes"]["header"]})
        if 206 in documented:
            self.send(operation, "Range: first bytes", 206, headers={"Range": "bytes=0-9"})
            self.send(operation, "Range: last bytes", 206, headers={"Range": "bytes=-10"})
            self.send(operation, "If-Range: another", 200, headers={"Range": "bytes=0-9", "If-Range": '"another"'})
            self.send(operation, "Range: several", {200, 206}, headers={"Range": "bytes=0-9,20-29"})
        if 416 in documented:
            self.send(operation, "Range: beyond the end", 416, headers={"Range": "bytes=99999999-"})

        if any(parameter["name"] == "preview" for parameter in operation.of("query")):
            self.send(operation, "a preview without a key", 401, target=f"{target}{joint}preview=true")
            partner = {"Authorization": self.fill("Bearer ${partnerKey}")}
            self.send(operation, "a preview with a key of another scope", 403, target=f"{target}{joint}preview=true", headers=partner)
        if operation.keyed and 401 in documented:
            self.send(operation, "without a key", 401, headers={"Authorization": None})
            self.send(operation, "a wrong key", 401, headers={"Authorization": "Bearer hbk_wrong"})
        elif operation.method == "GET" and 401 in documented:
            self.send(operation, "a wrong key where none is needed", 401, headers={"Authorization": "Bearer hbk_wrong"})
        if operation.keyed and 403 in documented:
            self.send(operation, "a key of another scope", 403, headers={"Authorization": self.fill("Bearer ${partnerKey}")})

        # What may be changed only by who has seen it.
        if 428 in documented:
            self.send(operation, "without If-Match", 428, headers={"If-Match": None})
        if 412 in documented:
            self.send(operation, "If-Match: another", 412, headers={"If-Match": '"another"'})
        if 204 in documented and any(parameter["name"] == "Prefer" for parameter in operation.of("header")):
            example = operation.body()[1] if operation.method == "POST" else None
            self.send(operation, "Prefer: return=minimal", 204, headers={"Prefer": "return=minimal"}, body=another(example))
        if operation.method == "POST" and any(parameter["name"] == "dryRun" for parameter in operation.of("query")):
            self.send(operation, "as a trial", {200, 409}, target=f"{target}{joint}dryRun=true")

        media_type, example = operation.body()
        media_type = FILES[media_type][0] if media_type in FILES else media_type
        if media_type:
            if 415 in documented:
                self.send(operation, "Content-Type: text/plain", 415, headers={"Content-Type": "text/plain"})
            if 400 in documented:
                typed = {"Content-Type": media_type}
                self.send(operation, "broken JSON", 400, headers=typed, body=b'{"editions":')
                self.send(operation, "no body", 400, headers=typed, body=b"")
                self.send(operation, "not an object", 400, headers=typed, body=b"[]")
                if isinstance(example, dict):
                    self.send(operation, "unknown property", 400, headers=typed, body={**example, "unknownProperty": 1})
            if 413 in documented:
                self.send(operation, "a body too large", 413, headers={"Content-Type": media_type}, body=b"{" + b" " * self.table["sizes"]["body"] + b"}")

    def with_path(self, operation, value):
        """The operation's path with this value as its last parameter, examples in the others."""
        path, last = self.bases[operation.id][0].partition("?")[0], 0
        steps, templates = path.split("/"), operation.path.split("/")
        for place, template in enumerate(templates):
            if template.startswith("{"):
                last = place
        steps[last] = value
        return "/".join(steps)

    def listed(self, request):
        """A request of requests.toml."""
        operation = next((o for o in self.document.operations if o.id == request["operation"]), None)
        if operation is None or operation.id not in self.bases:
            self.check(f"{request['operation']} {request['name']}", ["no such operation, or no good request to it"])
            return
        self.send(
            operation, request["name"], request["expect"],
            method=request.get("method"),
            target=self.fill(request["target"]) if "target" in request else None,
            headers={name: self.fill(value) or None for name, value in request.get("headers", {}).items()},
            body=request.get("body"),
        )  # fmt: skip

    # --- what every answer must be ----------------------------------------------------------------------------------

    def judge(self, answer, operation=None, sent=None):
        faults = [] if answer.complete else ["the body is shorter than announced"]
        faults += self.lint(answer, operation, sent or {})
        trace = answer.headers.get("belgov-trace-id", "")
        if not re.fullmatch(UUID, trace):
            faults.append(f"BelGov-Trace-Id is {trace!r}, not a UUID")
        elif trace in self.traces:
            faults.append(f"BelGov-Trace-Id {trace} was given before")
        self.traces.add(trace)
        if answer.headers.get("access-control-allow-origin") != "*":
            faults.append(f"Access-Control-Allow-Origin is {answer.headers.get('access-control-allow-origin')!r}")
        if answer.media_type != "application/pdf" and LEAK.search(answer.body) and answer.status >= 400:
            faults.append(f"leaks {LEAK.search(answer.body).group()!r}")
        if answer.status >= 400 and not (operation and operation.path.startswith("/health") and answer.status == 503):
            faults += self.problem(answer, trace)
        elif answer.status != 206 and answer.media_type in ("application/json", "application/ld+json") and answer.body and not answer.body.lstrip().startswith(b"{"):
            faults.append("the top level of its JSON is not an object")
        return faults

    def problem(self, answer, trace):
        faults = []
        if answer.media_type != "application/problem+json":
            faults.append(f"Content-Type of an error is {answer.headers.get('content-type')!r}")
        if "no-store" not in answer.members("cache-control"):
            faults.append(f"Cache-Control of an error is {answer.headers.get('cache-control')!r}")
        if answer.method == "HEAD":
            return faults
        try:
            content = answer.json()
            assert isinstance(content, dict)
        except (ValueError, AssertionError):
            return [*faults, "the problem is not a JSON object"]
        if not PROBLEM_TYPE.match(str(content.get("type"))):
            faults.append(f"problem type {content.get('type')!r} is no URN of a problem type")
        if content.get("status") != answer.status:
            faults.append(f"problem status {content.get('status')!r} in an answer {answer.status}")
        if content.get("instance") != f"urn:uuid:{trace}":
            faults.append(f"problem instance {content.get('instance')!r}, trace id {trace!r}")
        faults += [f"problem without {name}" for name in ("title", "detail", "href") if not isinstance(content.get(name), str)]
        faults += [f"problem with null {name}" for name, value in content.items() if value is None]
        if answer.status == 400 and not content.get("issues"):
            faults.append("a 400 without issues")
        for issue in content.get("issues", []):
            if not str(issue.get("type", "")).startswith("urn:problem-type:") or issue.get("in") not in ("body", "header", "path", "query") or not issue.get("detail"):
                faults.append(f"issue {issue}")
        return faults

    def lint(self, answer, operation, sent):
        request = HttpRequestLinter()
        request.process_request_topline(answer.method.encode(), f"{self.wire.base}{answer.target}".encode(), b"1.1")
        request.process_headers([(k.encode(), v.encode("latin-1")) for k, v in {"Host": self.wire.host, "User-Agent": "x", **sent}.items() if v is not None])
        request.finish_content(True)
        response = HttpResponseLinter(start_time=time.time())
        response.request = request
        response.is_head_response = answer.method == "HEAD"
        response.process_response_topline(answer.version.encode(), str(answer.status).encode(), answer.phrase)
        response.process_headers(answer.fields)
        if answer.body:
            response.feed_content(answer.body)
        response.finish_content(answer.complete)
        return self.notes("httplint", response.notes, operation.id if operation else "", answer.status)

    def notes(self, tool, notes, operation_id, status):
        """What a linter found bad, or doubtful and not allowed."""
        faults = []
        for note in [n for note in notes for n in (note, *note.subnotes)]:
            name = type(note).__name__
            if note.level in (levels.BAD, levels.WARN) and not any(
                rule["tool"] == tool
                and rule["note"] == name
                and operation_id in rule.get("operations", [operation_id])
                and status in rule.get("statuses", [status])
                and (note.level == levels.WARN or rule.get("bad"))
                for rule in self.table.get("allow", [])
            ):
                faults.append(f"{tool} [{note.level.name}] {name}: {note.summary}")
        return faults

    # --- what no single answer shows --------------------------------------------------------------------------------

    def not_provoked(self, operation):
        return {
            status
            for entry in self.table.get("unprovoked", [])
            if operation.id in entry.get("operations", [operation.id])
            for status in entry["statuses"]
        }

    def every_status_seen(self):
        for operation in self.document.operations:
            missing = operation.statuses - self.seen.get(operation.id, set()) - self.not_provoked(operation)
            self.check(f"{operation.id}: each documented status was seen", [f"{status} never was" for status in sorted(missing)])

    def methods(self):
        """405 with Allow for every method that a path does not document (TRACE and QUERY too)."""
        for path in self.document.content["paths"]:
            documented = set(self.document.methods_of(path))
            known = documented | ({"head"} if "get" in documented else set()) | {"options"}
            operation = next(o for o in self.document.operations if o.path == path)
            if operation.id not in self.bases:
                continue
            target, headers = self.bases[operation.id]
            faults = []
            for method in [m.upper() for m in METHODS if m not in known] + ["PROPFIND"]:
                answer = self.wire.ask(method, target, headers)
                allowed = set(answer.members("allow"))
                wrong = [] if answer.status == 405 else [f"answered {answer.status}"]
                if answer.status == 405 and allowed - {"head", "options"} != documented - {"head", "options"}:
                    wrong.append(f"Allow is {answer.headers.get('allow')!r}")
                wrong += self.judge(answer, operation, headers)
                faults += [f"{method}: {fault}" for fault in wrong]
            self.check(f"{path}: 405 with Allow for every other method", faults)

    def options(self):
        """OPTIONS, plain and as a preflight of CORS, on every path."""
        for path in self.document.content["paths"]:
            operation = next(o for o in self.document.operations if o.path == path)
            if operation.id not in self.bases:
                continue
            target, _ = self.bases[operation.id]
            documented = set(self.document.methods_of(path)) - {"head", "options"}
            answer = self.wire.ask("OPTIONS", target)
            faults = [] if answer.status in (200, 204) else [f"answered {answer.status}"]
            if set(answer.members("allow")) - {"head", "options"} != documented:
                faults.append(f"Allow is {answer.headers.get('allow')!r}")
            faults += self.judge(answer, operation)
            sent = {"Origin": "https://portal.example", "Access-Control-Request-Method": operation.method, "Access-Control-Request-Headers": "content-type,if-none-match"}
            preflight = self.wire.ask("OPTIONS", target, sent)
            faults += [f"preflight: {fault}" for fault in self.judge(preflight, operation, sent)]
            if preflight.status not in (200, 204):
                faults.append(f"preflight: answered {preflight.status}")
            if operation.method.lower() not in preflight.members("access-control-allow-methods"):
                faults.append(f"preflight: Access-Control-Allow-Methods is {preflight.headers.get('access-control-allow-methods')!r}")
            if not {"content-type", "if-none-match"} <= set(preflight.members("access-control-allow-headers")):
                faults.append(f"preflight: Access-Control-Allow-Headers is {preflight.headers.get('access-control-allow-headers')!r}")
            self.check(f"{path}: OPTIONS and preflight", faults)

    def languages(self):
        """Accept-Language on every operation that speaks languages: never an error, said in Content-Language and in each record's receipt."""
        rules = self.table["languages"]
        for operation in self.document.operations:
            if operation.method != "GET" or operation.id not in self.bases or not any(p["name"] == "lang" for p in operation.of("query")):
                continue
            target, headers = self.bases[operation.id]
            # The question must leave the language open.
            target = re.sub(r"([?&])lang=[^&]*&?", r"\1", target).rstrip("?&")
            faults = []
            for asked, understood in rules["asked"].items():
                answer = self.wire.ask("GET", target, {**headers, "Accept-Language": asked or None})
                wrong = [] if answer.status == 200 else [f"answered {answer.status}"]
                served = answer.members("content-language")
                if not served or not set(served) <= set(rules["known"]):
                    wrong.append(f"Content-Language is {answer.headers.get('content-language')!r}")
                if "accept-language" not in answer.members("vary"):
                    wrong.append(f"Vary is {answer.headers.get('vary')!r}")
                if answer.status == 200 and answer.media_type.endswith("json"):
                    content = answer.json()
                    receipts = [r["language"] for r in [content, *content.get("items", [])] if isinstance(r, dict) and isinstance(r.get("language"), dict)]
                    for receipt in [r for r in receipts if "requested" in r]:
                        if receipt["requested"] != understood:
                            wrong.append(f"receipt {receipt}, understood should be {understood}")
                        if receipt.get("fallback") != (receipt.get("served") != receipt["requested"]):
                            wrong.append(f"receipt {receipt} contradicts itself")
                        if receipt.get("served") not in served:
                            wrong.append(f"Content-Language {served} lacks {receipt.get('served')}")
                faults += [f"Accept-Language: {asked or '(none)'}: {fault}" for fault in dict.fromkeys(wrong)]
            self.check(f"{operation.id}: the matrix of Accept-Language", faults)

    def media_types(self):
        """Accept on every operation that documents 406."""
        for operation in self.document.operations:
            if operation.method != "GET" or operation.id not in self.bases or 406 not in operation.statuses:
                continue
            target, headers = self.bases[operation.id]
            offered = list(dict.fromkeys(m.partition(";")[0] for s, r in operation.responses.items() if s.startswith("2") for m in r.get("content", {})))
            if not offered:
                continue
            families = {m.partition("/")[0] for m in offered}
            family, other = offered[0].partition("/")[0], next(m for m in ("text/html", "image/png", "audio/basic") if m.partition("/")[0] not in families)
            matrix = {
                "*/*": 200, f"{family}/*": 200, offered[0]: 200, f"{offered[0]};q=0.1, {other}": 200, f"{offered[0].upper()}": 200, f"{other}, */*;q=0.1": 200,
                other: 406, f"{other.partition('/')[0]}/*" if other.partition("/")[0] != family else other: 406, f"{offered[0]}-nothing": 406,
                ", ".join(f"{m};q=0" for m in offered): 406, "*/*;q=0": 406,
            }  # fmt: skip
            faults = []
            for accept, expected in matrix.items():
                answer = self.wire.ask("GET", target, {**headers, "Accept": accept})
                if answer.status != expected:
                    faults.append(f"Accept: {accept}: answered {answer.status}, expected {expected}")
                elif expected == 200 and answer.media_type not in offered:
                    faults.append(f"Accept: {accept}: Content-Type {answer.headers.get('content-type')!r} is not documented")
                elif expected == 406:
                    faults += [f"Accept: {accept}: {fault}" for fault in self.judge(answer, operation, {"Accept": accept})]
                if len(offered) > 1 and "accept" not in answer.members("vary"):
                    faults.append(f"Accept: {accept}: Vary is {answer.headers.get('vary')!r}")
            self.check(f"{operation.id}: the matrix of Accept", faults)

    def idempotency(self):
        """Idempotency-Key: the same key and body are answered the same, another body is refused, rivals never make two."""
        changed = self.table["idempotency"]["changed"]
        for operation in self.document.operations:
            if operation.id not in self.bases or not any(p["name"].lower() == "idempotency-key" for p in operation.of("header")):
                continue
            target, headers = self.bases[operation.id]
            media_type, example = operation.body()
            headers = {**headers, "Content-Type": media_type}

            def ask(key, body):
                return self.wire.ask(operation.method, target, {**headers, "Idempotency-Key": key}, body)

            key, faults = uuid.uuid4().hex, []
            first, again = ask(key, example), ask(key, example)
            if first.status not in (200, 201):
                faults.append(f"first: {first.status} {first.body[:300]!r}")
            if (again.status, again.body) != (first.status, first.body):
                faults.append(f"replay: {again.status} {again.body[:300]!r} after {first.status} {first.body[:300]!r}")
            self.check(f"{operation.id}: the same key and body, the same answer", faults)
            self.send(operation, "a key reused with another body", 422, headers={"Idempotency-Key": key}, body={**example, **changed})
            self.send(operation, "a malformed key", 400, headers={"Idempotency-Key": "not a key"}, body=example)

            key, faults = uuid.uuid4().hex, []
            with concurrent.futures.ThreadPoolExecutor(16) as rivals:
                answers = [f.result() for f in [rivals.submit(ask, key, {**example, **changed}) for _ in range(16)]]
            won = {a.body for a in answers if a.status in (200, 201)}
            if len(won) != 1:
                faults.append(f"{len(won)} different answers of success")
            faults += [f"{a.status} {a.body[:200]!r}" for a in answers if a.status not in (200, 201, 409)]
            counts = ", ".join(f"{[a.status for a in answers].count(s)} × {s}" for s in sorted({a.status for a in answers}))
            self.check(f"{operation.id}: 16 rivals with one key", faults, counts)

    def redbot(self):
        """redbot on what may be cached: validators, ranges and encodings as a cache would try them."""
        targets = [self.fill(target) for target in self.table["redbot"]["targets"]]
        for target in targets:
            if "${" in target:
                self.check(f"redbot {target}", ["nothing to try it on"])
                continue
            done = subprocess.run(
                [sys.executable, HERE / "redbot_notes.py", self.wire.base + target], capture_output=True, text=True, timeout=120
            )
            name = "redbot " + (target if len(target) < 60 else f"{target[:50]}…")
            try:
                found = json.loads(done.stdout)
            except ValueError:
                self.check(name, [done.stdout[-500:] + done.stderr[-1500:]])
                continue
            faults = [f"If-None-Match is {found['ifNoneMatch']}"] if not found["ifNoneMatch"] else []
            if found["mediaType"].endswith("json") and not found["gzip"]:
                faults.append("gzip is not negotiated")
            if found["mediaType"] == "application/pdf" and not found["ranges"]:
                faults.append("ranges are not supported")
            for note in found["notes"]:
                if note["level"] in ("BAD", "WARN") and not any(
                    rule["tool"] == "redbot" and rule["note"] == note["name"] and (note["level"] == "WARN" or rule.get("bad"))
                    for rule in self.table.get("allow", [])
                ):
                    faults.append(f"[{note['level']}] {note['name']}: {note['summary']}")
            self.check(name, faults, f"gzip {found['gzip']}, If-None-Match {found['ifNoneMatch']}, ranges {found['ranges']}")


def strings_of(node, key=""):
    """Every string in a JSON value with the name of the property that holds it."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from strings_of(value, name)
    elif isinstance(node, list):
        for value in node:
            yield from strings_of(value, key)
    elif isinstance(node, str):
        yield key, node
