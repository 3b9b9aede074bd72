"""`rea-lint rule`: the pages."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rea_lint import registry
from rea_lint.cli import CLEAN, CONTEXT, FOUND
from rea_lint.cli.options import complete_rule, with_configuration
from rea_lint.cli.settings import settings
from rea_lint.config import UserError
from rea_lint.engine import page_url
from rea_lint.rule import OWN
from rea_lint.selection import did_you_mean, named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rea_lint.config import Config
    from rea_lint.rule import Rule

PROOFS = Path(__file__).parent.parent / "proof.json"


@with_configuration
@click.command("rule", context_settings=CONTEXT)
@click.argument("word", metavar="[CODE|NAME]", required=False, shell_complete=complete_rule)
@click.option("--all", "every", is_flag=True, help="Show all rules.")
@click.option("--test", is_flag=True, help="Test the pages of your own rules: their programs have the findings they say.")
@click.option("--output-format", type=click.Choice(["text", "json"]), default="text", help="How to show it.")
def command(word: str | None, output_format: str, config: Sequence[str], *, every: bool, test: bool, isolated: bool) -> int:
    """Show the page of a rule: what it finds, why that is wrong, and what to write instead."""
    if test + every + (word is not None) != 1 and not (test and word is not None):
        raise click.UsageError("Give the code or name of a rule, or --all.")
    options = settings(["."], config, {}, isolated=isolated)
    if test:
        return _tested(options, word)
    rules = _all(options) if word is None else (_rule(word, options),)
    if output_format == "json":
        print(json.dumps([_item(rule) for rule in rules] if every else _item(rules[0]), indent=2, ensure_ascii=False))
    else:
        print("\n\n".join(_text(rule) for rule in rules))
    return CLEAN


def _all(options: Config) -> tuple[Rule, ...]:
    return registry.load({entry.code for entry in registry.index(options)}, options)


def _rule(word: str, options: Config) -> Rule:
    entries = registry.index(options)
    entry = named(word, entries)
    if entry is None:
        raise UserError(f"there is no rule `{word}`{did_you_mean(word, entries)}; `rea-lint rule --all` shows all of them")
    (rule,) = registry.load({entry.code}, options)
    return rule


def _tested(options: Config, word: str | None) -> int:
    """Say where the pages of the user's own rules are not true; gives the exit code."""
    from rea_lint.report import count
    from rea_lint.testing import rule_problems

    rules = [rule for rule in (_all(options) if word is None else (_rule(word, options),)) if rule.family == OWN]
    if not rules:
        raise UserError("there are no rules of your own to test; the option `rules` names their modules")
    problems = [problem for rule in rules for problem in rule_problems(rule, rules=options.rules)]
    print("".join(f"{problem}\n" for problem in problems), end="")
    print(f"Tested {count(len(rules), 'rule')}: {count(len(problems), 'problem')}.", file=sys.stderr)
    return FOUND if problems else CLEAN


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
        "url": page_url(rule),
    }
