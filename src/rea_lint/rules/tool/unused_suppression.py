"""REA002: a suppression comment that silences nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rea_lint.comments import MALFORMED, without
from rea_lint.diagnostic import Applicability, Finding, Fix, Severity
from rea_lint.rule import index, rule
from rea_lint.selection import did_you_mean
from rea_lint.suppress import Unused
from rea_lint.text import Edit, Source, Span

if TYPE_CHECKING:
    from collections.abc import Sequence


@rule("REA002", "unused-suppression", Severity.INFO)
def unused_suppression(unused: Unused, source: Source) -> Iterator[Finding]:
    """
    A comment silences a rule that finds nothing there.

    It was right once, and the code has changed, or the code in it is misspelt. Left where it is, it hides the next fault of its kind.

    ```python
    import restate

    greeter = restate.Service("greeter")


    @greeter.handler()
    async def greet(ctx: restate.Context, name: str) -> str:
        return f"Hello, {name}"  # rea-lint: ignore[REA101] the time  # expect: REA002 "`REA101`"
    ```

    ```python fixed
    import restate

    greeter = restate.Service("greeter")


    @greeter.handler()
    async def greet(ctx: restate.Context, name: str) -> str:
        return f"Hello, {name}"
    ```

    A comment may say several codes or names. Those that silence something stay:

    ```python
    import uuid

    import restate

    greeter = restate.Service("greeter")


    @greeter.handler()
    async def greet(ctx: restate.Context, name: str) -> str:
        return f"Hello, {name}, {uuid.uuid4()}"  # rea-lint: ignore[native-uuid] of no consequence
    ```

    Where a comment counts: at the end of a line of the statement, or alone above it; on the line of a `def` or of a decorator, for the
    function and, through it, for its callers; as `# rea-lint: ignore-file[...]`, for the file. `# noqa: REA101` counts too. A `# noqa`
    without codes speaks to other linters as well, and is never reported; a rule that is switched off is not either.
    """
    suppression = unused.suppression
    unknown = [_unknown(word) for word in unused.unknown]
    idle = [f"`{word}`" for word in unused.words if word not in unused.unknown]
    if suppression.form == MALFORMED:
        said = "This comment cannot be read, and silences nothing; write `# rea-lint: ignore[CODE] reason`."
    elif not unused.words:
        said = "This comment silences nothing; remove it."
    else:
        found = [f"{_and(idle)} {'is' if len(idle) == 1 else 'are'} not found here"] if idle else []
        said = f"{'; '.join([*found, *unknown])}: the comment silences nothing" + (
            "." if set(unused.words) == set(suppression.codes) else " by that."
        )
    yield Finding(suppression.span, said[0].upper() + said[1:], _fix(unused, source))


def _fix(unused: Unused, source: Source) -> Fix | None:
    suppression = unused.suppression
    if suppression.form == MALFORMED or any(did_you_mean(word, index()) for word in unused.unknown):
        return None  # somebody meant something: what, only they know
    comment = source.text[suppression.span.start : suppression.span.end]
    rest = without(comment, unused.words) if unused.words else ""
    if rest:
        return Fix(f"Remove {_and([f'`{word}`' for word in unused.words])}", (Edit(suppression.span, rest),), Applicability.SAFE)
    return Fix("Remove the comment", (Edit(_whole(suppression.span, source), ""),), Applicability.SAFE)


def _whole(comment: Span, source: Source) -> Span:
    """A comment with the space around it that is there for its sake: the whole line, if it stands alone."""
    row = source.position(comment.start).row
    line = source.line_span(row)
    before, after = source.text[line.start : comment.start], source.text[comment.end : line.end]
    if after.strip():
        return Span(comment.start, line.end - len(after.lstrip()))
    if before.strip():
        return Span(line.start + len(before.rstrip()), line.end)
    below = source.line_span(row + 1)
    return Span(line.start, below.start)


def _unknown(word: str) -> str:
    return f"`{word}` is no rule{did_you_mean(word, index())}"


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
