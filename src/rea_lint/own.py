"""Rules of the user's own: where their modules are, which rules they hold, and their import.  The only module that runs others' code.

They come from the configuration of the run (`rules`: a folder or file, or a module that can be imported) and from installed distributions
(entry points of the group `rea_lint.rules`, whose value is a module).  What rules there are is read from the text; they are imported
when there is something for them to look at.
"""

from __future__ import annotations

import ast
import importlib
import os
import re
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from msgspec import Struct

from rea_lint.config import UserError
from rea_lint.diagnostic import Severity
from rea_lint.rule import Entry, Rule, validate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rea_lint.config import Config

GROUP = "rea_lint.rules"
PRIVATE = "_rea_lint_rules_"
UNREAD = "rules are read from the text: decorate a function with `@rule(...)`, with code and name as strings, and `Severity....`"


class Module(Struct, frozen=True):
    """A module of rules."""

    name: str  # under which it is imported
    file: Path
    package: Path | None  # the folder of the package that it is in, where that is no importable one; its name is the first of `name`


def modules(config: Config) -> tuple[Module, ...]:
    """The modules of the user's rules, as they were when they were asked for first.  Raises UserError for one that is not there."""
    found: list[Module] = []
    for word in config.rules:
        try:
            found += _configured(word)
        except ValueError as error:
            raise config.error("rules", str(error), Path(word).name) from error
    for name, source in _installed():
        try:
            found += _named(name)
        except ValueError as error:
            raise UserError(f"{source}: `{GROUP}`: {error}") from error
    return tuple({module.file: module for module in found}.values())


@cache
def entries(module: Module) -> tuple[Entry, ...]:
    """The rules in a module, as its text says when it is asked for first.  Raises UserError."""
    try:
        tree = ast.parse(module.file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError) as error:
        raise UserError(f"{module.file}: rules cannot be read from it: {_reason(error)}") from error
    functions = (statement for statement in tree.body if isinstance(statement, ast.FunctionDef))
    found = (_entry(decorator, function, module) for function in functions for decorator in function.decorator_list)
    return tuple(entry for entry in found if entry is not None)


@cache
def load(module: Module) -> tuple[Rule, ...]:
    """The rules in a module, imported.  Raises UserError for a module that fails, or rules that cannot be used."""
    rules = [value for value in vars(_imported(module)).values() if isinstance(value, Rule) and value.check.__module__ == module.name]
    read = {entry.code for entry in entries(module)}
    for rule in rules:
        if rule.code not in read:
            raise UserError(f"{module.file}: {rule.code}: {UNREAD}")
    try:
        problems = validate(rules)
    except NameError as error:  # an annotation
        raise UserError(f"{module.file}: {_reason(error)}; what rules look at is imported, also for the type checker") from error
    if problems:
        raise UserError(f"{module.file}: {problems[0]}")
    return tuple(rules)


# -- where they are ----------------------------------------------------------------------------------------------------


@cache
def _configured(word: str) -> tuple[Module, ...]:
    if not Path(word).is_absolute():
        return _named(word)
    path = Path(word)
    if path.is_dir():
        return tuple(_folder(path))
    if path.is_file():
        return (Module(_private_name(path), path, None),)
    raise ValueError(f"there is no file or folder {word}")


def _folder(folder: Path) -> Iterator[Module]:
    """The modules of a folder, in the order of their paths; they can import each other, as those of a package do."""
    yield from _package(folder, _private_name(folder), folder)


def _package(folder: Path, name: str, package: Path | None) -> Iterator[Module]:
    for file in sorted(folder.rglob("*.py")):
        parts = file.relative_to(folder).with_suffix("").parts
        if all(part.isidentifier() for part in parts):
            yield Module(".".join((name, *(parts[:-1] if parts[-1] == "__init__" else parts))), file, package)


@cache
def _named(name: str) -> tuple[Module, ...]:
    """The module of a dotted name, and those in it if it is a package."""
    from importlib.util import find_spec  # noqa: PLC0415 -- few have rules of their own

    try:
        spec = find_spec(name)
    except Exception as error:
        raise ValueError(f"`{name}` cannot be imported: {_reason(error)}") from error
    if spec is None:
        raise ValueError(f"there is no module `{name}`; a path begins with `./`")
    if spec.submodule_search_locations:
        return tuple(module for folder in spec.submodule_search_locations for module in _package(Path(folder), name, None))
    return (Module(name, Path(spec.origin), None),) if spec.origin is not None else ()


@cache
def _installed() -> tuple[tuple[str, str], ...]:
    """The entry points of installed distributions, as (module, file).  Not by `importlib.metadata`, whose import takes 46 ms."""
    found: list[tuple[str, str]] = []
    for folder in dict.fromkeys(path for path in sys.path if path.endswith(("site-packages", "dist-packages"))):
        try:
            distributions = sorted(entry.path for entry in os.scandir(folder) if entry.name.endswith(".dist-info"))
        except OSError:
            continue
        for distribution in distributions:
            file = os.path.join(distribution, "entry_points.txt")  # noqa: PTH118 -- some hundreds of them
            try:
                with open(file, "rb") as stream:  # noqa: PTH123 -- the same
                    data = stream.read()
            except OSError:
                continue
            if GROUP.encode() in data:
                found += ((name, file) for name in _values(data.decode("utf-8", "replace")))
    return tuple(found)


def _values(text: str) -> list[str]:
    from configparser import ConfigParser, Error  # noqa: PLC0415 -- few have such an entry point

    parser = ConfigParser(delimiters=("=",), interpolation=None)
    try:
        parser.read_string(text)
    except Error:
        return []
    return [value.strip() for _, value in parser.items(GROUP)] if parser.has_section(GROUP) else []


def _private_name(path: Path) -> str:
    """A name for a module that is found by its path: nobody else's, and the same in every process."""
    from hashlib import blake2b  # noqa: PLC0415 -- it loads OpenSSL, and few have rules of their own

    return f"{PRIVATE}{blake2b(str(path).encode(), digest_size=4).hexdigest()}_{re.sub('[^a-zA-Z0-9]', '_', path.stem)}"


# -- what is in them ---------------------------------------------------------------------------------------------------


def _entry(decorator: ast.expr, function: ast.FunctionDef, module: Module) -> Entry | None:
    match decorator:
        case ast.Call(func=ast.Name(id="rule") | ast.Attribute(attr="rule"), args=args, keywords=keywords):
            given = dict(zip(("code", "name", "severity"), args, strict=False)) | {k.arg: k.value for k in keywords if k.arg}
        case _:
            return None
    match given.get("code"), given.get("name"), given.get("severity"):
        case ast.Constant(value=str(code)), ast.Constant(value=str(name)), ast.Attribute(attr=severity) if severity in Severity.__members__:
            pass
        case _:
            raise UserError(f"{module.file}:{decorator.lineno}: {UNREAD}")
    match given.get("default"):
        case ast.Constant(value=False):
            default = False
        case _:
            default = True
    first = next(iter((*function.args.posonlyargs, *function.args.args)), None)
    looks_at = ast.unparse(first.annotation) if first is not None and first.annotation is not None else ""
    looks_at = re.sub(r"\blibcst\.", "cst.", looks_at)
    looks_at = re.sub(r"\b(?!cst\.)(?:\w+\.)+", "", looks_at)  # as ours: `cst.Call`, but `Use`
    return Entry(code, name, Severity[severity], default, module.name, looks_at)


# -- import ------------------------------------------------------------------------------------------------------------


def _imported(module: Module) -> ModuleType:
    if module.name in sys.modules:
        return sys.modules[module.name]
    try:
        if module.package is not None:
            _make_package(module.name.partition(".")[0], module.package)
            return importlib.import_module(module.name)
        if not module.name.startswith(PRIVATE):
            return importlib.import_module(module.name)
        return _executed(module.name, module.file)
    except Exception as error:
        raise UserError(f"{module.file}: these rules cannot be imported: {_reason(error)}") from error


def _make_package(name: str, folder: Path) -> None:
    """Make a folder a package of that name, so that the modules in it are imported from it."""
    if name in sys.modules:
        return
    init = folder / "__init__.py"
    if init.is_file():
        _executed(name, init, [str(folder)])
    else:
        package = ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package


def _executed(name: str, file: Path, search: list[str] | None = None) -> ModuleType:
    from importlib.util import module_from_spec, spec_from_file_location  # noqa: PLC0415 -- the same

    spec = spec_from_file_location(name, file, submodule_search_locations=search)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python module")
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _reason(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
