"""A discovery that was made before is made again with a `stat` a file, where it must come to the same.

What comes or goes changes the times of its folder, which is listed again then.  Files may have changed, but not in what discovery asks for:
candidates import, mention, register and decorate the same, and others are still none.  In any other case the answer is None, and everything
is walked and read.  Links, configurations of subfolders, and files that cannot be read are such cases from the beginning.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping  # noqa: TC003 -- what is kept is checked against the annotations of `Remembered`
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from rea_lint.config import FILES, PROJECT_FILES
from rea_lint.discovery import FRESH, Discovery, Passed, State, Trace, decorators_of, project_of, registers, using
from rea_lint.facts import Broken
from rea_lint.files import File, is_under, read, read_bytes
from rea_lint.gitignore import is_repository
from rea_lint.naming import imports_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rea_lint.config import Config

GONE: State = (-1, -1, -1)
MANY = 200
"""Files that may have changed: to look at more takes longer than a discovery, which is remembered then."""

_USED = re.compile(r"@[ \t]*((?:\w+[ \t]*\.[ \t]*)*\w+)")
_MARKS = frozenset({".gitignore", "pyvenv.cfg", *FILES, *PROJECT_FILES})


class Remembered(Struct, frozen=True):
    """What a discovery of a whole project came to, and how the disk was then."""

    root: str
    folders: Mapping[str, State]  # that were listed
    shapes: Mapping[str, str]  # what matters of what was in them
    rules: Mapping[str, State]  # files that say what git ignores, or may have a configuration of ours; `GONE` if there is none
    repositories: Mapping[str, bool]  # folders from the root up -> whether they are one
    sources: Mapping[str, State]  # all Python files; `GONE` for one that was too new to be sure of
    files: tuple[File, ...]  # the candidates, without their texts
    senses: Mapping[str, str]  # what discovery asks for in each of them
    decorators: frozenset[str]  # that candidates define around a registration
    consulted: frozenset[str]  # files in which it looked for more


def remember(discovery: Discovery, now: int) -> Remembered | None:
    """What to keep of a discovery that began at a time, in nanoseconds since 1970; None if it cannot be made again in this way."""
    trace = discovery.trace
    if trace is None or any(file.text is None or file.broken is not None for file in discovery.files):
        return None
    repositories: dict[str, bool] = {}
    rules: dict[str, State] = {}
    at = trace.root
    while at not in repositories:
        repositories[at] = is_repository(at)
        rules[os.path.join(at, ".gitignore")] = _state(os.path.join(at, ".gitignore"))
        if repositories[at]:
            rules[os.path.join(at, ".git", "info", "exclude")] = _state(os.path.join(at, ".git", "info", "exclude"))
            break
        at = os.path.dirname(at)
    within = ((path, _state(path)) for folder in trace.folders for path in (os.path.join(folder, name) for name in (".gitignore", *FILES)))
    rules |= {path: state for path, state in within if state != GONE}
    folders = {path: _state(path) for path in trace.folders}
    sources = {path: _state(path) for path in discovery.walked}
    if any(_is_new(state, now) for state in (*folders.values(), *rules.values())):
        return None
    return Remembered(
        root=trace.root,
        folders=folders,
        shapes={path: _shape(path) for path in folders},
        rules=rules,
        repositories=repositories,
        sources={path: GONE if _is_new(state, now) else state for path, state in sources.items()},
        files=tuple(replace(file, text=None) for file in discovery.files),
        senses={file.path: sense(file.text or "") for file in discovery.files},
        decorators=frozenset(name for file in discovery.files for name in decorators_of(file.text or "")),
        consulted=trace.consulted,
    )


def again(remembered: Remembered, paths: Sequence[Path | str], config: Config) -> Discovery | None:
    """What `discover` would give for paths of the project; None if that is not certain."""
    asked = {os.path.abspath(path) for path in paths}
    candidates = {file.path: file for file in remembered.files}
    if not all(path in candidates or path in remembered.folders for path in asked):
        return None
    if any(project_of(path, config) != remembered.root for path in asked) or not _has_same_folders(remembered):
        return None
    texts: dict[str, str] = {}
    left = MANY
    for path, before in remembered.sources.items():
        if _state(path) == before:
            continue
        left -= 1
        if path in remembered.consulted or left < 0:
            return None
        if not (_is_candidate_as_before(path, remembered, texts) if path in candidates else _is_none(path, remembered)):
            return None
    for path in candidates.keys() - texts.keys():
        text, _, broken = read(path)
        if text is None or broken is not None:
            return None
        texts[path] = text
    folders = asked - candidates.keys()
    reported = {path for path in remembered.sources if any(is_under(path, folder) for folder in folders)} | (candidates.keys() & asked)
    return Discovery(
        files=tuple(replace(file, text=texts[file.path]) for file in remembered.files),
        reported=frozenset(reported),
        looked_at=len(reported),
        config=config,
        walked=frozenset(remembered.sources),
        passed=Passed(),
        trace=Trace(remembered.root, frozenset(remembered.folders), remembered.consulted, frozenset(remembered.rules)),
    )


def sense(text: str) -> str:
    """All that discovery asks for in a file: whether it is a candidate, what it imports, which decorators it defines and uses."""
    imported = sorted(map(repr, set(imports_of(text))))
    is_registering = registers(text.encode("utf-8", "surrogatepass"))
    return repr(("restate" in text, is_registering, sorted(set(decorators_of(text))), sorted(set(_USED.findall(text))), imported))


def _has_same_folders(remembered: Remembered) -> bool:
    """Whether nothing has come or gone that matters, and the same is ignored."""
    return (
        all(is_repository(path) is was for path, was in remembered.repositories.items())
        and all(_state(path) == state for path, state in remembered.rules.items())
        and all(_state(path) == state or _shape(path) == remembered.shapes[path] for path, state in remembered.folders.items())
    )


def _is_candidate_as_before(path: str, remembered: Remembered, texts: dict[str, str]) -> bool:
    """Whether discovery finds the same in a candidate that was changed; its text is added to those that are known."""
    text, encoding, broken = read(path)
    if text is None or broken is not None or encoding != "utf-8" or sense(text) != remembered.senses[path]:
        return False
    texts[path] = text
    return True


def _is_none(path: str, remembered: Remembered) -> bool:
    """Whether a file that was changed, and was no candidate, is none now."""
    data = read_bytes(path)
    if isinstance(data, Broken) or b"restate" in data or registers(data):
        return False
    return not remembered.decorators or using(remembered.decorators).search(data) is None


def _shape(folder: str) -> str:
    """What the walk would ask for in a folder, in one line."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return ""
    return "/".join(
        sorted(
            f"{entry.name}{'@' if entry.is_symlink() else ''}{':' if entry.is_dir() else ''}"
            for entry in entries
            if entry.name.endswith(".py") or entry.name in _MARKS or (entry.name != "__pycache__" and entry.is_dir())
        )
    )


def _is_new(state: State, now: int) -> bool:
    """Whether a file was changed so late that it may be changed once more without a trace."""
    return max(state[:2]) > now - FRESH


def _state(path: str) -> State:
    """When a file was changed, and its size; `GONE` if it is not there."""
    try:
        state = os.stat(path)
    except OSError:
        return GONE
    return state.st_mtime_ns, state.st_ctime_ns, state.st_size
