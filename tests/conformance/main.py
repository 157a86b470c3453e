"""The conformance run: python main.py PART…, with the parts

document   openapi/openapi.json against Spectral (our rules.yaml), Redocly and openapi-spec-validator: no error, no warning
clients    a TypeScript and a Python client generated from it: the one compiles under `tsc --strict`, the other imports
sqlite     the real server on a fresh SQLite database: the probes of probes.py, then schemathesis
postgres   the same on the cluster named by HANDBOOKS_TEST_POSTGRES_URL

The tools are those that `install` put into target/conformance.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import traceback
from pathlib import Path

from document import Document
from probes import probe
from report import Report
from server import ROOT, SCOPES, Server
from wire import Wire

HERE = Path(__file__).resolve().parent
TOOLS = ROOT / "target" / "conformance"
VENV = TOOLS / "venv" / "bin"
MODULES = TOOLS / "node_modules"
OPENAPI = Path(os.environ.get("HANDBOOKS_CONFORMANCE_DOCUMENT", ROOT / "openapi" / "openapi.json"))

# Cases an operation and phase. The coverage phase, two thirds of the time, has its own number whatever this is. With 40 a database takes three minutes
# of one processor; the limit is far above that for machines that have other work too.
SCHEMATHESIS_CASES = 40
SCHEMATHESIS_MINUTES = 20


def environment():
    """The tools first in PATH; Node is the one that npm brought, for Debian's own is too old for Redocly."""
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), "x64")
    node = MODULES / f"node-linux-{machine}" / "bin"
    return {
        **os.environ,
        "PATH": f"{node}:{MODULES / '.bin'}:{VENV}:{os.environ['PATH']}",
        "NO_COLOR": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "REDOCLY_TELEMETRY": "off",
        "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
        "PYTHONPATH": str(HERE),
        "SCHEMATHESIS_HOOKS": "schemathesis_hooks",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(TOOLS / "hypothesis"),
    }


def run(*command, cwd=ROOT, minutes=5):
    """Runs a tool: its exit code and all it said."""
    try:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=cwd, env=environment(), text=True, timeout=minutes * 60,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return done.returncode, done.stdout.strip()
    except subprocess.TimeoutExpired as late:
        said = late.stdout.decode(errors="replace") if isinstance(late.stdout, bytes) else late.stdout or ""
        return 124, f"{said}\nstill running after {minutes} minutes"


def check_document(report):
    code, said = run("spectral", "lint", "-F", "warn", "-D", "-r", ROOT / "openapi" / "rules.yaml", OPENAPI)
    report.check("document: spectral, spectral:oas and the Belgif rules", [] if code == 0 else [said])

    code, said = run("redocly", "lint", "--config", HERE / "redocly.yaml", "--format", "json", "--max-problems", "1000", OPENAPI)
    try:
        problems = json.loads(said[said.index("{") : said.rindex("}") + 1])["problems"]
        faults = [
            f"{p['severity']} {p['ruleId']}: {p['message']} at {', '.join(str(at.get('pointer', '')) for at in p.get('location', []))}"
            for p in problems
        ]
    except (ValueError, KeyError):
        faults = [said]
    report.check("document: redocly, recommended rules", faults or ([] if code == 0 else [said]))

    code, said = run("openapi-spec-validator", "--errors", "all", OPENAPI)
    report.check("document: openapi-spec-validator", [] if code == 0 else [said])


# What the generated client is to take as bytes.
BINARY = ["application/pdf", "image/png", "image/jpeg", "image/*"]


def check_clients(report):
    folder = TOOLS / "clients"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)

    code, said = run("openapi-typescript", OPENAPI, "-o", folder / "api.ts")
    if code == 0:
        options = {"strict": True, "noEmit": True, "target": "es2022", "module": "esnext", "lib": ["es2022", "dom"], "types": []}
        (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "files": ["api.ts"]}), encoding="utf-8")
        code, said = run("tsc", "-p", folder)
    report.check("clients: openapi-typescript, tsc --strict", [] if code == 0 else [said])

    (folder / "python.yaml").write_text("content_type_overrides:\n" + "".join(f"  {name!r}: application/octet-stream\n" for name in BINARY), encoding="utf-8")
    code, said = run(
        "openapi-python-client", "generate", "--path", OPENAPI, "--output-path", folder / "handbooks_client",
        "--meta", "none", "--overwrite", "--config", folder / "python.yaml",
    )  # fmt: skip
    (folder / "python.log").write_text(said, encoding="utf-8")
    warnings = said.count("WARNING")
    if code == 0:
        walk = (
            "import importlib, pkgutil, handbooks_client as c; "
            "names = [m.name for m in pkgutil.walk_packages(c.__path__, 'handbooks_client.')]; "
            "[importlib.import_module(n) for n in names]; c.Client(base_url='http://127.0.0.1'); print(len(names), 'modules')"
        )
        code, imported = run(VENV / "python", "-c", walk, cwd=folder)
        said = imported if code == 0 else f"{said}\n{imported}"
    remark = said if not warnings else f"{said}; {warnings} warnings, see target/conformance/clients/python.log"
    report.check("clients: openapi-python-client, imports", [] if code == 0 else [said], remark)


def check_server(report, database, database_url):
    folder = TOOLS / database
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with Server(database_url, folder / "server.log") as server:
        wire = Wire(server.base)
        served = wire.ask("GET", "/openapi.json")
        (folder / "openapi.json").write_bytes(served.body)
        document = Document(served.json())
        probe(report, database, server, wire, document)

        # First all but these, which take away what the others read and request; then these, with no more than an editor's key: what they leave is theirs.
        writes = "^(create|update|patch|delete|restore|put)(Collection|Volume|Complement|Theme|Language|Event|Testimony|Supporter)"
        for name, scopes, phases, which in [
            ("all checks and phases", SCOPES, "examples,coverage,fuzzing,stateful", ("--exclude-operation-id-regex", writes)),
            ("an editor's writes", ("catalogue:write",), "examples,coverage,fuzzing", ("--include-operation-id-regex", writes)),
        ]:
            os.environ["HANDBOOKS_CONFORMANCE_KEY"] = server.key("schemathesis", *scopes)
            code, said = run(
                "schemathesis", "--no-color", "--config-file", HERE / "schemathesis.toml", "run", folder / "openapi.json", "--url", server.base,
                "--checks", "all", "--exclude-checks", "use_after_free", "--phases", phases, "--mode", "all",
                "-n", SCHEMATHESIS_CASES, "--generation-deterministic", "--generation-allow-x00", "false", *which,
                "--continue-on-failure", "--request-timeout", "20",
                "--report", "junit", "--report-junit-path", folder / "schemathesis.xml",
                cwd=folder, minutes=SCHEMATHESIS_MINUTES,
            )  # fmt: skip
            with (folder / "schemathesis.log").open("a", encoding="utf-8") as log:
                log.write(said)
            closing = next((line.strip(" =") for line in reversed(said.splitlines()) if line.strip(" =")), "")
            report.check(f"{database}: schemathesis, {name}", [] if code == 0 else [said[-12000:]], closing)
        report.check(f"{database}: the server stops as asked, and has not panicked", server.stop())


def main(parts):
    TOOLS.mkdir(parents=True, exist_ok=True)
    report = Report(TOOLS / "last.log")
    known = {
        "document": lambda: check_document(report),
        "clients": lambda: check_clients(report),
        "sqlite": lambda: check_server(report, "sqlite", None),
        "postgres": lambda: check_server(report, "postgres", os.environ["HANDBOOKS_TEST_POSTGRES_URL"]),
    }
    if not parts or any(part not in known for part in parts):
        sys.exit(f"which parts? {' '.join(known)}")
    for part in parts:
        try:
            known[part]()
        except Exception:  # one part that cannot be run must not hide the others
            report.check(f"{part}: could be run to its end", [traceback.format_exc()])
    return report.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
