"""Text as HTML: escaped, with code in backticks as code."""

from __future__ import annotations

import html
import re

from rea_lint.page import FENCE
from rea_lint.report.frame import printable
from rea_lint.report.html.code import python

_CODE = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)


def escape(text: str) -> str:
    """The text as it is, in an element or in a quoted attribute; what cannot be shown is made visible."""
    return html.escape("\n".join(map(printable, text.split("\n"))))


def prose(text: str) -> str:
    """Text with code in backticks."""
    parts: list[str] = []
    at = 0
    for code in _CODE.finditer(text):
        parts += escape(text[at : code.start()]), f"<code>{escape(code[2])}</code>"
        at = code.end()
    return "".join([*parts, escape(text[at:])])


def markdown(text: str) -> str:
    """A rule's page, which is paragraphs, lists and fenced code."""
    parts: list[str] = []
    at = 0
    for fence in re.finditer(FENCE, text):
        parts += _paragraphs(text[at : fence.start()]), f'<pre class="code" tabindex="0"><code>{python(fence["code"])}</code></pre>'
        at = fence.end()
    return "\n".join([*parts, _paragraphs(text[at:])])


def _paragraphs(text: str) -> str:
    return "\n".join(_paragraph(block.strip()) for block in re.split(r"\n\s*\n", text) if block.strip())


def _paragraph(block: str) -> str:
    items = re.split(r"^[*-] ", block, flags=re.MULTILINE)
    if len(items) > 1 and not items[0]:
        return f"<ul>{''.join(f'<li>{prose(item.strip())}</li>' for item in items[1:])}</ul>"
    return f"<p>{prose(block)}</p>"
