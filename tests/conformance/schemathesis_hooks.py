"""Loaded by schemathesis (SCHEMATHESIS_HOOKS)."""

import re
import uuid

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    """A valid Idempotency-Key becomes one of its own. Schemathesis repeats its favorite values, and a key that comes again with another
    body is rightly refused (422), which it would take for the refusal of a valid request. Invalid keys stay as they are."""
    for name, value in list((case.headers or {}).items()):
        if name.lower() == "idempotency-key" and re.fullmatch(r"[A-Za-z0-9_-]{16,64}", str(value)):
            case.headers[name] = uuid.uuid4().hex
