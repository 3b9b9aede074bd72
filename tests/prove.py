"""`just prove`: run every program that a page says to fail, in process and on a restate-server, and write down what came of it.

python tests/prove.py                          on the installed SDK; writes src/rea_lint/proof.json and docs/proof.md
python tests/prove.py --sdk 1.0.5,1.1,1.2,1.3  on other releases, each in an environment of its own: which proofs differ
python tests/prove.py --only REA101            the same for some rules
python tests/prove.py --install                only put the server where the tests look for it
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import venv
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from proof.outcome import Verdict, worst
from proof.pages import UPSTREAM, Case, Workers, cases, proved, seen_on_server
from proof.server import BINARY, CACHE, Server, missing
from proof.worker import Worker
from rea_lint.diagnostic import Severity
from rea_lint.rule import load_all

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
DATA = ROOT / "src" / "rea_lint" / "proof.json"
TABLE = ROOT / "docs" / "proof.md"
SERVER = "@restatedev/restate-server@1.7.12"
LIBRARIES = ("protobuf>=5", "pydantic>=2", "time-machine>=2.14")


def main() -> int:
    """Prove; 1 if a program does not do what its page says."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sdk", default="", help="releases of restate-sdk, as 1.0.5,1.1")
    options.add_argument("--install", action="store_true", help="only install the server")
    options.add_argument("--only", default="", help="codes, as REA101,REA102: the others stay as they are written down")
    given = options.parse_args()
    only = frozenset(filter(None, given.only.split(",")))
    if not given.sdk:
        install()
    if given.install:
        return 0
    return compared(given.sdk.split(",")) if given.sdk else written(only)


def install() -> None:
    """The server's binary, from npm; nothing if it is there."""
    if not BINARY.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", str(CACHE), SERVER], check=True)


def written(only: frozenset[str]) -> int:
    """Prove everything here (or the rules of some codes), and write down what came of it."""
    sdk = version("restate-sdk")
    chosen = [case for case in cases() if not only or case.code in only]
    entries = [*_in_process(chosen, sdk), *_on_server(chosen, sdk)]
    kept = [entry for entry in known() if entry["sdk"] != sdk or (only and entry["code"] not in only)]
    _write([*kept, *entries])
    lies = [entry for entry in entries if not entry["holds"]]
    for entry in lies:
        print(f"{entry['code']} ({entry['number']}): the page says `{entry['claim']}`, and it is `{entry['outcome']}` ({entry['mode']})")
    return 1 if lies else 0


def known() -> list[dict[str, object]]:
    """What was written down so far."""
    entries: list[dict[str, object]] = json.loads(DATA.read_text("utf-8")) if DATA.exists() else []
    return entries


def _in_process(chosen: list[Case], sdk: str, python: str = sys.executable) -> Iterator[dict[str, object]]:
    """Every program that the driver can show, on one SDK."""
    begun = time.monotonic()
    workers = Workers(Worker(1, "UTC", python), Worker(2, "Asia/Tokyo", python))
    count = 0
    for case in chosen:
        if case.is_in_process:
            verdict, count = proved(case, workers), count + 1
            yield _entry(case, sdk, "in process", verdict, holds=str(verdict) == case.claim)
    workers.close()
    print(f"{count} programs in process on restate-sdk {sdk}: {time.monotonic() - begun:.0f} s")


def _on_server(chosen: list[Case], sdk: str) -> Iterator[dict[str, object]]:
    """Every program, on the server."""
    if missing() is not None:
        print(missing())
        return
    begun = time.monotonic()
    server = Server()
    for case in chosen:
        if case.outcome is None or not case.outcome.is_seen_by_server:
            continue
        verdicts = seen_on_server(case, server)
        claimed = [verdict for verdict in verdicts if str(verdict) == case.claim]
        yield _entry(case, sdk, SERVER.rpartition("/")[2].replace("@", " "), (claimed or [worst(verdicts)])[0], holds=bool(claimed))
    server.close()
    print(f"{len(chosen)} programs on the server: {time.monotonic() - begun:.0f} s")


def _entry(case: Case, sdk: str, where: str, verdict: Verdict, *, holds: bool) -> dict[str, object]:
    said = {"code": case.code, "number": case.number, "claim": case.claim, "sdk": sdk, "where": where}
    return {**said, "mode": verdict.mode, "outcome": str(verdict), "holds": holds}


def compared(releases: list[str]) -> int:
    """Which programs do something else on other releases of the SDK."""
    here = {(case.code, case.number): case.claim for case in cases()}
    entries: list[dict[str, object]] = []
    for release in releases:
        python = _environment(release)
        sdk = subprocess.run(
            [python, "-c", "from importlib.metadata import version; print(version('restate-sdk'))"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        entries += _in_process(list(cases()), sdk, python)
    differing = [entry for entry in entries if not entry["holds"]]
    for entry in differing:
        claim = here[str(entry["code"]), int(str(entry["number"]))]
        print(f"{entry['code']} ({entry['number']}) on restate-sdk {entry['sdk']}: {entry['outcome']}, not {claim}")
    print(f"{len(differing)} of {len(entries)} differ")
    done = {entry["sdk"] for entry in entries}
    _write([*(entry for entry in known() if entry["sdk"] not in done or entry["where"] != "in process"), *entries])
    return 0


def _environment(release: str) -> str:
    """The Python of an environment with one release of the SDK."""
    folder = CACHE / f"sdk-{release}-py{sys.version_info.major}.{sys.version_info.minor}"
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        wanted = f"restate-sdk=={release}" if release.count(".") == 2 else f"restate-sdk~={release}.0"
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wanted, *LIBRARIES]
        subprocess.run(command, check=True)
    return str(python)


def _write(entries: list[dict[str, object]]) -> None:
    """The data that the package carries, and the table for readers."""
    ordered = sorted(entries, key=lambda entry: (str(entry["code"]), str(entry["number"]), str(entry["sdk"]), str(entry["where"])))
    DATA.write_text("[\n" + ",\n".join(json.dumps(entry) for entry in ordered) + "\n]\n", "utf-8")
    TABLE.write_text(table(ordered), "utf-8")


def table(entries: list[dict[str, object]]) -> str:
    """The rules that are errors, and what their programs do, as a page."""
    releases = sorted({str(entry["sdk"]) for entry in entries}, key=lambda text: [int(part) for part in text.split(".")])
    lines = [
        "# What the rules say, made to happen",
        "",
        "Each rule's page shows programs that fail. They were run on the real SDK, attempt by attempt, and on a real restate-server.",
        "A cell says what came of the program; ✓ means: what the page says. `just prove` writes this page.",
        "",
        f"| rule | what happens | {' | '.join(f'SDK {release}' for release in releases)} | restate-server |",
        f"|---|---|{'---|' * (len(releases) + 1)}",
    ]
    for rule in load_all():
        for case in (case for case in cases() if case.code == rule.code):
            own = [entry for entry in entries if (entry["code"], entry["number"]) == (case.code, case.number)]
            cells = [_cell([entry for entry in own if entry["sdk"] == release and entry["where"] == "in process"]) for release in releases]
            there = _cell([entry for entry in own if entry["where"] != "in process"])
            lines.append(f"| [{rule.code}](rules/{rule.code}.md) {rule.name} | {case.claim} | {' | '.join(cells)} | {there} |")
        if rule.severity is Severity.ERROR and rule.code in UPSTREAM:
            lines.append(f"| {rule.code} {rule.name} | not run: {UPSTREAM[rule.code]} |{' |' * (len(releases) + 1)}")
    return "\n".join(lines) + "\n"


def _cell(entries: list[dict[str, object]]) -> str:
    return "; ".join(f"✓ {entry['mode']}" if entry["holds"] else str(entry["outcome"]) for entry in entries)


if __name__ == "__main__":
    sys.exit(main())
