"""The JSON schema: takes what `config.load` takes, and refuses what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest
import tomli

from rea_lint import engine, schema
from rea_lint.config import OPTIONS, UserError, load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Write = Callable[[Mapping[str, str | bytes]], Path]

EVERYTHING = "\n".join(f"{option.name} = {option.example}" for option in OPTIONS)
REFUSED = [
    "selct = []",
    "extend_select = []",
    "select = 'REA1'",
    "select = [1]",
    "respect-gitignore = 'no'",
    "severity = { REA101 = 'eror' }",
    "severity = { REA101 = 3 }",
    "severity = true",
    "per-file-ignores = { a = 'x' }",
    "per-file-ignores = []",
    "min-blocking-sleep = -1",
    "min-blocking-sleep = true",
    "min-blocking-sleep = '1'",
    "sdk-version = 'new'",
    "sdk-version = '1.'",
    "sdk-version = 1",
    "server-version = 'auto'",
    "output-format = 'jsn'",
    "effects = 1",
    "effects = { clok = ['a.b'] }",
    "effects = { clock = 'a.b' }",
    "steps = { 'a.b' = { position = 1 } }",
    "steps = { 'a.b' = { position = 1, keyword = 'x', name = 'y' } }",
    "contexts = { 'a.b' = 'objct' }",
    "handlers = { 'a.b' = 1 }",
    "packs = 'x.toml'",
    "rules = 'x'",
    "baseline = []",
    "baseline = ''",
    "cache-dir = 1",
    "extend = 1",
]


def errors(text: str) -> list[str]:
    validator = jsonschema.Draft7Validator(schema.schema())
    return [error.message for error in validator.iter_errors(tomli.loads(text))]


def test_it_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(schema.schema())


def test_it_takes_everything_that_is_in_the_table(tree: Write) -> None:
    assert errors(EVERYTHING) == []
    assert errors("extend = '../rea-lint.toml'") == []
    load(tree({"rea-lint.toml": EVERYTHING}))


@pytest.mark.parametrize("text", REFUSED)
def test_it_refuses_what_a_run_refuses(text: str, tree: Write) -> None:
    assert errors(text)
    with pytest.raises(UserError):
        engine.knowledge_for(load(tree({"rea-lint.toml": text})))


def test_the_committed_file_is_it() -> None:
    assert json.loads((Path(schema.__file__).parent / "config.schema.json").read_text()) == schema.schema(), (
        "run `just docs` and commit the result"
    )


def test_validate_pyproject_is_given_it() -> None:
    points = tomli.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]["entry-points"]
    assert points["validate_pyproject.tool_schema"] == {"rea-lint": "rea_lint.schema:validate_pyproject"}
    assert schema.validate_pyproject("rea-lint") == schema.schema()


def test_it_costs_a_run_nothing() -> None:
    code = "import sys; from rea_lint.cli import run; run(['check', '--isolated', '-q', sys.argv[1]]); sys.exit('rea_lint.schema' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code, __file__], check=False).returncode == 0
