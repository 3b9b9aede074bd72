"""`rea-lint doctor`: what is off in a project, apart from its handlers."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct
from msgspec.structs import asdict

from rea_lint import toml
from rea_lint.cli import CLEAN, CONTEXT, FOUND
from rea_lint.cli.options import with_configuration
from rea_lint.cli.settings import settings
from rea_lint.config import FILES, SCOPES, UserError
from rea_lint.report import count
from rea_lint.sdk import NEWEST_KNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rea_lint.config import Config
    from rea_lint.engine import Linked

RUFF = (".ruff.toml", "ruff.toml", "pyproject.toml")  # where ruff's configuration of a folder stands; the first that has one


class Check(Struct, frozen=True):
    """What was looked at, and how it is."""

    name: str
    ok: bool
    says: str
    advice: str = ""  # what to do, where something is off


@with_configuration
@click.command("doctor", context_settings=CONTEXT)
@click.argument("path", default=".", type=click.Path(exists=True))
@click.option("--output-format", type=click.Choice(["text", "json"]), default="text", help="How to show it.")
def command(path: str, output_format: str, config: Sequence[str], *, isolated: bool) -> int:
    """Look at the project that PATH (default: this folder) is in, and say what is off: exit code 1 if anything is."""
    from rea_lint import engine
    from rea_lint.discovery import discover

    run = settings([path], config, {}, isolated=isolated)
    discovery = discover([run.root], run)
    linked = engine.linked(discovery.files, discovery.config, engine.knowledge_for(discovery.config), engine.facts)
    checks = list(_checks(discovery.config, linked))
    if output_format == "json":
        print(json.dumps([asdict(check) for check in checks], indent=2, ensure_ascii=False))
    else:
        print("\n".join(_text(check) for check in checks))
        off = sum(not check.ok for check in checks)
        print(f"Looked at {len(checks)} things in {run.root}: {off or 'nothing'} off.", file=sys.stderr)
    return CLEAN if all(check.ok for check in checks) else FOUND


def _text(check: Check) -> str:
    return f"{'ok ' if check.ok else 'off'}  {check.name}: {check.says}" + (f"\n     {check.advice}" if check.advice else "")


def _checks(config: Config, linked: Linked) -> Iterator[Check]:
    yield _sdk(config)
    yield _handlers(linked)
    yield _tests(linked)
    yield from _configurations(config)
    yield _words(config, linked)
    yield _baseline(config)
    yield _ruff(config)


def _sdk(config: Config) -> Check:
    if config.sdk_version == "auto" and config.detected == NEWEST_KNOWN:
        return Check(
            "restate-sdk",
            ok=False,
            says=f"its version is not found, so {NEWEST_KNOWN.text} is assumed",
            advice='install it where the code runs, or say `sdk-version = "..."` in the configuration',
        )
    return Check("restate-sdk", ok=True, says=f"{config.sdk.text} ({config.sdk.source})")


def _handlers(linked: Linked) -> Check:
    found = {(handler.path, handler.span) for project in linked.projects for handler in project.handlers}
    if not found:
        return Check(
            "handlers",
            ok=False,
            says="none is found, so there is nothing to lint",
            advice="is this the folder of the services? Decorators of your own that register handlers go into `handlers`",
        )
    return Check("handlers", ok=True, says=f"{len(found)} in {count(len({path for path, _ in found}), 'file')}")


def _tests(linked: Linked) -> Check:
    from rea_lint.rules.options import HARNESSES, harnesses

    calls = {(path, call): HARNESSES[name] for project in linked.projects for path, call, name in harnesses(project)}
    replaying = [
        call for (_, call), at in calls.items() if (given := call.argument(at, "always_replay")) is not None and given.literal != "False"
    ]
    if replaying:
        return Check("tests", ok=True, says=f"{len(replaying)} of {len(calls)} test harnesses replay handlers wherever they wait")
    says = f"none of {len(calls)} test harnesses replays handlers" if calls else "no test uses the harness of restate-sdk"
    return Check(
        "tests",
        ok=False,
        says=f"{says}, so no test sees what breaks on replay",
        advice="`restate.create_test_harness(app, always_replay=True)` replays a handler wherever it waits",
    )


def _configurations(config: Config) -> Iterator[Check]:
    """Files that are read, and what in them is not."""
    for each in config.all:
        if each.source is None:
            continue
        name = _near(each.source, config)
        if each.source.name == FILES[0] and "rea-lint" in _tool(each.source.parent / "pyproject.toml"):
            yield Check(
                "configuration",
                ok=False,
                says=f"{name} hides `[tool.rea-lint]` of the pyproject.toml beside it",
                advice="keep one of the two; `rea-lint check --show-settings PATH` shows what is in force",
            )
        for key in each.values:
            if SCOPES[key] == "run" and each is not config and not _is_from_line(key, config):
                yield Check(
                    "configuration",
                    ok=False,
                    says=f"`{key}` in {name} is not read: it is an option of the run",
                    advice=f"move it to {config.source or config.root / FILES[0]}",
                )
    sources = [_near(each.source, config) for each in config.all if each.source is not None]
    yield Check("configuration", ok=True, says=", ".join(sources) or "no file: the defaults")


def _near(path: Path, config: Config) -> str:
    return path.relative_to(config.root).as_posix() if path.is_relative_to(config.root) else str(path)


def _is_from_line(key: str, config: Config) -> bool:
    return key in config.origins and config.origins[key].row == 0


def _words(config: Config, linked: Linked) -> Check:
    """Codes and names in comments that are no rule's."""
    from rea_lint import registry
    from rea_lint.selection import did_you_mean
    from rea_lint.suppress import means

    entries = registry.index(config)
    unknown = [
        f"{_near(Path(path), config)}:{linked.sources[path].position(suppression.span.start).row}: `{word}`{did_you_mean(word, entries)}"
        for path, facts in sorted(linked.facts.items())
        for suppression in facts.suppressions
        for word in suppression.codes
        if not any(means(word, (entry.code, entry.name), suppression.form) for entry in entries)
    ]
    if unknown:
        return Check(
            "comments", ok=False, says=f"no rule has these codes: {'; '.join(unknown)}", advice="`rea-lint rule --all` shows all rules"
        )
    return Check("comments", ok=True, says="every code in a comment that silences is a rule's")


def _baseline(config: Config) -> Check:
    if config.baseline is not None and not config.baseline.is_file():
        return Check(
            "baseline",
            ok=False,
            says=f"{config.origins['baseline']}: there is no file {config.baseline}",
            advice="`rea-lint check --write-baseline` makes it",
        )
    return Check("baseline", ok=True, says=str(config.baseline) if config.baseline is not None else "none")


def _ruff(config: Config) -> Check:
    for name in RUFF:
        file = config.root / name
        table = _tool(file).get("ruff") if name == "pyproject.toml" else _toml(file)
        if table is None:
            continue
        lint = table.get("lint", {})
        external = [*table.get("external", ()), *(lint.get("external", ()) if isinstance(lint, dict) else ())]
        if any("REA".startswith(str(prefix)) for prefix in external):
            return Check("ruff", ok=True, says=f"{name} leaves our codes alone")
        return Check(
            "ruff",
            ok=False,
            says=f"{name} does not know our codes: RUF100 and RUF102 delete `# noqa: REA101`",
            advice='say `external = ["REA"]` in its table `lint`, or silence with `# rea-lint: ignore[...]`',
        )
    return Check("ruff", ok=True, says="not configured here")


def _tool(pyproject: Path) -> dict[str, Any]:
    tool = (_toml(pyproject) or {}).get("tool", {})
    return tool if isinstance(tool, dict) else {}


def _toml(file: Path) -> dict[str, Any] | None:
    """A TOML file; None if there is none, or it is broken, which whoever owns it says."""
    try:
        return toml.document(file)
    except UserError:
        return None
