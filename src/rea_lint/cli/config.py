"""`rea-lint config`: the options, as the table has them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from rea_lint.cli import CLEAN, CONTEXT
from rea_lint.cli.settings import as_toml
from rea_lint.config import EXTEND, OPTIONS, UserError, did_you_mean

if TYPE_CHECKING:
    from rea_lint.config import Option

KEYS = {option.name: option for option in (*OPTIONS, EXTEND)}
SCOPES = {
    "file": "for each file, from the nearest configuration",
    "project": "added up over all configurations of the project",
    "run": "for the run, from the outermost configuration",
}


@click.command("config", context_settings=CONTEXT)
@click.argument("key", required=False)
@click.option("--output-format", type=click.Choice(["text", "json"]), default="text", help="How to show them.")
def command(key: str | None, output_format: str) -> int:
    """Show the options that a configuration file may have, or the one called KEY.

    `rea-lint check --show-settings` shows which are in force.
    """
    if key is not None and key not in KEYS:
        raise UserError(f"there is no option `{key}`{did_you_mean(key, KEYS)}; `rea-lint config` shows all of them")
    options = list(KEYS.values()) if key is None else [KEYS[key]]
    if output_format == "json":
        items = [_item(option) for option in options]
        print(json.dumps(items if key is None else items[0], indent=2, ensure_ascii=False))
    else:
        print("\n\n".join(_text(option) for option in options))
    return CLEAN


def _text(option: Option) -> str:
    default = "" if option.default is None else f"\n  Default: {as_toml(option.default)}"
    return (
        f"{option.name}\n  {option.text}\n  Type: {option.type}; {SCOPES[option.scope]}{default}\n"
        f"  Example: {option.name} = {option.example}"
    )


def _item(option: Option) -> dict[str, Any]:
    return {
        "name": option.name,
        "type": option.type,
        "default": list(option.default) if isinstance(option.default, tuple) else option.default,
        "text": option.text,
        "scope": option.scope,
        "example": option.example,
        "schema": option.shape,
    }
