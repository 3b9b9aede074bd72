"""The pipeline: files -> facts -> project -> findings -> diagnostics.  No I/O: command line, editor and tests make the same call."""

from __future__ import annotations

from functools import cached_property, reduce
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from rea_lint import HOME, packs, processes, registry, rule
from rea_lint.diagnostic import Diagnostic, Silenced
from rea_lint.project import link
from rea_lint.rule import OWN, Found, InternalError
from rea_lint.selection import select
from rea_lint.suppress import covering, silences, unused
from rea_lint.survey import survey
from rea_lint.text import Source
from rea_lint.worlds import worlds

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping

    from rea_lint import suppress
    from rea_lint.config import Config
    from rea_lint.diagnostic import Finding, Fix
    from rea_lint.facts import Broken, Facts, Function
    from rea_lint.files import File
    from rea_lint.packs import Effect, Knowledge
    from rea_lint.project import Handler, Project, Service
    from rea_lint.rule import Entry, Rule
    from rea_lint.selection import Selection
    from rea_lint.text import Span
    from rea_lint.tree import Kept

PAGES = f"{HOME}/blob/main/docs/rules/{{code}}.md"  # the one place that says where pages are read
ENOUGH = 60
"""Durable functions that are worth a process of their own: they take 50 ms, and it takes 20 to start one."""


class Report(Struct, frozen=True, dict=True):
    """What a check found, and in what."""

    diagnostics: tuple[Diagnostic, ...]  # by path, place and code
    errors: tuple[InternalError, ...]  # where our own code failed: findings may be missing
    projects: tuple[Project, ...]  # one for each world of files that are linked together
    sources: Mapping[str, Source]  # of every file, by path
    silenced: tuple[Silenced, ...] = ()  # findings that comments silence; not what they clear on the way to an effect

    @cached_property
    def handlers(self) -> tuple[Handler, ...]:
        """The handlers of all projects, by place; one that stands in several worlds, or is imported by two names, is one."""
        found = {handler.place: handler for project in self.projects for handler in project.handlers}
        return tuple(found[place] for place in sorted(found))

    @cached_property
    def services(self) -> tuple[Service, ...]:
        """The services of all projects, by place."""
        found = {(service.path, service.span): service for project in self.projects for service in project.services}
        return tuple(found[place] for place in sorted(found))


class Linked(Struct, frozen=True):
    """Files that are surveyed and linked: what the rules are asked about."""

    projects: tuple[Project, ...]  # one for each world of files that are linked together
    facts: Mapping[str, Facts]  # of every file that could be decoded, by path
    broken: Mapping[str, Broken]  # why a file cannot be decoded or parsed, by path
    sources: Mapping[str, Source]  # of every file, by path
    comments: Comments  # that clear effects while the rules are asked
    errors: tuple[InternalError, ...]


def check(
    files: Iterable[File],
    config: Config,
    reported: Collection[str],
    *,
    knowledge: Knowledge | None = None,
    ignore_suppressions: bool = False,
    facts_of: Callable[[File], Facts] | None = None,
    jobs: int = 1,
) -> Report:
    """What the rules say about the files whose path is in `reported`; the others are there to be followed into.

    `config` is `Discovery.config`, which knows those of the folders below.  `knowledge` is what `knowledge_for(config)` gives, for a caller
    that checks more than once; `facts_of` is for one that keeps facts, and gives what a survey would.  `jobs` is how many processes may be
    used.  Raises UserError.
    """
    knowledge = knowledge or knowledge_for(config)
    return judge(linked(files, config, knowledge, facts_of or facts, ignore_suppressions=ignore_suppressions), config, reported, jobs=jobs)


def linked(
    files: Iterable[File],
    config: Config,
    knowledge: Knowledge,
    facts_of: Callable[[File], Facts],
    *,
    ignore_suppressions: bool = False,
    pause: Callable[[], None] = lambda: None,
) -> Linked:
    """The first half of a check: no rule is asked yet.  `pause()` is called again and again while files are linked, and may raise."""
    files = tuple(files)
    sources = {file.path: Source(file.text or "") for file in files}
    errors: list[InternalError] = []
    surveyed = [list(_surveyed(world, facts_of, errors)) for world in worlds(files)]
    known = {facts.path: facts for world in surveyed for facts in world}
    comments = Comments() if ignore_suppressions else Comments.of(known.values(), sources)
    projects = tuple(
        link(world, knowledge, comments.clears, sources=sources, sdk=config.sdk, server=config.server_version, pause=pause)
        for world in surveyed
    )
    broken = {facts.path: facts.broken for facts in known.values()} | {f.path: f.broken for f in files if f.broken is not None}
    told = {path: why for path, why in sorted(broken.items()) if why is not None}
    return Linked(projects, known, told, sources, comments, tuple(errors))


def relinked(before: Linked, files: Iterable[File], facts_of: Callable[[File], Facts]) -> Linked:
    """What `linked` gives after some of its files have other texts, in time that depends on them: with the limits of `Project.with_facts`.

    A file that cannot be parsed, or on which a survey fails, is linked as it was when it could be; no rule is asked about its code.
    """
    files = tuple(files)
    changed = {file.path: file for file in files}
    sources = {**before.sources, **{path: Source(file.text or "") for path, file in changed.items()}}
    errors = [error for error in before.errors if error.path not in changed]
    own = [
        [*_surveyed((replace(file, module=module) for file in files for module in project.modules(file.path)), facts_of, errors)]
        for project in before.projects
    ]
    known = {path: facts for path, facts in before.facts.items() if path not in changed}
    known |= {facts.path: facts for world in own for facts in world}
    comments = Comments.of(known.values(), sources)
    unread = {path for path in changed if path not in known or known[path].broken is not None}
    linked_sources = {**sources, **{path: before.sources[path] for path in unread}}
    projects = tuple(
        reduce(
            lambda project, facts: project.with_facts(facts, comments.clears, sources=linked_sources),
            (facts for facts in world if facts.broken is None),
            project,
        )
        for project, world in zip(before.projects, own, strict=True)
    )
    broken = {path: why for path, why in before.broken.items() if path not in changed}
    broken |= {path: why for path in changed.keys() & known.keys() if (why := known[path].broken) is not None}
    return Linked(projects, known, broken, sources, comments, tuple(errors))


def judge(
    linked: Linked,
    config: Config,
    reported: Collection[str],
    *,
    unasked: Callable[[Entry], bool] = lambda _: False,
    functions: Container[str] | None = None,
    jobs: int = 1,
    kept: Kept | None = None,
    pause: Callable[[], None] = lambda: None,
) -> Report:
    """The second half: what the rules say about the files whose path is in `reported`, without those that are `unasked`.

    `functions`, `kept` and `pause` are for who judges again and again: see `rule.visit`.
    """
    entries = registry.index(config)
    selection = select(config, entries)
    asked = {entry.code for entry in entries if entry.code in selection.codes and not unasked(entry)}
    errors = list(linked.errors)
    sources, comments = linked.sources, linked.comments
    unreadable = [(path, why) for path, why in linked.broken.items() if path in reported]
    found, failed = rule.tell(unreadable, _rules_for("Broken", asked, entries, config), sources)
    errors += failed
    readable = {path for path in reported if path in linked.facts and path not in linked.broken}
    for project in linked.projects:
        if _has_durable_code(project, readable):
            comments.rules = registry.load(asked, config)
            if not comments.by_path.keys().isdisjoint(readable) and _rules_for("Unused", asked, entries, config):
                project.work_out_uses()  # what a comment clears on the way to an effect is its use, also for who is not reported
            said, failed = _visited(project, comments, readable, config, jobs, functions=functions, kept=kept, pause=pause)
            found += said
            errors += failed
    diagnostics: list[Diagnostic] = []
    silenced: list[Diagnostic] = []
    for diagnostic in _diagnostics(found, selection, linked.facts, errors):
        (silenced if comments.silence(diagnostic) else diagnostics).append(diagnostic)

    idle, failed = rule.tell(comments.unused(reported, selection, entries, errors), _rules_for("Unused", asked, entries, config), sources)
    errors += failed
    for diagnostic in _diagnostics(idle, selection, linked.facts, errors):
        (silenced if comments.silence_by_name(diagnostic) else diagnostics).append(diagnostic)
    accepted = tuple(Silenced(diagnostic, "comment", comments.reason(diagnostic)) for diagnostic in _merged(silenced))
    return Report(tuple(_merged(diagnostics)), tuple(dict.fromkeys(errors)), linked.projects, sources, accepted)


def overview(files: Iterable[File], config: Config) -> Report:
    """Handlers and what they do, as `Report.projects` have it; no rule is asked, and no comment clears anything.  Raises UserError."""
    found = linked(files, config, knowledge_for(config), facts, ignore_suppressions=True)
    return Report((), found.errors, found.projects, found.sources)


def facts(file: File) -> Facts:
    """What a survey says about a file that could be decoded."""
    return survey(file.path, file.module, file.text or "", is_package=file.is_package)


def knowledge_for(config: Config) -> Knowledge:
    """The packs that a configuration, and those below it, ask for.  Raises UserError."""
    tables = ((each.origins.get(name), name, table) for each in config.all for name, table in each.pack.items())
    return packs.load(
        [path for each in config.all for path in each.packs],
        [(str(origin or "the configuration"), {name: table}) for origin, name, table in tables],
    )


def page_url(rule: Rule) -> str:
    """Where a rule's page is read: of the user's own, what it names itself, or else its file."""
    if rule.family != OWN:
        return PAGES.format(code=rule.code)
    return rule.docs or Path(rule.check.__code__.co_filename).as_uri()


def _surveyed(world: Iterable[File], facts_of: Callable[[File], Facts], errors: list[InternalError]) -> Iterator[Facts]:
    for file in world:
        if file.text is None or file.broken is not None:
            continue
        try:
            yield facts_of(file)
        except Exception:  # noqa: BLE001 -- a fault of ours in one file is not the others'; it is reported as an internal error
            from traceback import format_exc  # noqa: PLC0415 -- seldom needed

            errors.append(InternalError("", file.path, "survey", format_exc()))


def _rules_for(thing: str, asked: Collection[str], entries: Iterable[Entry], config: Config) -> tuple[Rule, ...]:
    return registry.load({entry.code for entry in entries if entry.code in asked and entry.looks_at_any((thing,))}, config)


def _has_durable_code(project: Project, reported: Collection[str]) -> bool:
    """Whether there is anything in the reported files that rules look at.  Without it libcst is not even imported."""
    return any(service.path in reported for service in project.services) or any(
        project.path_of(function) in reported for function in project.durable
    )


def _visited(
    project: Project,
    comments: Comments,
    reported: Collection[str],
    config: Config,
    jobs: int,
    *,
    functions: Container[str] | None,
    kept: Kept | None,
    pause: Callable[[], None],
) -> tuple[list[Found], list[InternalError]]:
    """What the rules of the comments say, asked in several processes where there is much to look at."""
    sources, rules = project.sources, comments.rules
    paths = [path for path in project.facts if path in reported]
    weights = {path: sum(1 for name in project.facts[path].functions if name in project.durable) for path in paths}
    count = min(jobs, sum(weights.values()) // ENOUGH)
    if count < 2:
        return rule.visit(project, rules, sources, reported, config, functions=functions, kept=kept, pause=pause)
    ahead = sum(weights.values()) // 10  # the first asks also about the project, services and handlers
    shares = processes.split(weights, count, ahead=ahead)
    parts = [frozenset(name for path in share for name in project.facts[path].functions) for share in shares]
    rest = frozenset[str]().union(*parts[1:])

    def visit(part: frozenset[str]) -> tuple[list[tuple[int, str, Finding, tuple[str, ...]]], list[InternalError], set[suppress.Use]]:
        if part is parts[0]:  # and all that is no function
            found, errors = rule.visit(project, rules, sources, reported, config, without=rest)
        else:
            found, errors = rule.visit(project, rules, sources, reported, config, functions=part)
        return [(rules.index(each.rule), each.path, each.finding, each.handlers) for each in found], errors, comments.used

    from pickle import dumps, loads  # noqa: PLC0415 -- small projects need none; and what is read is our own

    said = processes.each(visit, parts, dumps, loads)
    for _, _, used in said:
        comments.used |= used
    found = [Found(rules[number], path, finding, handlers) for part, _, _ in said for number, path, finding, handlers in part]
    return found, [error for _, errors, _ in said for error in errors]


def _diagnostics(
    found: Iterable[Found], selection: Selection, known: Mapping[str, Facts], errors: list[InternalError]
) -> Iterator[Diagnostic]:
    for each in found:
        finding, code = each.finding, each.rule.code
        path = finding.path or each.path
        fix = finding.fix
        if fix is not None and _overlap(fix):
            errors.append(InternalError(code, path, "fix", f"ValueError: edits of the fix `{fix.title}` overlap"))
            fix = None
        if selection.applies(code, path):
            severity = selection.severity(code, path)
            yield Diagnostic(
                path,
                finding.span,
                code,
                each.rule.name,
                severity if severity is not None else finding.severity or each.rule.severity,
                finding.message,
                fix,
                finding.related,
                each.handlers,
                page_url(each.rule),
                known[path].enclosing(finding.span) if path in known else "",
            )


def _overlap(fix: Fix) -> bool:
    edits = sorted(fix.edits)
    return any(later.span.start < edit.span.end for edit, later in pairwise(edits))


def _merged(diagnostics: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """One diagnostic a place and code, in order: the worst, which names the handlers of all."""
    by_place: dict[tuple[str, Span, str], list[Diagnostic]] = {}
    for diagnostic in diagnostics:
        by_place.setdefault(diagnostic.place, []).append(diagnostic)
    for place in sorted(by_place):
        same = by_place[place]
        worst = min(same, key=lambda d: (-d.severity, len(d.related), d.message))
        handlers = tuple(sorted({handler for diagnostic in same for handler in diagnostic.handlers}))
        more = len(handlers) - 1
        reached = f" (in `{handlers[0]}` and {more} more handler{'s' if more > 1 else ''})" if more > 0 else ""
        yield replace(worst, message=worst.message + reached, handlers=handlers)


class Comments(Struct):
    """The suppressions of all files, and what they have silenced so far."""

    by_path: Mapping[str, tuple[suppress.Silence, ...]] = field(default_factory=dict)
    used: set[suppress.Use] = field(default_factory=set)
    rules: tuple[Rule, ...] = ()  # those that run

    @classmethod
    def of(cls, surveyed: Iterable[Facts], sources: Mapping[str, Source]) -> Comments:
        """Those of the surveyed files."""
        return cls({facts.path: silences(facts, sources[facts.path]) for facts in surveyed if facts.suppressions})

    def silence(self, diagnostic: Diagnostic) -> bool:
        """Whether a comment silences a finding; it is used then."""
        return self._use(diagnostic.path, diagnostic.span, [(diagnostic.code, diagnostic.name)])

    def silence_by_name(self, diagnostic: Diagnostic) -> bool:
        """The same for what is said of comments: one that silences everything does not silence what is said of itself."""
        uses = covering(self.by_path[diagnostic.path], diagnostic.span, [(diagnostic.code, diagnostic.name)])
        return any(use.word for use in uses)

    def reason(self, diagnostic: Diagnostic) -> str:
        """What the comment that silences a finding gives as its reason."""
        rule = [(diagnostic.code, diagnostic.name)]
        among = self.by_path[diagnostic.path]
        return next((s.suppression.reason for s in among if any(covering([s], diagnostic.span, rule)) and s.suppression.reason), "")

    def clears(self, facts: Facts, _function: Function, span: Span, effect: Effect) -> bool:
        """Whether a comment at a place on the way from durable code to an effect silences the rules for it; it is used then."""
        if facts.path not in self.by_path:
            return False
        return self._use(facts.path, span, [(rule.code, rule.name) for rule in self.rules if effect in rule.effects])

    def unused(
        self, reported: Collection[str], selection: Selection, entries: Iterable[Entry], errors: Iterable[InternalError]
    ) -> Iterator[tuple[str, suppress.Unused]]:
        """The suppressions in reported files that silence nothing.  A rule that failed may have had something to silence."""
        failed = {error.code for error in errors}
        entries = tuple(entries)
        for path in sorted(self.by_path.keys() & set(reported)):
            ran = {(entry.code, entry.name): selection.applies(entry.code, path) and entry.code not in failed for entry in entries}
            all_ran = not failed and all(selection.applies(entry.code, path) for entry in entries if entry.default)
            yield from ((path, each) for each in unused(self.by_path[path], self.used, ran, all_ran=all_ran))

    def _use(self, path: str, span: Span, rules: Iterable[suppress.Rule]) -> bool:
        uses = set(covering(self.by_path.get(path, ()), span, rules))
        self.used |= uses
        return bool(uses)
