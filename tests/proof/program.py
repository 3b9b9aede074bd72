"""A program under proof: its files written, imported and invoked, in a process of its own."""

from __future__ import annotations

import collections.abc
import dataclasses
import importlib
import inspect
import json
import os
import sys
import types
import typing
from typing import TYPE_CHECKING, Any, Literal

import restate

from proof.driver import Mode, Target, invoke, negotiated, resume, sweep
from proof.world import DAY, START, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KINDS = (restate.Service, restate.VirtualObject, restate.Workflow)


def courses(job: dict[str, Any], folder: Path) -> Iterator[tuple[str, Any]]:
    """What a job says to do, as `(kind, value)`: courses, or the failure to import; at the end `done`.

    A job has `files` (name -> text), what the program's table says (`input`, `key`, `state`, `answers`, `returns`, all as JSON), and
    `resume`, the journals to go on with (`Service.handler` -> frames); without that, every handler goes through every mode.
    """
    world = World(folder, job.get("returns", {}))
    try:
        app, services = prepared(job["files"], folder, world)
        version = negotiated(app)
    except BaseException as error:  # noqa: BLE001 -- whatever a program raises at import is its outcome
        yield "failure", f"{type(error).__name__}: {error}"
        return
    for target in targets(services, job):
        if "resume" in job:
            if target.display in job["resume"]:
                yield "course", resume(app, version, target, world, job["resume"][target.display])
            continue
        for course in sweep(lambda: load(job["files"])[0], version, target, world):
            yield "course", course
        if job.get("cancel"):
            yield "course", invoke(load(job["files"])[0], version, target, world, Mode.CANCEL)
    yield "done", None


def prepared(files: dict[str, str], folder: Path, world: World) -> tuple[Any, list[Any]]:
    """The app of a program, and its services, in a world of its own."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    world.install()
    return load(files)


def load(files: dict[str, str]) -> tuple[Any, list[Any]]:
    """The app of a program's services, freshly imported."""
    names = [name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in files if name.endswith(".py")]
    for name in names:
        sys.modules.pop(name, None)
    modules = [importlib.import_module(name) for name in names]
    found = {id(value): value for module in modules for value in vars(module).values() if isinstance(value, KINDS)}
    services = list(found.values())
    return restate.app(services), services


def targets(services: list[Any], job: dict[str, Any]) -> Iterator[Target]:
    """Every handler, with an input that fits its annotation."""
    handlers = {f"{service.name}.{name}": (service, handler) for service in services for name, handler in service.handlers.items()}

    def answer(kind: str, name: str) -> bytes:
        answers = job.get("answers", {})
        if name in answers or kind in answers:
            return json.dumps(answers.get(name, answers.get(kind))).encode()
        if kind == "call" and name in handlers:
            return _json(_annotation(handlers[name][1].fn, None))
        return b'"x"'

    for display, (service, handler) in handlers.items():
        if job.get("only", display) != display:
            continue
        given = json.dumps(job["input"]).encode() if "input" in job else _json(_annotation(handler.fn, 1)) if handler.arity > 1 else b""
        key = "" if isinstance(service, restate.Service) else job.get("key", "k")
        state = {name: json.dumps(value).encode() for name, value in job.get("state", {}).items()}
        yield Target(service.name, handler.name, key, given, state, answer)


def _annotation(function: Any, parameter: int | None) -> Any:
    """The annotation of a parameter, or of the result."""
    try:
        signature = inspect.signature(function, eval_str=True)
    except Exception:  # noqa: BLE001 -- an annotation that cannot be evaluated may be the point of the program
        return str
    return signature.return_annotation if parameter is None else list(signature.parameters.values())[parameter].annotation


def _json(annotation: Any) -> bytes:
    """A value of a type, as JSON; nothing for None."""
    value = example(annotation)
    return b"" if value is None else json.dumps(value).encode()


def example(annotation: Any) -> Any:
    """A value of a type.  A number that may be a time is noon of the first attempt's day."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    match annotation:
        case None | types.NoneType:
            return None
        case t if t is bool:
            return True
        case t if t is int:
            return 3
        case t if t is float:
            return START + DAY / 2
        case _ if origin in {typing.Union, types.UnionType}:
            return example(arguments[0])
        case _ if origin is Literal:
            return arguments[0]
        case _ if annotation is dict or origin in {dict, collections.abc.Mapping}:
            return {name: example(arguments[1] if arguments else str) for name in ("id", "name")}
        case _ if annotation in {list, set, tuple} or origin in {list, set, frozenset, tuple, collections.abc.Sequence}:
            return [f"item {n}" if example(each) == "x" else example(each) for n in range(7) for each in (arguments or (str,))[:1]]
        case _ if dataclasses.is_dataclass(annotation) or hasattr(annotation, "model_fields") or typing.is_typeddict(annotation):
            return {name: example(hint) for name, hint in typing.get_type_hints(annotation).items()}
    return "x"
