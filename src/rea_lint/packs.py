"""What library code does that we do not analyse: `rules/*.toml` read into a `Knowledge`.  The only module that reads packs."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import tomli
from msgspec import Struct, field

from rea_lint.config import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rea_lint.facts import Argument, Call, Refs


ELEMENT = "[]"  # what an attribute of a generic class gives: what the class is generic in


class Effect(enum.Enum):
    """What a callable does that replay cannot repeat.  The value is its name in packs."""

    CLOCK = "clock"
    RANDOM = "random"
    UUID = "uuid"
    IDENTITY = "identity"  # address, hash seed, process, host, thread
    ENVIRONMENT = "environment"  # environment variables, arguments, locale, time zone, working directory, platform
    ORDER = "order"  # the result has no stable order
    SLEEP = "sleep"
    NETWORK = "network"
    DATABASE = "database"
    FILESYSTEM = "filesystem"
    PROCESS = "process"
    BROKER = "broker"  # brokers, cloud, mail, SaaS, ssh, gRPC
    LLM = "llm"
    CONSOLE = "console"  # waits for a human or a debugger
    LOG = "log"
    PRINT = "print"
    GATHER = "gather"
    WAIT = "wait"
    TASK = "task"
    THREAD = "thread"
    LOCK = "lock"
    EVENT_LOOP = "event-loop"
    EXIT = "exit"
    GLOBAL_STATE = "global-state"  # changes the process for every invocation in it
    DYNAMIC = "dynamic"  # runs code that cannot be known here


class Condition(Struct, frozen=True):
    """An effect that depends on an argument: it is there unless the argument is given, or is of a harmless type."""

    effect: Effect
    position: int | None  # of the argument that decides
    keyword: str | None
    harmless: frozenset[str] = frozenset()  # types, as refs (`builtins.int()`); empty: any argument but None is


class OperationInfo(Struct, frozen=True):
    """A method of a context (or of a promise, a scope, a handle) and what replay makes of it."""

    name: str
    gives: str  # `future`, `value`, `none`, `handle` or `pair`
    journals: bool  # adds a journal entry
    waits: bool  # awaiting it takes as long as somebody else takes: a timer, a callee, a human
    compares: tuple[str, ...]  # the parameters whose value replay compares
    durations: tuple[str, ...]  # the parameters that take a timedelta
    parameters: tuple[str, ...]  # in order, without `self`; `*args` and `**kwargs` with their stars
    since: str  # the SDK version that brought it; "" if it was always there
    contexts: frozenset[str]  # the kinds of context whose class declares it; empty: it is no method of a context
    parameters_since: Mapping[str, str] = field(default_factory=dict)  # parameter -> the SDK version that brought it


class StepTaker(Struct, frozen=True):
    """Where a callable takes the action of a step."""

    position: int
    keyword: str


class Replacement(Struct, frozen=True):
    """What to write for a call.  `{ctx}` stands for the context, `{args}` for the arguments as written."""

    template: str
    awaited: bool  # the text awaits: it is valid only directly in an `async def`
    safe: bool  # the journal stays the same
    imports: tuple[str, ...]  # names of the text that have to be imported: `datetime.timedelta`
    arguments: str  # the calls it is valid for: with `none`, exactly `one` positional, `some`, or `any` arguments


class AgentPart(Struct, frozen=True):
    """A part of an agent framework.  Arguments are given by keyword or position.

    ===========  ==================================================================================
    kind         means
    ===========  ==================================================================================
    ``agent``    makes an agent: its tools and further agents are among its arguments
    ``tool``     decorates (or wraps) a function that becomes a tool
    ``runner``   runs an agent, which is durable only if the agent, or the runner itself, is made so
    ``durable``  runs an agent durably, or makes an agent, a runner or a tool durable
    ``session``  makes what keeps a conversation: in the state of a virtual object, unless it is volatile
    ===========  ==================================================================================
    """

    kind: str
    tools: tuple[str | int, ...] = ()
    agents: tuple[str | int, ...] = ()
    callbacks: tuple[str | int, ...] = ()  # further functions that run in the handler: hooks, guardrails, instructions
    guards: tuple[str | int, ...] = ()  # arguments in which a `durable` part makes all of it durable: `plugins`, `middleware`
    sessions: tuple[str | int, ...] = ()  # arguments that hold a `session`
    lasts: tuple[str | int, ...] = ()  # arguments that say where a volatile session is kept instead
    wraps: str = ""  # the keyword argument that, if true, makes every tool a step
    stores: str = ""  # the keyword argument that, if true, keeps the session in the state of a virtual object
    durably: str = ""  # what of the SDK makes it durable: what runs it instead, is put around it, or goes into `guards`
    swallows: bool = False  # an error in the tool, a TerminalError too, becomes text for the model
    streams: bool = False
    blocks: bool = False  # a synchronous run: it starts an event loop
    volatile: bool = False  # it keeps conversations in the memory of the process


class Knowledge(Struct, frozen=True):
    """All packs, merged.  Later packs win over earlier ones, name by name."""

    aliases: Mapping[str, str] = field(default_factory=dict)
    exact: Mapping[str, Effect | Condition | None] = field(default_factory=dict)  # None: deterministic
    patterns: Mapping[str, Effect | Condition | None] = field(default_factory=dict)  # without the `.*`
    reads: frozenset[str] = frozenset()  # names whose effect comes from reading them: `os.environ`
    results: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # name -> what calling it gives
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # name -> what reading it gives
    contexts: Mapping[str, str] = field(default_factory=dict)
    ambient: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, str] = field(default_factory=dict)
    registrations: Mapping[str, str] = field(default_factory=dict)
    steps: Mapping[str, StepTaker] = field(default_factory=dict)
    operations: Mapping[str, OperationInfo] = field(default_factory=dict)  # `sleep`, `promise.value`, `scope.service_call`
    handles: Mapping[str, str] = field(default_factory=dict)  # class -> how its operations begin: `restate.DurablePromise` -> `promise`
    combinators: frozenset[str] = frozenset()
    replacements: Mapping[str, Replacement] = field(default_factory=dict)
    agents: Mapping[str, AgentPart] = field(default_factory=dict)
    recovering: frozenset[str] = frozenset()  # mark a service or handler as recovering by itself: it is never replayed
    callers: frozenset[str] = frozenset()  # call a callable handed to them, at once and in the same task
    _aliased: set[str] = field(default_factory=set)  # the first parts of aliases
    _canonical: dict[str, str] = field(default_factory=dict)  # answers that were given
    _decided: dict[str, tuple[bool, Effect | Condition | None]] = field(default_factory=dict)  # the same

    def canonical(self, name: str) -> str:
        """The public spelling of a name: `requests.api.get` -> `requests.get`, `httpx._client.Client().get` -> `httpx.Client().get`."""
        known = self._canonical.get(name)
        if known is None:
            known = self._canonical[name] = self._public(name)
        return known

    def effect(self, name: str, call: Call | None, resolve: Callable[[Refs], frozenset[str]] | None = None) -> Effect | None:
        """The effect of calling (or, without a call, of handing over or reading) what `name`, a canonical ref without its final `()`, says.

        None: it has none, or is not known.  What depends on an argument has no effect where the argument cannot be seen.
        """
        decision = self._decision(name)[1]
        if isinstance(decision, Condition):
            return decision.effect if call is not None and _holds(decision, call, resolve) else None
        return decision

    def is_harmless(self, name: str) -> bool:
        """Whether calling `name` has no effect whatever it is given, as far as is known."""
        return self._decision(name)[1] is None

    def is_known(self, name: str) -> bool:
        """Whether an entry decides what calling `name` does, one way or the other."""
        return self._decision(name)[0]

    def names(self, name: str) -> bool:
        """Whether some entry says this name, and not a pattern that it fits."""
        public = self.canonical(name)
        return public != name or any(
            public in table
            for table in (self.exact, self.results, self.attributes, self.contexts, self.ambient, self.services, self.steps, self.agents)
        )

    def operation(self, name: str) -> OperationInfo | None:
        """The durable operation that a method is: `restate.ObjectContext().get`, `restate.DurablePromise().value`."""
        owner, _, method = name.rpartition("().")
        if owner in self.handles:
            return self.operations.get(f"{self.handles[owner]}.{method}")
        return self.operations.get(method) if owner in self.contexts and "." not in method else None

    def _public(self, name: str) -> str:
        aliases = self.aliases
        if not self._aliased:
            self._aliased.update(alias.partition(".")[0] for alias in aliases)
        if name.partition(".")[0].partition("(")[0] not in self._aliased:
            return name
        end = len(name)
        while end > 0:
            public = aliases.get(name[:end])
            if public is not None:
                return public + name[end:]
            end = max(name.rfind(".", 0, end), name.rfind("(", 0, end), name.rfind("[", 0, end))
        return name

    def _decision(self, name: str) -> tuple[bool, Effect | Condition | None]:
        decided = self._decided.get(name)
        if decided is None:
            decided = self._decided[name] = self._longest(name)
        return decided

    def _longest(self, name: str) -> tuple[bool, Effect | Condition | None]:
        if name in self.exact:
            return True, self.exact[name]
        end = len(name)
        while end > 0 and name[end - 1] not in ")]>":  # `requests.*` does not fit `requests.get().json`
            end = name.rfind(".", 0, end)
            if name[: max(end, 0)] in self.patterns:
                return True, self.patterns[name[:end]]
        return False, None


def load(extra: Iterable[Path] = (), inline: Iterable[tuple[str, Mapping[str, object]]] = ()) -> Knowledge:
    """Our packs, then the user's files, then what stands in the user's configurations, given as (file, tables of a pack).

    Raises UserError for a file that cannot be read, or that says something a pack cannot say; it names file and key.
    """
    packs = [_read(path) for path in (*ours(), *extra)]
    packs += (_Pack(source, tables) for source, tables in inline if tables)
    return _merged(packs)


def ours() -> list[Path]:
    """The files of our packs, in order."""
    return sorted(_folder().glob("*.toml"))


class _Pack(Struct, frozen=True):
    """The tables of one file, and what to call it in an error."""

    source: str
    tables: Mapping[str, object]


def _folder() -> Path:
    installed = Path(__file__).parent / "packs"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "rules"


def _read(path: Path) -> _Pack:
    try:
        return _Pack(str(path), tomli.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UserError(f"{path}: cannot read this pack: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: this pack is not UTF-8") from error
    except tomli.TOMLDecodeError as error:
        raise UserError(f"{path}: {error}") from error


def _merged(packs: Iterable[_Pack]) -> Knowledge:
    aliases: dict[str, str] = {}
    decisions: dict[str, Effect | Condition | None] = {}
    reads: set[str] = set()
    results: dict[str, tuple[str, ...]] = {}
    attributes: dict[str, tuple[str, ...]] = {}
    words: dict[str, dict[str, str]] = {table: {} for table in WORDS}
    steps: dict[str, StepTaker] = {}
    actions: dict[str, StepTaker] = {}
    operations: dict[str, OperationInfo] = {}
    replacements: dict[str, Replacement] = {}
    agents: dict[str, AgentPart] = {}
    combinators: set[str] = set()
    callers: set[str] = set()
    recovering: set[str] = set()
    for pack in packs:
        for table in pack.tables:
            _one_of(pack, table, table, _TABLES, "table")
        aliases.update(_texts(pack, "aliases"))
        for effect, names in _groups(pack, "effects"):
            decisions.update(dict.fromkeys(names, effect))
        for effect, names in _groups(pack, "reads"):
            decisions.update(dict.fromkeys(names, effect))
            reads.update(names)
        decisions.update(_conditions(pack))
        decisions.update(dict.fromkeys(_names(pack, "deterministic", pack.tables.get("deterministic", []))))
        results.update(_refs(pack, "results"))
        attributes.update(_refs(pack, "attributes"))
        for table, allowed in WORDS.items():
            words[table].update(_texts(pack, table, allowed))
        operations.update(_operations(pack))
        actions.update(_actions(pack))
        replacements.update(_replacements(pack))
        agents.update(_agents(pack))
        combinators.update(_names(pack, "combinators", pack.tables.get("combinators", [])))
        callers.update(_names(pack, "callers", pack.tables.get("callers", [])))
        recovering.update(_names(pack, "recovering", pack.tables.get("recovering", [])))
        steps.update(_steps(pack))
    methods = {f"{context}().{method}": taker for context in _runners(words["contexts"]) for method, taker in actions.items()}
    return Knowledge(
        aliases=aliases,
        exact={name: decision for name, decision in decisions.items() if not name.endswith(".*")},
        patterns={name[:-2]: decision for name, decision in decisions.items() if name.endswith(".*")},
        reads=frozenset(reads),
        results=results,
        attributes=attributes,
        contexts=words["contexts"],
        ambient=words["ambient"],
        services=words["services"],
        registrations=words["handlers"],
        handles=words["handles"],
        steps=methods | steps,
        operations=operations,
        combinators=frozenset(combinators),
        replacements=replacements,
        agents=agents,
        callers=frozenset(callers),
        recovering=frozenset(recovering),
    )


def _runners(contexts: Mapping[str, str]) -> Iterator[str]:
    """The contexts that run steps: all but scopes."""
    return (context for context, kind in contexts.items() if kind != "scope")


def _groups(pack: _Pack, table: str) -> Iterator[tuple[Effect, list[str]]]:
    """`[effects]` and `[reads]`: effect -> names."""
    for key, names in _table(pack, table, pack.tables.get(table, {})).items():
        yield _effect(pack, f"{table}.{key}", key), _names(pack, f"{table}.{key}", names)


def _conditions(pack: _Pack) -> Iterator[tuple[str, Condition]]:
    """`[conditions]`: what depends on an argument."""
    for key, value in _entries(pack, "conditions"):
        where = f"conditions.{key}"
        entry = _table(pack, where, value, ("effect", "position", "keyword", "harmless"))
        effect = _effect(pack, f"{where}.effect", _text(pack, f"{where}.effect", entry.get("effect")))
        harmless = frozenset(_names(pack, f"{where}.harmless", entry.get("harmless", [])))
        position, keyword = _position(pack, where, entry), _keyword(pack, where, entry)
        if position is None and keyword is None:
            raise _error(pack, where, "says neither `position` nor `keyword` of the argument that decides")
        yield key, Condition(effect, position, keyword, harmless)


def _operations(pack: _Pack) -> Iterator[tuple[str, OperationInfo]]:
    """`[operations]`: the methods of contexts, promises, scopes and handles."""
    for key, value in _entries(pack, "operations"):
        where = f"operations.{key}"
        entry = _table(pack, where, value, _OPERATION)
        parameters = _names(pack, f"{where}.parameters", entry.get("parameters", []))
        compares, durations = (_names(pack, f"{where}.{k}", entry.get(k, [])) for k in ("compares", "durations"))
        since = _table(pack, f"{where}.parameters-since", entry.get("parameters-since", {}))
        for name in (*compares, *durations, *since):
            _one_of(pack, where, name, parameters, "parameter")
        everywhere = () if "." in key else (kind for kind in _KINDS if kind != "scope")
        contexts = frozenset(_words(pack, f"{where}.contexts", entry.get("contexts", list(everywhere)), _KINDS))
        gives = _text(pack, f"{where}.gives", entry.get("gives"))
        _one_of(pack, f"{where}.gives", gives, _GIVES, "word")
        yield (
            key,
            OperationInfo(
                name=key.rpartition(".")[2],
                gives=gives,
                journals=_flag(pack, f"{where}.journals", entry.get("journals", True)),
                waits=_flag(pack, f"{where}.waits", entry.get("waits", False)),
                compares=tuple(compares),
                durations=tuple(durations),
                parameters=tuple(parameters),
                since=_text(pack, f"{where}.since", entry.get("since", "")),
                contexts=contexts,
                parameters_since={name: _text(pack, f"{where}.parameters-since.{name}", v) for name, v in since.items()},
            ),
        )


def _actions(pack: _Pack) -> Iterator[tuple[str, StepTaker]]:
    """The operations that take the action of a step."""
    for key, value in _entries(pack, "operations"):
        entry = _table(pack, f"operations.{key}", value)
        if "action" in entry:
            action = _text(pack, f"operations.{key}.action", entry["action"])
            parameters = _names(pack, f"operations.{key}.parameters", entry.get("parameters", []))
            _one_of(pack, f"operations.{key}.action", action, parameters, "parameter")
            yield key, StepTaker(parameters.index(action), action)


def _steps(pack: _Pack) -> Iterator[tuple[str, StepTaker]]:
    """`[steps]`: callables that hand what they are given to a step."""
    for key, value in _entries(pack, "steps"):
        where = f"steps.{key}"
        entry = _table(pack, where, value, ("position", "keyword"))
        position, keyword = _position(pack, where, entry), _keyword(pack, where, entry)
        if position is None or keyword is None:
            raise _error(pack, where, "needs `position` and `keyword` of the action")
        yield key, StepTaker(position, keyword)


def _replacements(pack: _Pack) -> Iterator[tuple[str, Replacement]]:
    """`[replacements]`: what to write instead."""
    for key, value in _entries(pack, "replacements"):
        where = f"replacements.{key}"
        entry = _table(pack, where, {"with": value} if isinstance(value, str) else value, ("with", "safe", "imports", "arguments"))
        template = _text(pack, f"{where}.with", entry.get("with"))
        for placeholder in re.findall(r"\{([^{}]*)\}", template):
            _one_of(pack, where, placeholder, _PLACEHOLDERS, "placeholder")
        if re.search(r"[{}]", re.sub(r"\{[^{}]*\}", "", template)):
            raise _error(pack, where, f"has an unpaired brace: {template!r}")
        takes = _text(pack, f"{where}.arguments", entry.get("arguments", "any" if "{args}" in template else "none"))
        _one_of(pack, f"{where}.arguments", takes, _ARGUMENTS, "word")
        yield (
            key,
            Replacement(
                template=template,
                awaited=re.search(r"\bawait\b", template) is not None,
                safe=_flag(pack, f"{where}.safe", entry.get("safe", False)),
                imports=tuple(_names(pack, f"{where}.imports", entry.get("imports", []))),
                arguments=takes,
            ),
        )


def _agents(pack: _Pack) -> Iterator[tuple[str, AgentPart]]:
    """`[agents]`: the parts of agent frameworks."""
    for key, value in _entries(pack, "agents"):
        where = f"agents.{key}"
        entry = _table(pack, where, value, ("kind", *_AGENT_ARGUMENTS, *_AGENT_TEXTS, *_AGENT_FLAGS))
        kind = _text(pack, f"{where}.kind", entry.get("kind"))
        _one_of(pack, f"{where}.kind", kind, _AGENT_KINDS, "kind")
        tools, agents, callbacks, guards, sessions, lasts = (_places(pack, f"{where}.{k}", entry.get(k, [])) for k in _AGENT_ARGUMENTS)
        wraps, stores, durably = (_text(pack, f"{where}.{k}", entry.get(k, "")) for k in _AGENT_TEXTS)
        swallows, streams, blocks, volatile = (_flag(pack, f"{where}.{k}", entry.get(k, False)) for k in _AGENT_FLAGS)
        arguments = (tools, agents, callbacks, guards, sessions, lasts)
        yield key, AgentPart(kind, *arguments, wraps, stores, durably, swallows, streams, blocks, volatile)


def _entries(pack: _Pack, table: str) -> Iterable[tuple[str, object]]:
    entries = _table(pack, table, pack.tables.get(table, {}))
    _names(pack, table, list(entries))
    return entries.items()


def _texts(pack: _Pack, table: str, allowed: Sequence[str] = ()) -> Iterator[tuple[str, str]]:
    for key, value in _entries(pack, table):
        text = _text(pack, f"{table}.{key}", value)
        if allowed:
            _one_of(pack, f"{table}.{key}", text, allowed, "word")
        yield key, text


def _refs(pack: _Pack, table: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """`[results]` and `[attributes]`: name -> ref, or several."""
    for key, value in _entries(pack, table):
        if value == ELEMENT and table == "attributes":
            yield key, (ELEMENT,)
            continue
        yield key, tuple(_names(pack, f"{table}.{key}", [value] if isinstance(value, str) else value))


def _table(pack: _Pack, where: str, value: object, allowed: Sequence[str] = ()) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _error(pack, where, f"takes a table, not {value!r}")
    for key in value if allowed else ():
        _one_of(pack, where, key, allowed, "key")
    return value


def _names(pack: _Pack, where: str, value: object) -> list[str]:
    if not isinstance(value, list | tuple):
        raise _error(pack, where, f"takes a list of names, not {value!r}")
    wrong = next((name for name in value if not isinstance(name, str)), None)
    if wrong is None and not _LINES.fullmatch("\n".join(value)):  # one match for all: it is the bulk of the work
        wrong = next(name for name in value if not _NAME.fullmatch(name))
    if wrong is not None:
        raise _error(pack, where, f"{wrong!r} is not a dotted name")
    return list(value)


def _words(pack: _Pack, where: str, value: object, allowed: Sequence[str]) -> list[str]:
    if not isinstance(value, list):
        raise _error(pack, where, f"takes a list of words, not {value!r}")
    for word in value:
        _one_of(pack, where, word, allowed, "word")
    return value


def _places(pack: _Pack, where: str, value: object) -> tuple[str | int, ...]:
    if not isinstance(value, list) or not all(isinstance(v, str) or type(v) is int for v in value):
        raise _error(pack, where, f"takes a list of keywords and positions, not {value!r}")
    return tuple(value)


def _position(pack: _Pack, where: str, entry: Mapping[str, Any]) -> int | None:
    position = entry.get("position")
    if position is not None and (type(position) is not int or position < 0):
        raise _error(pack, f"{where}.position", f"takes a number from 0, not {position!r}")
    return position


def _keyword(pack: _Pack, where: str, entry: Mapping[str, Any]) -> str | None:
    return _text(pack, f"{where}.keyword", entry["keyword"]) if "keyword" in entry else None


def _text(pack: _Pack, where: str, value: object) -> str:
    if not isinstance(value, str):
        raise _error(pack, where, "is missing" if value is None else f"takes a string, not {value!r}")
    return value


def _flag(pack: _Pack, where: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _error(pack, where, f"takes true or false, not {value!r}")
    return value


def _effect(pack: _Pack, where: str, name: str) -> Effect:
    _one_of(pack, where, name, _EFFECTS, "effect")
    return _EFFECTS[name]


def _one_of(pack: _Pack, where: str, word: str, allowed: Iterable[str], what: str) -> None:
    if word in allowed:
        return
    import difflib  # noqa: PLC0415 -- few packs are wrong

    near = difflib.get_close_matches(word, list(allowed), 1)
    hint = f"did you mean `{near[0]}`?" if near else f"there is {', '.join(f'`{a}`' for a in allowed)}"
    raise _error(pack, where, f"unknown {what} `{word}`; {hint}")


def _error(pack: _Pack, where: str, problem: str) -> UserError:
    return UserError(f"{pack.source}: `{where}`: {problem}")


def _holds(condition: Condition, call: Call, resolve: Callable[[Refs], frozenset[str]] | None) -> bool:
    argument = call.argument(condition.position, condition.keyword)
    if argument is None or argument.literal == "None":
        return argument is not None or not call.unpacks
    return bool(condition.harmless) and not _types(argument, resolve) <= condition.harmless


def _types(argument: Argument, resolve: Callable[[Refs], frozenset[str]] | None) -> frozenset[str]:
    """What an argument is, as far as known; nothing is harmless too."""
    if argument.literal is not None:
        return frozenset({f"builtins.{_literal_type(argument.literal)}()"})
    return resolve(argument.values) if resolve is not None else frozenset(argument.values)


def _literal_type(literal: str) -> str:
    """The type of a constant, by its `repr`."""
    if literal in {"True", "False"}:
        return "bool"
    if literal[:1] in {"'", '"'}:
        return "str"
    if literal[:1] == "b":
        return "bytes"
    return "int" if literal.lstrip("-").isdigit() else "float"


_EFFECTS: Final = {effect.value: effect for effect in Effect}
_KINDS: Final = ("service", "object", "object-shared", "workflow", "workflow-shared", "scope", "any")
_GIVES: Final = ("future", "value", "none", "handle", "pair")
_ARGUMENTS: Final = ("none", "one", "some", "any")
_PLACEHOLDERS: Final = ("ctx", "args")
_AGENT_KINDS: Final = ("agent", "tool", "runner", "durable", "session")
_AGENT_ARGUMENTS: Final = ("tools", "agents", "callbacks", "guards", "sessions", "lasts")
_AGENT_TEXTS: Final = ("wraps", "stores", "durably")
_AGENT_FLAGS: Final = ("swallows", "streams", "blocks", "volatile")
_OPERATION: Final = (
    "parameters", "parameters-since", "compares", "durations", "gives", "journals", "waits", "since", "contexts", "action",
)  # fmt: skip
WORDS: Final[Mapping[str, tuple[str, ...]]] = {  # tables of name -> word, and the words allowed; (): any
    "contexts": _KINDS,
    "ambient": (),
    "services": ("service", "object", "workflow"),
    "handlers": ("service", "exclusive", "shared", "main"),
    "handles": (),
}
_TABLES: Final = (
    "aliases", "deterministic", "effects", "reads", "conditions", "results", "attributes", *WORDS,
    "steps", "operations", "combinators", "replacements", "agents", "callers", "recovering",
)  # fmt: skip
_DOTTED: Final = r"\*{0,2}[^\W\d]\w*(?:\(\)|\[\d*\])*(?:\.(?:[^\W\d]\w*|<\w+>)(?:\(\)|\[\d*\])*)*(?:\.\*)?"
_NAME: Final = re.compile(_DOTTED)
_LINES: Final = re.compile(rf"(?:{_DOTTED}(?:\n(?!\Z)|\Z))*")
