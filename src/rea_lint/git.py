"""What git says has changed: rows of files, and what files are in the index.  The only module that runs git."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from rea_lint.config import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Ranges = tuple[tuple[int, int], ...]  # first and last row, counted from 1 by LF

EVERYTHING: Final = ((1, 1 << 60),)
# What a user may have configured about diffs does not matter here.
DIFF: Final = (
    *("diff", "-U0", "--text", "-M", "--no-color", "--no-ext-diff", "--no-textconv", "--no-relative", "--inter-hunk-context=0"),
    *("--src-prefix=a/", "--dst-prefix=b/", "--submodule=diff", "--diff-filter=d"),
)


class Changes(Struct, frozen=True):
    """What has changed."""

    rows: Mapping[str, Ranges]  # by real path; rows beside deleted ones count as changed
    contents: Mapping[str, bytes]  # by path: of what is staged, where the file is another on the disk, or not there

    def touch(self, path: str, first: int, last: int) -> bool:
        """Whether any of the rows from `first` to `last` of a file has changed."""
        return any(start <= last and first <= end for start, end in self.rows.get(os.path.realpath(path), ()))


def since(ref: str, paths: Iterable[str]) -> Changes:
    """What has changed in the repositories of the paths since they left `ref`: in commits, in the files, and files git does not know.

    As `git diff REF...` has it: what others did on REF meanwhile is no change.  Raises UserError.
    """
    rows: dict[str, Ranges] = {}
    for top in _repositories(paths):
        base = _base(top, ref)
        rows |= _rows(top, _run(top, *DIFF, base))
        rows |= {_real(top, name): EVERYTHING for name in _names(_run(top, "ls-files", "--others", "--exclude-standard", "-z"))}
    return Changes(rows, {})


def staged(paths: Iterable[str]) -> Changes:
    """What the next commit changes in the repositories of the paths, and the Python files as that commit has them.  Raises UserError."""
    rows: dict[str, Ranges] = {}
    contents: dict[str, bytes] = {}
    for top in _repositories(paths):
        rows |= _rows(top, _run(top, *DIFF, "--cached"))
        contents |= _index(top)
    return Changes(rows, contents)


def _repositories(paths: Iterable[str]) -> list[str]:
    """The top folders of the repositories, spelt as the paths are (a path may lead through links)."""
    folders = {Path.cwd()} if _IN_HOOK in os.environ else {_folder(Path(path)) for path in paths}
    return sorted({_top(folder) for folder in folders})


_IN_HOOK: Final = "GIT_DIR"  # git has said which repository it is, as seen from the folder that the hook runs in


def _folder(path: Path) -> Path:
    """A folder, or the one that a file is in; of a file that is staged and gone with its folder, the next that is there."""
    return next(folder for folder in (path, *path.absolute().parents) if folder.is_dir())


def _top(folder: Path) -> str:
    up = os.fsdecode(_run(str(folder), "rev-parse", "--show-cdup")).strip("\n")
    return os.path.normpath(folder.absolute() / up)


def _base(top: str, ref: str) -> str:
    try:
        commit = _run(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}").decode().strip()
    except UserError as error:
        raise UserError(f"--since: git knows no commit `{ref}` in {top}") from error
    try:
        return _run(top, "merge-base", commit, "HEAD").decode().strip()
    except UserError as error:
        advice = "a shallow clone needs more of its history (`git fetch --unshallow`)"
        raise UserError(f"--since: `{ref}` and HEAD have no commit in common in {top}; {advice}") from error


def _rows(top: str, patch: bytes) -> dict[str, Ranges]:
    """The changed rows of each file in a patch; one of a submodule has context, whatever was asked for."""
    rows: dict[str, list[tuple[int, int]]] = {}
    ranges: list[tuple[int, int]] = []
    old = new = row = 0  # rows of the hunk that are still to come, which may look like anything, and the next row
    is_deleted = False
    for line in (*patch.split(b"\n"), b""):
        sign = line[:1] if old or new else b""
        if is_deleted and sign not in {b"-", b"\\"}:
            is_deleted = False
            if sign != b"+":
                ranges.append((row - 1, row))
        if sign == b"-":
            old -= 1
            is_deleted = True
        elif sign == b"+":
            ranges.append((row, row))
            new, row = new - 1, row + 1
        elif sign != b"\\" and (old or new):
            old, new, row = old - 1, new - 1, row + 1
        elif line.startswith(b"+++ "):
            ranges = rows.setdefault(_real(top, _unquoted(line[4:]).removeprefix(b"b/")), [])
        elif hunk := _HUNK.match(line):
            old, row, new = int(hunk[1] or 1), int(hunk[2]), int(hunk[3] or 1)
            row += new == 0  # git names the row before
    return {path: tuple(found) for path, found in rows.items()}


_HUNK = re.compile(rb"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


def _unquoted(name: bytes) -> bytes:
    """The name of a file as a patch has it: odd ones as in C, ones with a space with a tab behind."""
    if not name.startswith(b'"'):
        return name.rstrip(b"\t\r")
    return _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1]) or bytes([int(escape[1], 8)]), name.rstrip(b"\t\r")[1:-1])


_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_ESCAPED: Final = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r", b'"': b'"', b"\\": b"\\"}


def _index(top: str) -> dict[str, bytes]:
    """The Python files whose content in the index is not that on the disk."""
    names = _names(_run(top, "diff", "--name-only", "--no-relative", "--ignore-submodules", "-z"))
    differing = [name for name in dict.fromkeys(names) if name.endswith((b".py", b".pyw")) and b"\n" not in name]
    if not differing:
        return {}
    answers = _run(top, "cat-file", "--batch", given=b"".join(b":%s\n" % name for name in differing))
    contents: dict[str, bytes] = {}
    for name in differing:
        head, _, rest = answers.partition(b"\n")
        if head.endswith(b" missing"):
            answers = rest
            continue  # added without content (`git add -N`), or in conflict
        size = int(head.rsplit(b" ", 1)[1])
        contents[str(Path(top, os.fsdecode(name)))] = rest[:size]
        answers = rest[size + 1 :]
    return contents


def _names(listed: bytes) -> Iterator[bytes]:
    return (name for name in listed.split(b"\0") if name)


def _real(top: str, name: bytes) -> str:
    return os.path.realpath(Path(top, os.fsdecode(name)))


def _run(folder: str, *arguments: str, given: bytes = b"") -> bytes:
    """What a git command prints.  Raises UserError."""
    try:
        run = subprocess.run(["git", *arguments], cwd=folder, input=given, capture_output=True, check=False)  # noqa: S603, S607 -- the user's git
    except FileNotFoundError as error:
        raise UserError("git is not installed, or not on the PATH") from error
    if run.returncode:
        said = run.stderr.decode("utf-8", "replace").strip().splitlines()
        raise UserError(f"git {arguments[0]}: {said[0].removeprefix('fatal: ') if said else f'failed with {run.returncode}'} ({folder})")
    return run.stdout
