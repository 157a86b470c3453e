"""Loaded by schemathesis (SCHEMATHESIS_HOOKS).

What a schema cannot say is put right here, and nothing else: values that only the server can make (cursors, tokens), values that mean something
already there (a key used before, an edition, the version of a text). Schemathesis invents well-formed ones, their refusal is in the contract, and
it would take that for the refusal of a valid request. Well-formed ones become genuine; malformed ones stay as they are. In requests of the negative
kind too, so that what is refused there is the fault that was put in, and not a foreign cursor beside it. The refusals themselves are in probes.py
and requests.toml. Schemathesis judges a request anew after a hook has changed it.
"""

import os
import re
import uuid
from functools import cache

import requests
import schemathesis
from schemathesis.specs.openapi.checks import use_after_free

FORM = "/v1/downloadRequests"
KEY = re.compile(r"[A-Za-z0-9_-]{16,64}")
CURSOR = re.compile(r"[A-Za-z0-9_-]{16,1000}")
TAG = re.compile(r"(?s).*")
LINK = re.compile(r"[A-Za-z0-9_-]{20,200}")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SLUG = re.compile(r"(?=.{1,80}$)[a-z0-9]+(-[a-z0-9]+)*")
MOMENT = re.compile(r"[1-9][0-9]{0,17}|[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9:.]{5,18}([Zz]|[+-][0-9]{2}:[0-9]{2}))?")
LANGUAGES = ["fr", "nl", "en", "de"]

turns = {"seen": False}  # whether the last If-Match was a genuine one
tokens = {}  # id of a download request -> the token that opens it


def form(base):
    """What can be asked for now: the editions, the version of the privacy notice, the texts of consent."""
    told = requests.get(f"{base}/v1/downloadForm", timeout=20).json()
    names = ("volume", "complement", "language")
    # Those whose file is there first: the first is what a link is made of.
    editions = [{name: e[name] for name in names if name in e} for e in sorted(told["editions"], key=lambda e: not e["available"])]
    return editions, told["privacyNotice"]["version"], [consent["text"] for consent in told["consents"]]


def make_request(base):
    """A new download request: its id and its link. (Without an address, so that it is nobody's repetition.)"""
    editions, notice, _ = form(base)
    answer = requests.post(f"{base}{FORM}", json={"editions": editions[:1], "privacyNotice": notice}, timeout=20)
    answer.raise_for_status()
    content = answer.json()
    tokens[content["id"]] = content["accessToken"]
    return content["id"], re.search(r"/v1/downloads/([A-Za-z0-9_-]+)", answer.text).group(1)


@cache
def link(base):
    return make_request(base)[1]


def fits(pattern, value):
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def base_of(case):
    return case.operation.schema.get_base_url()


# --- tokens -------------------------------------------------------------------------------------------------------


@schemathesis.auth(refresh_interval=None).apply_to(path="/v1/downloadRequests/{requestId}")
class RequestToken:
    """A download request opens with its own token. One that was never made has none, so that a request of that id could only be 401: it becomes
    one that is there. One that schemathesis has made, or has deleted, stays what it is. (The checks leave the token out, and send a wrong one.)"""

    def get(self, case, context):
        parameters = case.path_parameters or {}
        given = parameters.get("requestId")
        if not fits(UUID, given):
            return None
        if given not in tokens:
            given = case.path_parameters["requestId"] = make_request(base_of(case))[0]
        return tokens[given]

    def set(self, case, data, context):
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.check
def deleted_is_gone(ctx, response, case):
    """`use_after_free`, but for keys (the tool cannot leave a check out for one operation): one that was revoked stays in the list, and readable. Who
    had access when is no secret from who manages keys."""
    return None if case.operation.path == "/v1/keys/{keyId}" else use_after_free(ctx, response, case)


EDITED = "collection|volumes|complements|themes|languages|events|testimonies|supporters"


@schemathesis.auth(refresh_interval=None).apply_to(path_regex=r"^/v1/(keys|auditLog|translations)(/|$)|/(document|history)(/|$)").apply_to(
    path_regex=rf"^/v1/({EDITED})(/|$)", method=["POST", "PUT", "PATCH", "DELETE"]
)
class Key:
    """The key of the run: of all scopes, or an editor's."""

    def get(self, case, context):
        return os.environ["HANDBOOKS_CONFORMANCE_KEY"]

    def set(self, case, data, context):
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def after_call(context, case, response):
    if case.operation.path == FORM and response.status_code in (200, 201):
        content = response.json()
        if "accessToken" in content:
            tokens[content["id"]] = content["accessToken"]


# --- the rest -------------------------------------------------------------------------------------------------------


@schemathesis.hook
def before_call(context, case, kwargs):
    for name, value in list((case.headers or {}).items()):
        # Favorite values come again and again; a key that comes again with another body is rightly refused.
        if name.lower() == "idempotency-key" and fits(KEY, value):
            case.headers[name] = uuid.uuid4().hex
    # A version that was seen can only be one that is there: that of the document, if there is one, for every other request.
    if case.method in ("POST", "PUT", "PATCH", "DELETE") and fits(TAG, (case.headers or {}).get("If-Match")):
        turns["seen"] = not turns["seen"]
        case.headers["If-Match"] = turns["seen"] and tag_of_document(case) or "*"
    if fits(CURSOR, (case.query or {}).get("after")):
        genuine_cursor(case)
    if case.operation.path == "/v1/changes":
        # Nobody has the time; a place is named once; and the id of an event is a cursor like `after`.
        if str((case.query or {}).get("wait", "")).isdigit() and int(case.query["wait"]) <= 30:
            case.query["wait"] = 0
        if "after" in (case.query or {}) and case.query.get("since") == "now":
            del case.query["since"]
        for name, value in list((case.headers or {}).items()):
            if name.lower() == "last-event-id" and fits(CURSOR, value):
                del case.headers[name]
    # A moment must lie within the history there is; the first revision does.
    if fits(MOMENT, (case.query or {}).get("at")):
        case.query["at"] = "1"
    # Its own key stays.
    if case.operation.path == "/v1/keys/{keyId}" and case.path_parameters.get("keyId") == os.environ["HANDBOOKS_CONFORMANCE_KEY"].split("_")[1]:
        case.path_parameters["keyId"] = "zzzzzzzzzz"
    if case.operation.path == "/v1/downloads/{linkToken}" and fits(LINK, case.path_parameters.get("linkToken")):
        case.path_parameters["linkToken"] = link(base_of(case))
    if case.operation.path == FORM and isinstance(case.body, dict):
        positive = case.meta is None or case.meta.generation.mode.is_positive
        case.body = genuine_form(case.body, positive, *form(base_of(case)))


def tag_of_document(case):
    """The entity tag of the document that a write is of; None where there is none, or none that this write is held against."""
    path = case.as_transport_kwargs(base_url=base_of(case))["url"]
    if re.search(r"/(file|cover)$", path):
        return None
    document = re.sub(r"/history/[^/]*/restore$", "", path) + "/document"
    answer = requests.get(document, headers={"Authorization": f"Bearer {os.environ['HANDBOOKS_CONFORMANCE_KEY']}"}, timeout=20, allow_redirects=False)
    return answer.headers.get("ETag") if answer.status_code == 200 else None


def genuine_cursor(case):
    """A cursor of the very question, or none where the question has a single page (or a fault). It is signed, and good for its question alone."""
    del case.query["after"]
    asked = case.as_transport_kwargs(base_url=base_of(case))
    question = {**(asked["params"] or {}), "pageSize": 1}
    answer = requests.get(asked["url"], params=question, headers=asked["headers"], timeout=20)
    following = re.search(r"[?&]after=([A-Za-z0-9_-]+)", answer.json().get("next", "")) if answer.status_code == 200 else None
    if following:
        case.query["after"] = following.group(1)


def genuine_form(body, positive, editions, notice, texts):
    """The same form, of editions and texts that are there. What stood twice stands twice, what did not does not."""
    body = dict(body)
    if fits(SLUG, body.get("privacyNotice")):
        body["privacyNotice"] = notice

    def edition(item):
        work = next((item[name] for name in ("volume", "complement") if isinstance(item, dict) and name in item), None)
        whole = isinstance(item, dict) and len(item) == 2 and fits(SLUG, work) and item.get("language") in LANGUAGES
        return (next(iter(item.keys() - {"language"})), work, item["language"]) if whole else None

    def consent(item):
        whole = isinstance(item, dict) and item.keys() == {"text", "given"} and fits(SLUG, item["text"]) and isinstance(item["given"], bool)
        return item["text"] if whole else None

    if isinstance(body.get("editions"), list):
        body["editions"] = exchanged(body["editions"], edition, lambda item, genuine: dict(genuine), editions, positive)
    if isinstance(body.get("consents"), list):
        # One answer for each text: a schema can only say that the same answer does not stand twice.
        consents = exchanged(body["consents"], consent, lambda item, genuine: {**item, "text": genuine}, texts, positive)
        body["consents"] = list({item["text"]: item for item in consents}.values()) if positive else consents
    return body


def exchanged(items, key_of, exchange, genuine, positive):
    """The items, each with a genuine value for its own; equal ones get equal ones. There are only so many: what finds none is left out of a valid
    request, and stays in an invalid one."""
    given, out = {}, []
    for item in items:
        key = key_of(item)
        if key is None:
            out.append(item)
        elif key in given or len(given) < len(genuine):
            out.append(exchange(item, given.setdefault(key, genuine[min(len(given), len(genuine) - 1)])))
        elif not positive:
            out.append(item)
    return out


# --- files -----------------------------------------------------------------------------------------------------------


@schemathesis.deserializer("application/pdf")
def pdf(context, response):
    """Bytes, for the schema a string; that they are those of the file, whole and by ranges, is in probes.py."""
    return response.content.decode("latin-1")


@schemathesis.deserializer("image/jpeg", "image/png")
def image(context, response):
    """The same of covers."""
    return response.content.decode("latin-1")


@schemathesis.serializer("application/pdf", "image/*")
def send_file(context, value):
    """What a schema of bytes generates: hardly ever a PDF or an image, and then refused."""
    return value if isinstance(value, bytes) else str(value).encode()
