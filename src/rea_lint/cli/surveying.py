"""The facts of all files before the pipeline asks for them: those that are kept; the rest in several processes, if they are many.

While others survey, this process imports the rules and does what else the link waits for.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from rea_lint import engine, processes, rule

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rea_lint.cache import Cache
    from rea_lint.facts import Facts
    from rea_lint.files import File

ENOUGH = 150_000
"""Characters that are worth a process of their own: it costs 30 ms to start one and to read what it found; they take 60."""

HEAD_START = 60_000
"""Characters that others survey while this process does what else there is to do, which takes 20 ms longer than to start them and to send what
they find."""


def surveyor(files: Sequence[File], store: Cache | None, jobs: int, meanwhile: Callable[[], object]) -> Callable[[File], Facts]:
    """What gives the facts of files, these above all.  It adds to the store what that does not have.

    `meanwhile` is done while others survey, if there are any.
    """
    facts_of = engine.facts if store is None else store.facts_of
    missing = [f for f in files if f.text is not None and f.broken is None and (store is None or store.find(f) is None)]
    count = min(jobs, sum(len(file.text or "") for file in missing) // ENOUGH)
    if count < 2:
        return facts_of
    found = _ahead(missing, count, meanwhile)
    if store is not None:
        for file, facts in found.values():
            store.add(file, facts)

    def known(file: File) -> Facts:
        entry = found.get((file.path, file.module))
        return entry[1] if entry is not None else facts_of(file)

    return known


def _ahead(files: Sequence[File], count: int, meanwhile: Callable[[], object]) -> dict[tuple[str, str], tuple[File, Facts]]:
    """The facts of files by path and module, but for those that no survey survives: the pipeline is to say so."""
    from msgspec.msgpack import Decoder, encode

    from rea_lint.facts import Facts

    weights = {number: len(file.text or "") for number, file in enumerate(files)}
    is_durable = any(".handler(" in (file.text or "") for file in files)
    parts = processes.split(weights, count, ahead=HEAD_START if is_durable else 0)

    def survey(part: list[int]) -> dict[int, Facts]:
        if part is parts[0]:
            meanwhile()
            if is_durable:
                rule.load_all()
        found = {}
        for number in part:
            with suppress(Exception):
                found[number] = engine.facts(files[number])
        return found

    done = processes.each(survey, parts, encode, Decoder(dict[int, Facts]).decode)
    return {(files[n].path, files[n].module): (files[n], facts) for part in done for n, facts in part.items()}
