"""The one test file that knows the API: small programs in, what the linter says of them out.  How they say it: `rea_lint.testing`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from rea_lint import config, rule
from rea_lint.config import Config
from rea_lint.discovery import discover
from rea_lint.durable import Durable
from rea_lint.flow import Forest
from rea_lint.project import link
from rea_lint.survey import survey
from rea_lint.testing import Run, check, checked, expectations, fixed, knowledge, problems, without_expectations
from rea_lint.text import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping

    from rea_lint.project import Project
    from rea_lint.rule import Found, InternalError, Rule

__all__ = ["check", "check_folder", "deeply", "durable", "expectations", "fixed", "knowledge", "problems", "visit", "without_expectations"]

FOLDERS = [
    folder
    for folder in sorted((Path(__file__).parent / "fixtures").iterdir())
    if folder.is_dir() and len([*folder.rglob("*.py")]) > 1 and not (folder / "rea-lint.toml").exists()
]
"""The fixtures of several files, without a configuration of their own."""


def check_folder(folder: Path) -> Run:
    """Lint a folder as a project of its own, with the `rea-lint.toml` in it if there is one."""
    folder = folder.resolve()
    own = folder / "rea-lint.toml"
    settings = replace(config.load(folder, explicit=own), root=folder) if own.exists() else Config(folder)
    discovery = discover([folder], settings)
    names = sorted(folder.rglob("*.py"))
    texts = {path.relative_to(folder).as_posix(): path.read_bytes().decode("utf-8", "replace") for path in names}
    stripped = {str(folder / name): without_expectations(text) for name, text in texts.items()}
    return Run(checked(discovery, settings, stripped), folder, texts)


def deeply(work: Callable[[], None]) -> None:
    """Run something where libcst has the stack that it has in a visit."""
    rule.with_deep_stack(work)


def durable(texts: Mapping[str, str], function: str) -> Durable:
    """The durable function of that name in a program, as a rule sees it."""
    project, sources = _linked(texts)
    return Durable(Forest(project, sources), project.path_of(function), project.functions[function], Config(Path("/")))


def visit(
    texts: Mapping[str, str], rules: Iterable[Rule], paths: Container[str] | None = None, **options: Any
) -> tuple[list[Found], list[InternalError]]:
    """What some rules find in the files of a program (in those of `paths`, if given), and the rules that raised; options as of `rule.visit`."""
    project, sources = _linked(texts)
    return rule.visit(project, rules, sources, texts if paths is None else paths, Config(Path("/")), **options)


def _linked(texts: Mapping[str, str]) -> tuple[Project, dict[str, Source]]:
    facts = [survey(name, Path(name).with_suffix("").as_posix().replace("/", "."), text) for name, text in texts.items()]
    return link(facts, knowledge(), lambda *_: False), {name: Source(text) for name, text in texts.items()}
