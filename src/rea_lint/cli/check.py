"""`rea-lint check`: lint, and fix."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from click import get_current_context

from rea_lint import CACHE
from rea_lint.cli import CLEAN, CONTEXT
from rea_lint.cli.options import GROUPS, PATHS, Command, Options
from rea_lint.cli.settings import settings, shown, start
from rea_lint.cli.task import STDIN, Seen, Task, baseline_of, stdin_name
from rea_lint.config import Selectors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rea_lint.cache import Cache
    from rea_lint.cli.again import Recording
    from rea_lint.config import Config
    from rea_lint.discovery import Discovery
    from rea_lint.engine import Report
    from rea_lint.facts import Facts
    from rea_lint.files import File
    from rea_lint.git import Changes
    from rea_lint.packs import Knowledge


def check(options: Options) -> int:
    """Lint, fix if asked to, report; gives the exit code."""
    from rea_lint.discovery import expect

    paths, stdin = _sources(options)
    changes = _changes(options, paths)
    expect(path for path in map(os.path.abspath, paths) if changes is None or path not in changes.contents)
    overrides: dict[str, object] = {"output-format": options.output_format} if options.output_format else {}
    selectors = Selectors(options.select, options.ignore, options.extend_select)
    asked = [*paths, *([stdin[0]] if stdin else [])]
    config = settings(asked, options.config, overrides, selectors, isolated=options.isolated)
    if options.show_settings:
        print("\n".join(shown(config.read_at(start(asked)))))
        return CLEAN

    say = _teller(options)
    with _cache(options, config, say) as store:
        return _lint(_Asked(options, paths, stdin, changes), config, store, say)


class _Asked(NamedTuple):
    """What the command line asks for."""

    options: Options
    paths: list[str]
    stdin: tuple[str, bytes] | None
    changes: Changes | None


def _lint(asked: _Asked, config: Config, store: Cache | None, say: Callable[[str], None]) -> int:
    options, paths, _, changes = asked
    discovery = _discovered(asked, config, store)
    say(f"{len(discovery.files)} files to look into, {discovery.looked_at} to report on, configuration: {config.source or 'none'}")
    if options.show_files:
        print("".join(f"{path}\n" for path in sorted(discovery.reported)), end="")
        return CLEAN
    narrow = _narrowing(options, discovery, paths, changes)
    report = _reporting(options, discovery, store, say)
    task = Task(options, discovery.config, discovery, lambda texts: narrow(report(texts)))
    if options.watch:
        from rea_lint.cli import watching

        watching.watch(task, narrow, paths)
    return _done(task)


def _discovered(asked: _Asked, config: Config, store: Cache | None) -> Discovery:
    """What there is to lint.  Says what was named and is none of it; keeps what makes the next run quicker."""
    discovery = _rediscovered(asked, config, store) or _looked_for(asked, config, store)
    _warn_of_others(asked.paths, discovery, asked.options)
    if store is not None:
        _record(store, discovery, asked.options)
    return discovery


def _rediscovered(asked: _Asked, config: Config, store: Cache | None) -> Discovery | None:
    """What there is to lint, if it is known from an earlier run."""
    remembered = store.remembered(config) if store is not None and not asked.stdin and not asked.changes else None
    if remembered is None:
        return None

    from rea_lint import rediscovery

    return rediscovery.again(remembered, asked.paths, config)


def _looked_for(asked: _Asked, config: Config, store: Cache | None) -> Discovery:
    from rea_lint.discovery import discover

    now = time.time_ns()
    passed = store.passed(str(config.root)) if store is not None else None
    discovery = discover(
        asked.paths,
        config,
        given=dict([asked.stdin] if asked.stdin else []),
        instead=asked.changes.contents if asked.changes else None,
        force_exclude=asked.options.force_exclude,
        passed=passed,
    )
    if store is not None:
        from rea_lint import rediscovery

        if discovery.passed != passed:
            store.keep_passed(str(discovery.config.root), discovery.passed)
        remembered = rediscovery.remember(discovery, now)
        if remembered is not None:
            store.remember(config, remembered)
    return discovery


def _reporting(
    options: Options, discovery: Discovery, store: Cache | None, say: Callable[[str], None]
) -> Callable[[Mapping[str, str]], Report]:
    """What gives the findings, if files (path -> text) had other texts."""
    from rea_lint import engine, processes
    from rea_lint.cli import progress
    from rea_lint.cli.surveying import surveyor

    config = discovery.config

    @cache
    def knowledge() -> Knowledge:
        return engine.knowledge_for(config) if store is None else store.knowledge(config, engine.knowledge_for)

    def report(texts: Mapping[str, str]) -> Report:
        current = discovery.with_texts(texts)
        jobs = processes.available(options.jobs)
        with progress.shown(len(current), is_wanted=not (options.quiet or options.verbose)) as step:
            given = surveyor(current, store, jobs, meanwhile=knowledge)

            def facts_of(file: File) -> Facts:
                step()
                return given(file)

            found = engine.check(
                current,
                config,
                discovery.reported,
                knowledge=knowledge(),
                ignore_suppressions=options.ignore_suppressions,
                facts_of=facts_of,
                jobs=jobs,
            )
        say(f"{len(found.handlers)} handlers, {len(found.diagnostics)} findings")
        return found

    return report


@contextmanager
def _cache(options: Options, config: Config, say: Callable[[str], None]) -> Iterator[Cache | None]:
    """What earlier runs found out, unless it is not to be used."""
    if options.no_cache:
        yield None
        return
    try:
        from rea_lint.cache import Cache
    except ImportError as error:  # a Python without SQLite
        say(f"no cache: {error}")
        yield None
        return
    store = Cache(Path.cwd() / (options.cache_dir or config.cache_dir or config.root / CACHE))
    yield store
    store.close()
    if store.problem:
        say(f"no cache: {store.problem}")


def _record(store: Cache, discovery: Discovery, options: Options) -> None:
    """For runs to come: what this run depends on."""
    from rea_lint import processes

    recording: Recording | None = get_current_context().obj
    is_seen = (
        not discovery.config.rules or processes.available(options.jobs) == 1
    )  # what rules of the user's read in other processes is not
    if recording is not None and is_seen and not store.problem and not options.watch and not options.interactive:
        recording.folder = str(store.folder)
        trace = discovery.trace
        recording.looked_at(discovery.walked | (trace.folders | trace.rules if trace else frozenset()))


def _done(task: Task) -> int:
    """Do what was asked for.  Each way is a module, imported when it is taken."""
    if task.options.write_baseline:
        from rea_lint.cli import accepting

        return accepting.accept(task)
    if task.options.add_ignore is not None:
        from rea_lint.cli import silencing

        return silencing.silence(task)
    if task.options.diff:
        from rea_lint.cli import fixing

        return fixing.show(task)
    if task.options.interactive:
        from rea_lint.cli import fixing

        return fixing.ask(task)
    if task.options.fix:
        from rea_lint.cli import fixing

        return fixing.fix(task)

    from rea_lint.cli import telling

    return telling.tell(task, task.look({}))


def _changes(options: Options, paths: list[str]) -> Changes | None:
    """What has changed, if only that is to be reported."""
    if not options.staged and options.since is None:
        return None

    from rea_lint import git

    return git.staged(paths) if options.staged else git.since(options.since or "", paths)


def _narrowing(options: Options, discovery: Discovery, paths: list[str], changes: Changes | None) -> Callable[[Report], Seen]:
    """What leaves out of a report what is not asked for."""
    file = None if options.ignore_baseline or options.write_baseline else baseline_of(options, discovery.config)
    if file is None and changes is None:
        return Seen

    from rea_lint.cli import narrowing

    accepting = narrowing.accepting(file, narrowing.judging(file, discovery, paths)) if file else Seen
    if changes is None:
        return accepting
    what = "and is staged" if options.staged else f"since {options.since}"
    texts = {file.path: file.text or "" for file in discovery.files}
    return lambda report: narrowing.in_changes(accepting(report), changes, what, texts)


def _sources(options: Options) -> tuple[list[str], tuple[str, bytes] | None]:
    """The paths to walk, and name and content of stdin if it is asked for."""
    paths = [path for path in options.paths if path != STDIN]
    if STDIN not in options.paths:
        return paths or ["."], None
    return paths, (stdin_name(options), sys.stdin.buffer.read())


def _warn_of_others(paths: list[str], discovery: Discovery, options: Options) -> None:
    """Say which files were named and are not linted, and which folders cannot be.

    Who says --force-exclude, as hooks do, does not mean each file that is named.
    """
    for folder in () if options.quiet else discovery.closed:
        print(f"rea-lint: warning: {folder} may not be read: nothing in it is linted", file=sys.stderr)
    for path in paths:
        if (
            not options.quiet
            and not options.force_exclude
            and Path(path).is_file()
            and str(Path(path).absolute()) not in discovery.reported
        ):
            print(f"rea-lint: warning: {path} is not linted: it is no Python file, by its name or its first line", file=sys.stderr)


def _teller(options: Options) -> Callable[[str], None]:
    """What says, in a verbose run, what was done and when."""
    start = time.perf_counter()

    def say(what: str) -> None:
        if options.verbose:
            print(f"{time.perf_counter() - start:6.2f} s: {what}", file=sys.stderr)

    return say


def _run(**given: Any) -> int:
    options = Options(**given)
    options.reject()
    if options.watch:
        from rea_lint.cli import watching

        return watching.keep(lambda: check(options))
    return check(options)


command = Command(
    "check",
    context_settings=CONTEXT,
    params=[PATHS, *(option for options in GROUPS.values() for option in options)],
    callback=_run,
    help="""Lint the files and folders PATHS (default: this folder).

    PATHS choose what is reported; the project around them is always read, so that a finding does not depend on them.
    """,
)
