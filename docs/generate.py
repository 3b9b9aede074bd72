"""Write docs/rules/ from the rules' pages; with `--check`, only say whether it is up to date."""

from __future__ import annotations

import sys
from pathlib import Path

from rea_lint.rule import Rule, load_all

FOLDER = Path(__file__).parent / "rules"


def main(*arguments: str) -> int:
    """Write, or compare; gives the exit code."""
    wanted = pages()
    present = {path.name: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.md"))}
    if "--check" in arguments:
        stale = sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))
        if stale:
            print(
                f"docs/rules is not what the rules' pages say ({', '.join(stale)}): run `just docs` and commit the result", file=sys.stderr
            )
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for name in present.keys() - wanted.keys():
        (FOLDER / name).unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
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


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
