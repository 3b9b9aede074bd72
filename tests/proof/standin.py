"""Stand-ins for libraries: whatever is asked of one is there, and every call is told of under the linter's name for it.

`httpx.AsyncClient()` is `httpx.AsyncClient`, `httpx.AsyncClient().post(url)` is `httpx.AsyncClient().post`.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

REAL = sys.stdlib_module_names | {
    *("hypercorn", "h2", "h11", "hpack", "hyperframe", "wsproto", "priority", "exceptiongroup", "taskgroup", "tomli"),
    *("restate", "proof", "google", "time_machine", "_time_machine", "tzdata", "dateutil"),
    *("pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection", "msgspec", "dacite"),
}
"""Packages that are what they are, or are not there; all others are stand-ins, whether installed or not."""

PRETENDED = ("restate.ext.", "google.adk", "google.genai", "google.cloud")
"""Parts of real packages that are stand-ins all the same: they need libraries that are."""

CALLED: list[Callable[[str], Any]] = []
"""Who is told of a call, once there is somebody; what he says is what the call gives, unless that is None."""


def install() -> None:
    """From now on every library that is imported is a stand-in.  For good: the process is the program's own."""
    sys.meta_path.insert(0, _Finder())


class Name:
    """Something of a stand-in that can be called, subclassed, named in an annotation or caught."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return _named(f"{self._path}.{name}")

    def __call__(self, *_: object, **__: object) -> Any:
        return _called(self._path)

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return (object,)

    def __or__(self, other: object) -> Any:
        return Any

    __ror__ = __or__

    def __getitem__(self, _: object) -> Any:
        return self


class _Value(str):  # noqa: SLOT000 -- it has two attributes of its own
    """What a stand-in gives, and what is in that: text, with any attribute and any method."""

    _path: str

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("_"):
            return super().__getattribute__(name)
        if name == "content" and self._path.startswith(("httpx.", "requests.")):
            return b'"x"'
        return _CODES[name] if name in _CODES else _value(f"{self._path}.{name}")

    def __call__(self, *_: object, **__: object) -> Any:
        return _called(self._path)

    def __await__(self) -> Generator[Any, Any, Any]:
        yield from ()
        return self

    async def __aenter__(self) -> Any:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __aiter__(self) -> Any:
        return self

    async def __anext__(self) -> Any:
        raise StopAsyncIteration

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __getitem__(self, _: object) -> Any:
        return _value(f"{self._path}[]")


_CODES = {"status_code": 200, "status": 200, "returncode": 0}


def _named(path: str) -> Any:
    """A member of a library: an exception where its name says so, so that it can be caught."""
    if path.endswith(("Error", "Exception")):
        return type(path.rpartition(".")[2], (Exception,), {})
    return Name(path)


def _value(path: str) -> Any:
    value = _Value("x")
    value._path = path
    return value


def _called(path: str) -> Any:
    """What a call gives: what the program's table says, JSON for `json`, else a value."""
    given = CALLED[0](path) if CALLED else None
    if given is not None:
        return given
    return {"id": "x"} if path.endswith(".json") else _value(f"{path}()")


class Library(types.ModuleType):
    """A stand-in for a module."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__dict__["__path__"] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _named(f"{self.__name__}.{name}")


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds a stand-in for every library."""

    def find_spec(self, name: str, _path: Sequence[str] | None, _target: object = None) -> importlib.machinery.ModuleSpec | None:
        first = name.partition(".")[0]
        if (
            (first in REAL and not name.startswith(PRETENDED)) or Path(first).is_dir() or Path(f"{first}.py").is_file()
        ):  # the program's own, in the current folder
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return Library(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        pass
