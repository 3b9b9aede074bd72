"""What holds for every program: no crash, fixes that settle, the same answer every time.

The programs are the standard library's own modules, whose functions are made handlers, and what hypothesmith makes up.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import harness
from rea_lint.diagnostic import Applicability, Severity

LIBRARY = Path(ast.__file__).parent
MODULES = ["calendar", "cgitb", "compileall", "getpass", "gzip", "imaplib", "mimetypes", "pprint", "random", "shutil", "subprocess", "tempfile", "timeit", "uuid", "webbrowser", "zipapp"]  # fmt: skip


def as_handlers(text: str) -> str:
    """A module whose functions are handlers of a virtual object."""
    names = re.findall(r"^(?:async )?def (\w+)\(", text, re.MULTILINE)
    registered = "".join(f"the_object.handler()({name})\n" for name in dict.fromkeys(names))
    return f"{text.rstrip()}\n\nimport restate\nthe_object = restate.VirtualObject('the-object')\n{registered}"


def library(name: str) -> str:
    path = LIBRARY / f"{name}.py"
    if not path.exists():
        pytest.skip(f"this Python comes without {name}")
    return as_handlers(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", MODULES)
def test_any_module_is_linted_and_its_fixes_settle(name: str) -> None:
    text = library(name)
    run = harness.check({"app.py": text}, select=("ALL",))
    assert run.report.errors == ()
    assert run.report.handlers

    fixed = harness.fixed({"app.py": text}, Applicability.UNSAFE)
    ast.parse(fixed["app.py"])
    assert harness.fixed(fixed, Applicability.UNSAFE) == fixed

    before = [d.code for d in run.diagnostics if d.severity > Severity.INFO]
    after = [d.code for d in harness.check(fixed, select=("ALL",)).diagnostics if d.severity > Severity.INFO]
    added = {code for code in set(after) if after.count(code) > before.count(code)}
    assert added <= MAY_FOLLOW, f"fixes brought up {sorted(added)}"


# An `asyncio.sleep` that becomes `ctx.sleep` in an exclusive handler keeps the key of the object, which is then said.
MAY_FOLLOW = {"REA603"}


@given(st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_program_is_linted(data: st.DataObject) -> None:
    hypothesmith = pytest.importorskip("hypothesmith")
    if sys.version_info >= (3, 14):
        pytest.skip("hypothesmith does not know this grammar")
    body = data.draw(hypothesmith.from_node())
    indented = "".join(f"    {line}\n" for line in body.splitlines())
    text = f"import restate\nthe_object = restate.VirtualObject('o')\n@the_object.handler()\nasync def handle(ctx):\n    pass\n{indented}"
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return  # `return` with a value in a generator, a line that continues: no program any more
    assert harness.check({"app.py": text}, select=("ALL",)).report.errors == ()


def test_the_output_is_the_same_under_every_hash_seed_and_number_of_jobs(tmp_path: Path) -> None:
    for name in ("shutil", "subprocess", "tempfile", "uuid"):
        (tmp_path / f"{name}_service.py").write_text(library(name), encoding="utf-8")
    outputs = {
        subprocess.run(
            [sys.executable, "-m", "rea_lint", "check", ".", "--isolated", "--output-format", "json", "--select", "ALL", "--jobs", jobs],
            cwd=tmp_path,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        for seed, jobs in (("0", "1"), ("1", "2"), ("2", "4"))
    }
    assert len(outputs) == 1
    assert '"REA203"' in outputs.pop()
