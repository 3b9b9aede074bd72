"""What a finding is known by when the lines around it move: baselines and services that track findings recognise it by this."""

from __future__ import annotations

import os
from collections import Counter
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rea_lint.diagnostic import Diagnostic
    from rea_lint.text import Source


class Identity(NamedTuple):
    """A finding without its place.  Identities of one run differ from each other, and sort by path."""

    path: str  # relative to a base folder, with `/`; absolute if it lies elsewhere
    code: str
    function: str  # the innermost function or class around it, without the module; empty: none
    line: str  # the text of the row it begins in, each run of white space as one space
    occurrence: int  # from 0: which of those that are alike otherwise, in source order

    @property
    def fingerprint(self) -> str:
        """32 hexadecimal digits, the same for the same identity on every machine."""
        return blake2b("\0".join(map(str, self)).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def identities(diagnostics: Iterable[Diagnostic], sources: Mapping[str, Source], base: str) -> dict[Diagnostic, Identity]:
    """What each finding is known by.  Hand over all of a run, the silenced ones too: occurrences are counted among them."""
    seen: Counter[tuple[str, str, str, str]] = Counter()
    known: dict[Diagnostic, Identity] = {}
    for diagnostic in sorted(diagnostics, key=lambda d: d.place):
        source = sources[diagnostic.path]
        line = " ".join(source.line(source.position(diagnostic.span.start).row).split())
        alike = (_relative(diagnostic.path, base), diagnostic.code, diagnostic.function, line)
        known[diagnostic] = Identity(*alike, seen[alike])
        seen[alike] += 1
    return known


def _relative(path: str, base: str) -> str:
    within = path.removeprefix(base.rstrip(os.sep) + os.sep)
    return within.replace(os.sep, "/")
