"""A rule's page: Markdown whose fenced Python blocks are examples and tests.

A block's first line says after the language what it is: nothing (a program with faults, or a clean one), `fixed` or `fixed unsafe`
(what the fixes make of the block before it), `fails="..."` (what it does on the real SDK).  A block may hold several files, each
after a line `# file: name.py`.
"""

from __future__ import annotations

import re

from msgspec import Struct

# Compiled when they are asked for: a check that finds nothing shows no page.
FENCE = r"(?ms)^```(?P<language>\w*)(?P<words>[^\n]*)\n(?P<code>.*?)^```[ \t]*$"
FILE = r"(?m)^# file: (?P<name>\S+)\n"
EXPECTATION = r"(?m)[ \t]*# expect(?P<is_missed>-not-yet)?: (?P<said>.*)$"
CODE = r"\b[A-Z]+\d+\b"
FAILS = r'fails="(?P<outcome>[^"]+)"'


class Block(Struct, frozen=True):
    """A fenced block of a page."""

    language: str
    words: str  # what stands after the language
    code: str
    row: int  # of its first line of code in the page, from 1

    @property
    def fails(self) -> str | None:
        """What the program does on the real SDK, in words; None if nothing is claimed."""
        claim = re.search(FAILS, self.words)
        return claim["outcome"] if claim else None

    @property
    def fixed(self) -> str | None:
        """`safe` or `unsafe`: the fixes that make this block of the one before; None for all other blocks."""
        words = re.sub(FAILS, "", self.words).split()
        return ("unsafe" if "unsafe" in words else "safe") if "fixed" in words else None

    @property
    def files(self) -> dict[str, str]:
        """Name -> text of each file; a block without a `# file:` line is `app.py`."""
        parts = re.split(FILE, self.code)
        return dict(zip(parts[1::2], parts[2::2], strict=True)) if len(parts) > 1 else {"app.py": self.code}


class Page(Struct, frozen=True):
    """What a rule says about itself."""

    text: str  # Markdown
    blocks: tuple[Block, ...]

    @property
    def summary(self) -> str:
        """The first paragraph, on one line."""
        return " ".join(self.text.partition("\n\n")[0].split())

    @property
    def shown(self) -> str:
        """The Markdown for readers: without what is for the tests only.  A line that is found is marked with the code: `# REA101`."""
        return re.sub(FENCE, lambda m: f"```{m['language']}\n{re.sub(EXPECTATION, _mark, m['code'])}```", self.text)


def _mark(expectation: re.Match[str]) -> str:
    codes = dict.fromkeys(re.findall(CODE, re.sub(r'"[^"]*"', "", expectation["said"])))
    return f"  # {', '.join(codes)}" if codes and not expectation["is_missed"] else ""


def parse(text: str) -> Page:
    """The page that a docstring (without its indentation) is."""
    blocks = tuple(
        Block(match["language"], match["words"].strip(), match["code"], text.count("\n", 0, match.start("code")) + 1)
        for match in re.finditer(FENCE, text)
    )
    return Page(text, blocks)
