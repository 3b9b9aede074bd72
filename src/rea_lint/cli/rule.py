"""`rea-lint rule`: the pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rea_lint import rule as registry
from rea_lint.cli import CLEAN, CONTEXT
from rea_lint.config import UserError
from rea_lint.engine import page_url
from rea_lint.selection import did_you_mean, named

if TYPE_CHECKING:
    from rea_lint.rule import Rule

PROOFS = Path(__file__).parent.parent / "proof.json"


@click.command("rule", context_settings=CONTEXT)
@click.argument("word", metavar="CODE|NAME", required=False)
@click.option("--all", "every", is_flag=True, help="Show all rules.")
@click.option("--output-format", type=click.Choice(["text", "json"]), default="text", help="How to show it.")
def command(word: str | None, output_format: str, *, every: bool) -> int:
    """Show the page of a rule: what it finds, why that is wrong, and what to write instead."""
    if every == (word is not None):
        raise click.UsageError("Give the code or name of a rule, or --all.")
    rules = registry.load_all() if word is None else (_rule(word),)
    if output_format == "json":
        print(json.dumps([_item(rule) for rule in rules] if every else _item(rules[0]), indent=2, ensure_ascii=False))
    else:
        print("\n\n".join(_text(rule) for rule in rules))
    return CLEAN


def _rule(word: str) -> Rule:
    entries = registry.index()
    entry = named(word, entries)
    if entry is None:
        raise UserError(f"there is no rule `{word}`{did_you_mean(word, entries)}; `rea-lint rule --all` shows all of them")
    (rule,) = registry.load({entry.code})
    return rule


def _text(rule: Rule) -> str:
    more = [
        f"{rule.severity}" if rule.default else f"{rule.severity}, off by default",
        *([f"since SDK {rule.since}"] if rule.since else []),
    ]
    proofs = [f"* on restate-sdk {proof['sdk']}, {proof['where']}: {proof['outcome']} ({proof['mode']})" for proof in _proofs(rule)]
    head = f"# {rule.code} {rule.name} ({', '.join(more)})"
    docs = ["", f"Restate's documentation: {rule.docs}"] if rule.docs else []
    return "\n".join([head, "", rule.page.shown.strip(), *(["", "What its programs do:", "", *proofs] if proofs else []), *docs])


def _proofs(rule: Rule) -> list[dict[str, Any]]:
    """What came of the programs on the rule's page when they were run (`just prove` writes it down)."""
    data = json.loads(PROOFS.read_text("utf-8"))
    return [{key: entry[key] for key in ("sdk", "where", "mode", "outcome")} for entry in data if entry["code"] == rule.code]


def _item(rule: Rule) -> dict[str, Any]:
    return {
        "code": rule.code,
        "name": rule.name,
        "severity": str(rule.severity),
        "default": rule.default,
        "family": rule.family,
        "since": rule.since or None,
        "summary": rule.page.summary,
        "explanation": rule.page.shown.strip(),
        "docs": rule.docs or None,
        "proof": _proofs(rule),
        "url": page_url(rule.code),
    }
