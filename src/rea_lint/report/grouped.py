"""One line a finding, below the name of its file."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from rea_lint.report.frame import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rea_lint.diagnostic import Diagnostic
    from rea_lint.report import View


def render(diagnostics: Sequence[Diagnostic], view: View) -> str:
    """A paragraph a file, with an empty line after it."""
    return "".join(f"{line}\n" for path, found in groupby(diagnostics, lambda d: d.path) for line in _paragraph(path, found, view))


def _paragraph(path: str, found: Iterable[Diagnostic], view: View) -> Iterator[str]:
    places = [(view.start(path, diagnostic.span), diagnostic) for diagnostic in found]
    rows = max(len(str(place.row)) for place, _ in places)
    columns = max(len(str(place.column)) for place, _ in places)
    yield f"{printable(view.path(path))}:"
    for place, diagnostic in places:
        yield f"  {place.row:>{rows}}:{place.column:<{columns}}  {diagnostic.code}  {printable(diagnostic.message)}"
    yield ""
