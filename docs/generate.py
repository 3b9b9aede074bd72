"""Write what is generated, or with `--check` only say whether it is up to date.

That is docs/rules/, from the rules' pages; docs/configuration.md and the JSON schema, from the table of options; the options in
docs/command-line.md, from those of `check`; and the examples in docs/output-formats.md, from what the formats give.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from rea_lint import engine
from rea_lint.cli.options import GROUPS
from rea_lint.config import EXTEND, FORMATS, OPTIONS, Config, Option
from rea_lint.discovery import discover
from rea_lint.report import View, render
from rea_lint.rule import Rule, load_all
from rea_lint.schema import ADDRESS, schema

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "rules"
CONFIGURATION = ROOT / "docs" / "configuration.md"
SCHEMA = ROOT / "src" / "rea_lint" / "config.schema.json"
COMMAND_LINE = ROOT / "docs" / "command-line.md"
FORMATS_PAGE = ROOT / "docs" / "output-formats.md"


def main(*arguments: str) -> int:
    """Write, or compare; gives the exit code."""
    wanted = {FOLDER / name: text for name, text in pages().items()} | {CONFIGURATION: configuration(), SCHEMA: as_json(schema())}
    wanted[COMMAND_LINE] = with_options(COMMAND_LINE.read_text(encoding="utf-8"))
    wanted[FORMATS_PAGE] = with_examples(FORMATS_PAGE.read_text(encoding="utf-8"))
    kept = [path for path in sorted(FOLDER.glob("*.md")) if path.name != "index.md"]  # which frames the table for Sphinx
    present = {
        path: path.read_text(encoding="utf-8") for path in (*kept, CONFIGURATION, SCHEMA, COMMAND_LINE, FORMATS_PAGE) if path.exists()
    }
    if "--check" in arguments:
        stale = sorted(
            path.relative_to(ROOT).as_posix() for path in wanted.keys() | present.keys() if wanted.get(path) != present.get(path)
        )
        if stale:
            print(f"not what the code says: {', '.join(stale)}: run `just docs` and commit the result", file=sys.stderr)
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for path in present.keys() - wanted.keys():
        path.unlink()
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
    return 0


def pages() -> dict[str, str]:
    """File name -> Markdown: a page a rule, and the table of all."""
    rules = load_all()
    return {f"{rule.code}.md": page(rule) for rule in rules} | {"README.md": table(rules)}


def page(rule: Rule) -> str:
    """The page, under a title and a line of what the registry knows."""
    about = [f"severity: {rule.severity}", "on by default" if rule.default else "off by default: select it"]
    about += [f"restate-sdk {rule.since} and newer"] * bool(rule.since) + [f"[Restate documentation]({rule.docs})"] * bool(rule.docs)
    return f"# {rule.code} {rule.name}\n\n*{' · '.join(about)}*\n\n{rule.page.shown.strip()}\n"


def table(rules: tuple[Rule, ...]) -> str:
    """All rules, by code."""
    rows = "".join(
        f"| [{rule.code}]({rule.code}.md) | {rule.name} | {rule.severity}{'' if rule.default else ' (off)'} | {summary(rule)} |\n"
        for rule in rules
    )
    return f"# Rules\n\nWritten by `just docs` from the rules' docstrings.\n\n| code | name | severity | says |\n|---|---|---|---|\n{rows}"


def summary(rule: Rule) -> str:
    """The first paragraph, for a table."""
    return rule.page.summary.replace("|", "\\|")


SAMPLE = {
    "orders/app.py": """\
import restate

from orders.stamps import stamp

orders = restate.VirtualObject("Orders")


@orders.handler()
async def place(ctx: restate.ObjectContext, item: str) -> None:
    ctx.set("placed", {"item": item, "at": stamp()})
""",
    "orders/stamps.py": """\
import time


def stamp() -> float:
    return time.time()
""",
}
LANGUAGES = {
    "json": "json",
    "json-lines": "json",
    "sarif": "json",
    "gitlab": "json",
    "rdjson": "json",
    "junit": "xml",
    "markdown": "markdown",
}
HOME = "/home/you/shop"  # where the sample lies in the examples
MARK = re.compile(r"<!-- (?P<what>sample|example: (?P<form>[\w-]+)) -->\n(?:\n~~~~.*?\n~~~~\n|\n`[\w/.]+`:\n)*", re.DOTALL)


def with_examples(text: str) -> str:
    """The page with its examples as they are now: each stands below a comment that names its format."""
    shown = examples()
    return MARK.sub(lambda mark: f"<!-- {mark['what']} -->\n{sample() if mark['form'] is None else shown[mark['form']]}", text)


def sample() -> str:
    """The files that the examples are about."""
    return "".join(f"\n`{name}`:\n\n~~~~python\n{text}~~~~\n" for name, text in SAMPLE.items())


def examples() -> dict[str, str]:
    """Format -> what it gives for the sample, as a fenced block."""
    with tempfile.TemporaryDirectory(prefix="rea-lint-") as folder:
        root = Path(folder).resolve()
        for name, text in SAMPLE.items():
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        config = Config(root)
        discovery = discover([root], config)
        report = engine.check(discovery.files, config, discovery.reported)
        handlers = {handler.display: (handler.path, handler.span) for handler in report.handlers}
        view = View(report.sources, str(root), width=110, handlers=handlers, files=discovery.looked_at)
        given = {form: render(form, report.diagnostics, view).replace(str(root), HOME) for form in FORMATS if form != "html"}
    given["sarif"] = without_help(given["sarif"])
    return {form: f"\n~~~~{LANGUAGES.get(form, 'text')}\n{text.rstrip()}\n~~~~\n" for form, text in given.items()}


def without_help(log: str) -> str:
    """A SARIF log with the first words of its rules' help."""
    data = json.loads(log)
    for rule in data["runs"][0]["tool"]["driver"]["rules"]:
        rule["help"] = {kind: f"{text[:61]} …" for kind, text in rule["help"].items()}
    return json.dumps(data, indent=2)


def as_json(value: Any) -> str:
    """JSON as it is committed."""
    return json.dumps(value, indent=2) + "\n"


def with_options(text: str) -> str:
    """The page of the command line with a table of all options of `check`, a group after the other."""
    tables = "\n\n".join(
        f"### {title}\n\n| option | what it does |\n|---|---|\n" + "\n".join(map(option_row, options)) for title, options in GROUPS.items()
    )
    return re.sub(r"(<!-- options -->\n).*?(<!-- end of options -->)", lambda m: f"{m[1]}\n{tables}\n\n{m[2]}", text, flags=re.DOTALL)


def option_row(option: click.Option) -> str:
    """A row of the table."""
    value = "" if option.is_flag else option.metavar or ""
    names = ", ".join(f"`{name}{'' if value.startswith('[=') or not value else ' '}{value}`".replace("|", "\\|") for name in option.opts)
    words = [option.help or ""]
    if isinstance(option.type, click.Choice):
        words.append(f"One of {', '.join(f'`{choice}`' for choice in option.type.choices)}.")
    if option.envvar:
        words.append(f"Also `{option.envvar}`.")
    return f"| {names} | {' '.join(words)} |"


def configuration() -> str:
    """The page of the configuration: what holds for all options, then each."""
    return CONFIGURATION_PAGE.format(address=ADDRESS) + "".join(option_section(option) for option in (*OPTIONS, EXTEND))


def option_section(option: Option) -> str:
    """What is to be said of one option."""
    default = "" if option.default is None else f" Default: `{as_toml(option.default)}`."
    words = {"file": "for each file, from the nearest configuration", "project": "added up over all configurations", "run": "for the run"}
    return (
        f"\n### {option.name}\n\n{option.text}\n\n*{option.type}, {words[option.scope]}.*{default}\n\n"
        f"```toml\n[tool.rea-lint]\n{option.name} = {option.example}\n```\n"
    )


def as_toml(value: object) -> str:
    """A default, as TOML."""
    return json.dumps(list(value) if isinstance(value, tuple) else value)


CONFIGURATION_PAGE = """# Configuration

Written by `just docs` from the table of options; `rea-lint config` shows the same in the terminal.

Options stand in `[tool.rea-lint]` of pyproject.toml, or in `rea-lint.toml`, where the same keys stand without `tool.rea-lint`:

```toml
[tool.rea-lint]
ignore = ["REA211"]
extend-exclude = ["generated"]

[tool.rea-lint.severity]
REA105 = "warning"
```

`rea-lint check --show-settings [PATH]` says which options are in force at a path, and where each comes from. An unknown key or a bad value
is an error that names file, line and key; the run ends with 2.

## Where options come from

The later wins: the defaults; a file that another extends; the file; `--config 'KEY = VALUE'`; the flags of the command line.
`--config FILE` reads that file instead of those that are found, `--isolated` reads none.

`rea-lint.toml` comes before a `pyproject.toml` in the same folder; a `pyproject.toml` without `[tool.rea-lint]` is passed over. Paths are relative to
the file that they stand in, and may begin with `~` or hold a variable of the environment (`$TEAM/ours.toml`). Patterns are relative to the folder of the file.

## Several configurations in one repository

What is linted is the project: the git repository, or the folder of its outermost configuration file. What is found does not depend on which
folder of it is named (but for the SDK's version, see below), and so:

* **For each file the nearest configuration decides** which rules apply and how severe they are, and what is excluded. It does not add to the one above
  it; with `extend = "../rea-lint.toml"` it does.
* **What is said of callables is added up** over all configurations (`packs`, `effects`, `steps`, ...), the outer ones first, since one call path may lead
  through files of several of them.
* **The rest is the run's**, from the outermost configuration: the SDK's version, the baseline, the cache, the output, and rules of your own. Rules are
  code that runs, and none is run because of a file that merely lies below.

With `sdk-version = "auto"` the version is looked for from the folder that is named up to the project's: its environment, lock file, requirements. In a repository
whose services have SDKs of several versions, the run at its root takes what it finds there; name a service's folder, or set `sdk-version`, to have that service's.

Without a git repository the nearest configuration is the run's. One that lies above the repository, in your home folder for one, is used where the
repository has none.

## Check it

Editors complete and check the keys with the [JSON schema]({address}), which is in the package too, as `rea_lint/config.schema.json`. Taplo, and the
editors that use it, read it from a comment in the first line of `rea-lint.toml`:

```toml
#:schema {address}
```

`check-jsonschema --schemafile config.schema.json rea-lint.toml` checks a file, and
`validate-pyproject pyproject.toml` a pyproject.toml, where rea-lint is installed beside it.

## Options
"""


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
