"""REA001: a file that cannot be parsed."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from itertools import accumulate

from rea_lint import cst
from rea_lint.diagnostic import Finding, Severity
from rea_lint.facts import Broken
from rea_lint.rule import Unread, rule, with_deep_stack
from rea_lint.text import Source

# What libcst is given: two thousand nested calls take it a minute, and so does a chain of three thousand.
LARGEST = 500_000  # characters of a file
LONGEST = 4_000  # characters of a row
DEEPEST = 60  # brackets within each other
LINKS = 500  # `).`, `](` and the like, of which chains are made

Version = tuple[int, int]


@rule("REA001", "syntax-error", Severity.ERROR)
def syntax_error(broken: Broken | Unread, source: Source) -> Iterator[Finding]:
    """
    The file cannot be parsed, so nothing in it is linted.

    A handler in such a file is not found, and what other files call in it is not followed: silence says nothing about them.

    ```python fails="import error"
    import restate

    handlers = [  # expect: REA001 "was never closed"
    ```

    ```python
    import restate

    handlers = []
    ```

    rea-lint reads code with the Python that it runs on. A file that needs a newer one (a nested f-string as 3.12 allows it, say)
    can be read by running rea-lint with that version, and the message says which. A file may also have an encoding that Python
    does not read: save it as UTF-8.

    This finding cannot be silenced by a comment, since a file that is not understood has none; exclude the file instead.

    A single function that nests too deeply, or is too long, for the parser that rules work with is said here too, as information: it
    is followed and its calls are known, but most rules did not look into it.
    """
    if isinstance(broken, Unread):
        yield Finding(broken.span, f"Most rules have not looked into this function: {broken.reason}.", severity=Severity.INFO)
        return
    running = "{}.{}".format(*sys.version_info[:2])
    newer = _newer_python(source.text)
    if newer is not None:
        yield Finding(
            broken.span,
            f"Python {running}, which runs rea-lint, cannot read this file, and Python {newer} can; run rea-lint with Python {newer}"
            f" or newer ({broken.message}).",
        )
    else:
        reason = broken.message[:1].lower() + broken.message[1:]
        yield Finding(broken.span, f"This file cannot be read as Python, so nothing in it is linted: {reason.rstrip('.')}.")


def _newer_python(text: str) -> str | None:
    """The version that could read a text which this one cannot, if libcst, whose grammar is newer, can tell."""
    if not _is_small(text):
        return None
    found: list[Version] = []
    with_deep_stack(lambda: found.append(_needs(text)))
    return "{}.{}".format(*found[0]) if found and found[0] > sys.version_info[:2] else None


def _is_small(text: str) -> bool:
    """Whether libcst can parse it in reasonable time and space."""
    if len(text) > LARGEST or "\0" in text:
        return False
    if max(map(len, re.split(r"[\r\n]", text))) > LONGEST or len(re.findall(r"[)\]]\s*[.(\[]", text)) > LINKS:
        return False
    return max(accumulate(1 if bracket in "([{" else -1 for bracket in re.findall(r"[\[\](){}]", text)), default=0) <= DEEPEST


def _needs(text: str) -> Version:
    """The oldest Python that has all syntax of a text, as far as it is newer than 3.10."""
    try:
        pending: list[cst.CSTNode] = [cst.parse_module(text)]
    except (cst.ParserSyntaxError, TypeError):  # `x if(lambda: 1)else y`
        return (0, 0)
    newest = (3, 10)
    while pending:
        node = pending.pop()
        newest = max(newest, _version(node))
        pending += node.children
    return newest


def _version(node: cst.CSTNode) -> Version:
    match node:
        case cst.TemplatedString() | cst.ExceptHandler(type=cst.Tuple(lpar=[])):
            return (3, 14)
        case cst.TypeParam() if node.default is not None:
            return (3, 13)
        case cst.TypeAlias() | cst.TypeParameters():
            return (3, 12)
        case cst.FormattedString() if _is_nested(node):
            return (3, 12)
        case cst.TryStar():
            return (3, 11)
    return (3, 10)


def _is_nested(string: cst.FormattedString) -> bool:
    """Whether an f-string has, within braces, what Python 3.12 was the first to allow: its own quotes, a backslash or a comment."""
    quote = string.end
    inner = [cst.Module([]).code_for_node(part.expression) for part in string.parts if isinstance(part, cst.FormattedStringExpression)]
    return any(quote in code or "\\" in code or "#" in code for code in inner)
