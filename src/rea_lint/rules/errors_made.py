"""Where errors of the SDK are made, anywhere in a project, and what of.  For the rules about their arguments."""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rea_lint.facts import Argument, Call
    from rea_lint.project import Project
    from rea_lint.text import Span

NUMBERS = {"int", "bool"}  # a bool is a whole number
DISPLAYS = {f"builtins.{kind}()": kind for kind in ("dict", "list", "set", "tuple")}


class Made(Struct, frozen=True):
    """An error that is made."""

    path: str
    call: Call

    @property
    def span(self) -> Span:
        """Where."""
        return self.call.span


def find(project: Project, error: str) -> Iterator[Made]:
    """Every place where an error is made, in the order of the files."""
    last = error.rpartition(".")[2]
    calls = project.calls_named(lambda name: name == last)
    return (Made(path, call) for path, call in calls if project.resolve(call.callees) == {error})


def is_no(project: Project, argument: Argument, kind: str) -> bool:
    """Whether an argument is certainly not of a type: a constant or display of another one, or a caught exception."""
    if argument.literal is not None:
        value = ast.literal_eval(argument.literal)
        found = type(value).__name__
        return found not in (NUMBERS if kind == "int" else {kind})
    names = project.resolve(argument.values)
    if names and all(_is_exception(name) for name in names):
        return True
    return argument.values in {(name,) for name in DISPLAYS} and DISPLAYS[argument.values[0]] != kind


def _is_exception(name: str) -> bool:
    """Whether it is an instance of one of Python's own exceptions."""
    kind = getattr(builtins, name.removeprefix("builtins.").removesuffix("()"), None)
    return name.endswith("()") and isinstance(kind, type) and issubclass(kind, BaseException)
