"""Packs say what library code does; they are strict, and what they say is true of the libraries."""

from __future__ import annotations

import ast
import builtins
import importlib
import importlib.util
import inspect
import re
import sys
import warnings
from pathlib import Path

import pytest
import restate
import tomli
from restate.server_context import ServerInvocationContext

from rea_lint.config import UserError
from rea_lint.facts import Argument, Call
from rea_lint.packs import Condition, Effect, Knowledge, load
from rea_lint.text import Span

RULES = Path(__file__).parents[1] / "rules"
KNOWLEDGE = load()
NOWHERE = Span(0, 0)

# Names of the standard library that not every Python has: first version, last version.
SOME_VERSIONS = {
    "_locale.getencoding": ((3, 11), None),
    "_pydatetime": ((3, 12), None),
    "_thread.start_joinable_thread": ((3, 13), None),
    "asyncio.Barrier": ((3, 11), None),
    "asyncio.EventLoop": ((3, 13), None),
    "asyncio.Runner": ((3, 11), None),
    "asyncio.TaskGroup": ((3, 11), None),
    "asyncio.create_eager_task_factory": ((3, 12), None),
    "asyncio.eager_task_factory": ((3, 12), None),
    "asyncio.locks.Barrier": ((3, 11), None),
    "asyncio.runners.Runner": ((3, 11), None),
    "asyncio.taskgroups.TaskGroup": ((3, 11), None),
    "asyncio.timeout": ((3, 11), None),
    "asyncio.timeout_at": ((3, 11), None),
    "asyncio.timeouts.timeout": ((3, 11), None),
    "asyncio.timeouts.timeout_at": ((3, 11), None),
    "concurrent.futures.InterpreterPoolExecutor": ((3, 14), None),
    "crypt.mksalt": (None, (3, 12)),
    "glob.glob0": (None, (3, 14)),
    "glob.glob1": (None, (3, 14)),
    "glob.translate": ((3, 13), None),
    "importlib.resources._legacy.open_binary": ((3, 11), (3, 12)),
    "importlib.resources._legacy.open_text": ((3, 11), (3, 12)),
    "importlib.resources._legacy.read_text": ((3, 11), (3, 12)),
    "locale.getencoding": ((3, 11), None),
    "locale.resetlocale": (None, (3, 12)),
    "nntplib.NNTP": (None, (3, 12)),
    "nntplib.NNTP_SSL": (None, (3, 12)),
    "nntplib.decode_header": (None, (3, 12)),
    "os.path.isjunction": ((3, 12), None),
    "os.process_cpu_count": ((3, 13), None),
    "os.timerfd_gettime": ((3, 13), None),
    "pathlib.Path().copy": ((3, 14), None),
    "pathlib.Path().copy_into": ((3, 14), None),
    "pathlib.Path().is_junction": ((3, 12), None),
    "pathlib.Path().link_to": (None, (3, 11)),
    "pathlib.Path().move": ((3, 14), None),
    "pathlib.Path().move_into": ((3, 14), None),
    "pathlib.Path().walk": ((3, 12), None),
    "pathlib._local.Path": ((3, 13), None),
    "random.binomialvariate": ((3, 12), None),
    "ssl.match_hostname": (None, (3, 11)),
    "sys.exception": ((3, 11), None),
    "telnetlib.Telnet": (None, (3, 12)),
    "termios.tcgetwinsize": ((3, 11), None),
    "termios.tcsetwinsize": ((3, 11), None),
    "tomllib._parser.load": ((3, 11), None),
    "tomllib.load": ((3, 11), None),
    "tomllib.loads": ((3, 11), None),
    "tty.cfmakecbreak": ((3, 12), None),
    "tty.cfmakeraw": ((3, 12), None),
    "turtle.settiltangle": (None, (3, 12)),
    "urllib.request.FancyURLopener": (None, (3, 13)),
    "urllib.request.URLopener": (None, (3, 13)),
    "uuid.uuid6": ((3, 14), None),
    "uuid.uuid7": ((3, 14), None),
}
OTHER_PLATFORMS = {"os.lchmod", "os.startfile"}
OPTIONAL_MODULES = {"curses", "readline", "sqlite3", "_sqlite3", "tkinter", "turtle", "lzma", "bz2", "ssl", "_ssl"}  # a build may lack them
# Attributes that only an instance has, and types that are functions: made to look.
INSTANCE_ATTRIBUTES = {
    "asyncio.Condition().acquire",
    "threading.Condition().acquire",
    "asyncio.subprocess.Process().stdin",
    "asyncio.subprocess.Process().stdout",
    "asyncio.subprocess.Process().stderr",
}
MADE_BY_FUNCTIONS = {"threading.Lock", "threading.RLock", "select.poll"}


def call(*arguments: Argument) -> Call:
    return Call((), NOWHERE, NOWHERE, arguments)


def given(*values: str, keyword: str | None = None, literal: str | None = None) -> Argument:
    return Argument(keyword, values, NOWHERE, literal)


def pack(tmp_path: Path, text: str) -> Knowledge:
    path = tmp_path / "ours.toml"
    path.write_text(text, encoding="utf-8")
    return load([path])


# --- what they say


@pytest.mark.parametrize(
    ("name", "effect"),
    [
        ("time.time", Effect.CLOCK),
        ("datetime.datetime.now", Effect.CLOCK),
        ("random.choice", Effect.RANDOM),
        ("random.SystemRandom().choice", Effect.RANDOM),
        ("uuid.uuid4", Effect.UUID),
        ("builtins.id", Effect.IDENTITY),
        ("os.getenv", Effect.ENVIRONMENT),
        ("os.environ", Effect.ENVIRONMENT),
        ("os.environ.get", Effect.ENVIRONMENT),
        ("os.listdir", Effect.ORDER),
        ("pathlib.Path().iterdir", Effect.ORDER),
        ("time.sleep", Effect.SLEEP),
        ("requests.get", Effect.NETWORK),
        ("requests.Session().post", Effect.NETWORK),
        ("httpx.AsyncClient().get", Effect.NETWORK),
        ("aiohttp.ClientSession().get", Effect.NETWORK),
        ("sqlalchemy.ext.asyncio.AsyncSession().execute", Effect.DATABASE),
        ("redis.asyncio.Redis().get", Effect.DATABASE),
        ("pymongo.MongoClient()[][].find_one", Effect.DATABASE),
        ("builtins.open", Effect.FILESYSTEM),
        ("pathlib.Path().read_text", Effect.FILESYSTEM),
        ("subprocess.run", Effect.PROCESS),
        ("botocore.client.BaseClient().put_object", Effect.BROKER),
        ("stripe.PaymentIntent.create", Effect.BROKER),
        ("smtplib.SMTP().sendmail", Effect.BROKER),
        ("openai.AsyncOpenAI().chat.completions.create", Effect.LLM),
        ("openai.chat.completions.create", Effect.LLM),
        ("anthropic.AsyncAnthropic().messages.create", Effect.LLM),
        ("litellm.acompletion", Effect.LLM),
        ("langchain_core.language_models.BaseChatModel().ainvoke", Effect.LLM),
        ("builtins.input", Effect.CONSOLE),
        ("logging.Logger().info", Effect.LOG),
        ("loguru.logger.info", Effect.LOG),
        ("builtins.print", Effect.PRINT),
        ("asyncio.gather", Effect.GATHER),
        ("asyncio.wait_for", Effect.WAIT),
        ("asyncio.create_task", Effect.TASK),
        ("concurrent.futures.ThreadPoolExecutor().submit", Effect.THREAD),
        ("threading.Lock", Effect.LOCK),
        ("asyncio.run", Effect.EVENT_LOOP),
        ("sys.exit", Effect.EXIT),
        ("random.seed", Effect.GLOBAL_STATE),
        ("builtins.eval", Effect.DYNAMIC),
    ],
)
def test_an_effect_is_known(name: str, effect: Effect) -> None:
    assert KNOWLEDGE.effect(name, call()) is effect


@pytest.mark.parametrize(
    "name",
    [
        "random.Random().choice",
        "uuid.uuid5",
        "os.path.join",
        "time.get_clock_info",
        "httpx.AsyncClient",
        "httpx.Timeout",
        "httpx.AsyncClient().build_request",
        "requests.Session",
        "requests.Response().json",
        "requests.codes.ok",
        "aiohttp.ClientTimeout",
        "boto3.client",
        "boto3.dynamodb.conditions.Key",
        "botocore.client.BaseClient().get_paginator",
        "sqlalchemy.create_engine",
        "sqlalchemy.select",
        "sqlalchemy.orm.Session().add",
        "openai.AsyncOpenAI",
        "openai.types.chat.ChatCompletion",
        "pathlib.Path",
        "pathlib.Path().with_suffix",
        "logging.Logger().setLevel",
        "logging.Logger().isEnabledFor",
        "subprocess.CompletedProcess",
        "urllib.request.Request",
        "http.client.HTTPSConnection",
        "restate.getLogger",
        "io.StringIO().write",
        "redis.Redis().pipeline",
    ],
)
def test_what_has_no_effect_is_known_to_have_none(name: str) -> None:
    assert KNOWLEDGE.is_known(name)
    assert KNOWLEDGE.effect(name, call()) is None


@pytest.mark.parametrize(
    "name", ["shop.orders.charge", "subprocess.CalledProcessError", "signal.SIGTERM", "select.POLLIN", "mystery.Client().get"]
)
def test_what_no_pack_names_is_unknown(name: str) -> None:
    assert not KNOWLEDGE.is_known(name)
    assert KNOWLEDGE.effect(name, call()) is None


@pytest.mark.parametrize(
    ("name", "arguments", "effect"),
    [
        ("time.localtime", (), Effect.CLOCK),
        ("time.localtime", (given(literal="None"),), Effect.CLOCK),
        ("time.localtime", (given("f:stamp"),), None),
        ("time.strftime", (given(literal="'%Y'"),), Effect.CLOCK),
        ("time.strftime", (given(literal="'%Y'"), given("f:moment")), None),
        ("datetime.datetime.fromtimestamp", (given("f:stamp"),), Effect.ENVIRONMENT),
        ("datetime.datetime.fromtimestamp", (given("f:stamp"), given("datetime.timezone.utc")), None),
        ("datetime.datetime.fromtimestamp", (given("f:stamp"), given("datetime.timezone.utc", keyword="tz")), None),
        ("random.Random", (), Effect.RANDOM),
        ("random.Random", (given(literal="42"),), None),
        ("random.Random", (given("f:options", keyword="**"),), None),  # a seed may hide there
        ("numpy.random.default_rng", (given(literal="1", keyword="seed"),), None),
        ("builtins.hash", (given(literal="'name'"),), Effect.IDENTITY),
        ("builtins.hash", (given(literal="b'name'"),), Effect.IDENTITY),
        ("builtins.hash", (given(literal="7"),), None),
        ("builtins.hash", (given(literal="-1.5"),), None),
        ("builtins.hash", (given(literal="True"),), None),
        ("builtins.hash", (given("builtins.str()"),), Effect.IDENTITY),
        ("builtins.hash", (given("builtins.int()"),), None),
        ("builtins.hash", (given(),), None),  # of unknown type: silent
        ("zipfile.ZipFile().writestr", (given(literal="'a.txt'"),), Effect.CLOCK),
        ("zipfile.ZipFile().writestr", (given("zipfile.ZipInfo()"),), None),
    ],
)
def test_an_effect_that_depends_on_an_argument(name: str, arguments: tuple[Argument, ...], effect: Effect | None) -> None:
    assert KNOWLEDGE.effect(name, call(*arguments)) is effect


def test_the_type_of_an_argument_is_resolved_by_the_caller() -> None:
    argument = call(given("shop.f:key"))
    assert KNOWLEDGE.effect("builtins.hash", argument, lambda _: frozenset({"builtins.str()"})) is Effect.IDENTITY
    assert KNOWLEDGE.effect("builtins.hash", argument, lambda _: frozenset({"builtins.int()"})) is None
    assert KNOWLEDGE.effect("builtins.hash", argument, lambda _: frozenset({"builtins.int()", "builtins.str()"})) is Effect.IDENTITY
    assert KNOWLEDGE.effect("builtins.hash", argument, lambda _: frozenset()) is None


def test_a_reference_without_a_call_has_the_effect_unless_an_argument_decides() -> None:
    assert KNOWLEDGE.effect("uuid.uuid4", None) is Effect.UUID
    assert KNOWLEDGE.effect("time.localtime", None) is None
    assert KNOWLEDGE.is_known("time.localtime")


def test_values_whose_reading_has_the_effect_are_told_from_callables() -> None:
    assert {"os.environ", "sys.argv", "sys.stdin", "time.timezone"} <= KNOWLEDGE.reads
    assert "os.getenv" not in KNOWLEDGE.reads


# --- how names are matched


def test_the_longest_name_decides(tmp_path: Path) -> None:
    knowledge = pack(
        tmp_path,
        """
        deterministic = ["lib.pure.*", "lib.net.describe"]
        [effects]
        network = ["lib.*", "lib.net.*"]
        clock = ["lib.pure.now"]
        """,
    )
    assert knowledge.effect("lib.get", None) is Effect.NETWORK
    assert knowledge.effect("lib.deep.get", None) is Effect.NETWORK
    assert knowledge.effect("lib.pure.parse", None) is None
    assert knowledge.is_known("lib.pure.parse")
    assert knowledge.effect("lib.pure.now", None) is Effect.CLOCK
    assert knowledge.effect("lib.net.describe", None) is None
    assert not knowledge.is_known("lib")
    assert not knowledge.is_known("library.get")


def test_a_pattern_does_not_cross_a_call_or_a_subscript(tmp_path: Path) -> None:
    knowledge = pack(tmp_path, '[effects]\nnetwork = ["lib.*", "lib.Client().*"]\n')
    assert knowledge.effect("lib.Client().chat.create", None) is Effect.NETWORK
    assert not knowledge.is_known("lib.get().json")
    assert not knowledge.is_known("lib.Client().get().json")
    assert not knowledge.is_known("lib.items[].name")
    assert not knowledge.is_known("lib.Client().<enter>.get")
    assert not knowledge.is_known("lib.get()")


def test_deterministic_wins_over_effects_of_the_same_name(tmp_path: Path) -> None:
    knowledge = pack(tmp_path, 'deterministic = ["lib.now", "lib.sub.*"]\n[effects]\nclock = ["lib.now", "lib.sub.*"]\n')
    assert knowledge.effect("lib.now", None) is None
    assert knowledge.effect("lib.sub.now", None) is None


def test_an_exact_name_wins_over_a_pattern(tmp_path: Path) -> None:
    knowledge = pack(tmp_path, 'deterministic = ["lib.*"]\n[effects]\nclock = ["lib.now"]\n')
    assert knowledge.effect("lib.now", None) is Effect.CLOCK


@pytest.mark.parametrize(
    ("name", "public"),
    [
        ("requests.api.get", "requests.get"),
        ("httpx._client.AsyncClient().get", "httpx.AsyncClient().get"),
        ("requests.sessions.Session()", "requests.Session()"),
        ("posix.listdir", "os.listdir"),
        ("posixpath.join", "os.path.join"),
        ("secrets.SystemRandom().choice", "random.SystemRandom().choice"),
        ("restate.context.ObjectContext().get", "restate.ObjectContext().get"),
        ("restate.object.VirtualObject().handler", "restate.VirtualObject().handler"),
        ("redis.StrictRedis()", "redis.Redis()"),
        ("requests.apis.get", "requests.apis.get"),
        ("shop.clients[0].pay", "shop.clients[0].pay"),
        ("", ""),
    ],
)
def test_a_name_has_one_public_spelling(name: str, public: str) -> None:
    assert KNOWLEDGE.canonical(name) == public
    assert KNOWLEDGE.canonical(name) == public  # the second time it is remembered


def test_no_alias_leads_to_another() -> None:
    assert {old: new for old, new in KNOWLEDGE.aliases.items() if KNOWLEDGE.canonical(new) != new} == {}


# --- chains of results


@pytest.mark.parametrize(
    ("chain", "effect"),
    [
        (["boto3.client", ".put_object"], Effect.BROKER),
        (["boto3.resource", ".Table", ".put_item"], Effect.BROKER),
        (["sqlalchemy.create_engine", ".connect", ".execute"], Effect.DATABASE),
        (["sqlalchemy.ext.asyncio.async_sessionmaker", "", ".execute"], Effect.DATABASE),
        (["sqlalchemy.orm.sessionmaker", "", ".commit"], Effect.DATABASE),
        (["redis.asyncio.from_url", ".pipeline", ".execute"], Effect.DATABASE),
        (["asyncpg.create_pool", ".acquire", ".fetch"], Effect.DATABASE),
        (["psycopg2.connect", ".cursor", ".execute"], Effect.DATABASE),
        (["sqlite3.connect", ".cursor", ".fetchone"], Effect.DATABASE),
        (["aiohttp.ClientSession", ".get", ".json"], Effect.NETWORK),
        (["requests.get", ".json"], None),
        (["httpx.Client", ".stream", ".iter_bytes"], Effect.NETWORK),
        (["logging.getLogger", ".getChild", ".info"], Effect.LOG),
        (["asyncio.get_running_loop", ".time"], Effect.CLOCK),
        (["pathlib.Path.home", ".joinpath", ".read_text"], Effect.FILESYSTEM),
        (["restate.Context", ".random", ".choice"], None),
        (["langchain.chat_models.init_chat_model", ".bind_tools", ".ainvoke"], Effect.LLM),
    ],
)
def test_what_a_call_gives_leads_to_the_effect(chain: list[str], effect: Effect | None) -> None:
    *calls, last = chain
    value = ""
    for part in calls:
        name = KNOWLEDGE.canonical(value + part)
        value = KNOWLEDGE.results.get(name, (f"{name}()",))[0]
    assert KNOWLEDGE.is_known(KNOWLEDGE.canonical(value + last))
    assert KNOWLEDGE.effect(KNOWLEDGE.canonical(value + last), call()) is effect


def test_results_and_attributes_are_public_spellings() -> None:
    refs = [ref for table in (KNOWLEDGE.results, KNOWLEDGE.attributes) for key, values in table.items() for ref in (key, *values)]
    assert [ref for ref in refs if KNOWLEDGE.canonical(ref) != ref] == []


def test_what_packs_decide_is_a_public_spelling() -> None:
    names = [*KNOWLEDGE.exact, *KNOWLEDGE.patterns, *KNOWLEDGE.agents, *KNOWLEDGE.replacements, *KNOWLEDGE.callers]
    assert [name for name in names if KNOWLEDGE.canonical(name) != name] == []


# --- true of the standard library


def _standard_names() -> list[str]:
    tables = tomli.loads((RULES / "python.toml").read_text(encoding="utf-8"))
    groups = [*tables["effects"].values(), *tables["reads"].values(), tables["deterministic"], tables["callers"]]
    named = {name for group in groups for name in group} | {*tables["conditions"], *tables["aliases"], *tables["aliases"].values()}
    for table in (tables["results"], tables["attributes"]):
        named |= {*table, *table.values()}
    return sorted(named)


def test_every_name_of_the_standard_library_exists() -> None:
    assert [name for name in _standard_names() if not _exists(name.removesuffix(".*").removesuffix("()"))] == []


def _exists(name: str) -> bool:
    """Whether this Python has it, or need not have it."""
    first, last = SOME_VERSIONS.get(name) or next(
        (versions for known, versions in SOME_VERSIONS.items() if name.startswith((f"{known}.", f"{known}()."))),
        (None, None),
    )
    if (first and sys.version_info[:2] < first) or (last and sys.version_info[:2] > last):
        return True
    if name in OTHER_PLATFORMS or name in INSTANCE_ATTRIBUTES:
        return True
    top = name.partition(".")[0]
    if top in OPTIONAL_MODULES and importlib.util.find_spec(top) is None:
        return True
    try:
        return _lookup(name) is not None or name == "tempfile.tempdir"  # which is None until somebody asks
    except (AttributeError, ImportError):
        return False


def _lookup(name: str) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # modules on their way out say so when imported
        parts = name.split(".")
        for end in range(len(parts), 0, -1):
            if "(" in "".join(parts[: end - 1]):
                continue
            try:
                value: object = importlib.import_module(".".join(parts[:end]).replace("()", ""))
            except ImportError:
                continue
            at = ".".join(parts[:end])
            for part in parts[end:]:
                at += f".{part}"
                value = getattr(value, part.removesuffix("()"))
                if part.endswith("()") and at.removesuffix("()") in MADE_BY_FUNCTIONS:
                    value = value()  # type: ignore[operator]
            return value
    return getattr(builtins, name)


def test_every_standard_random_function_has_its_replacement() -> None:
    drawing = {
        name for name in KNOWLEDGE.exact if KNOWLEDGE.effect(name, None) is Effect.RANDOM and re.fullmatch(r"random\.[a-z]+", name)
    } - {"random.getstate"}
    assert drawing == {name for name in KNOWLEDGE.replacements if re.fullmatch(r"random\.[a-z]+", name)}


# --- true of the SDK


def _public(cls: type) -> dict[str, list[str]]:
    """The public methods of a class, and their parameters without `self`."""
    stars: dict[object, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    return {
        name: [f"{stars.get(p.kind, '')}{p.name}" for p in list(inspect.signature(method).parameters.values())[1:]]
        for name, method in inspect.getmembers(cls, inspect.isfunction)
        if not name.startswith("_")
    }


@pytest.mark.parametrize(
    ("cls", "kind"),
    [
        (restate.Context, "service"),
        (restate.ObjectContext, "object"),
        (restate.ObjectSharedContext, "object-shared"),
        (restate.WorkflowContext, "workflow"),
        (restate.WorkflowSharedContext, "workflow-shared"),
    ],
)
def test_the_methods_of_a_context_are_the_operations(cls: type, kind: str) -> None:
    said = {name: list(info.parameters) for name, info in KNOWLEDGE.operations.items() if kind in info.contexts}
    assert said == _public(cls)


@pytest.mark.parametrize(
    ("cls", "prefix"),
    [
        (restate.DurablePromise, "promise"),
        (restate.ScopedContext, "scope"),
        (restate.RestateDurableCallFuture, "call"),
        (restate.SendHandle, "send"),
    ],
)
def test_the_methods_of_promises_scopes_and_handles_are_the_operations(cls: type, prefix: str) -> None:
    said = {info.name: list(info.parameters) for name, info in KNOWLEDGE.operations.items() if name.startswith(f"{prefix}.")}
    assert said == _public(cls)


def test_every_operation_that_the_server_side_implements_is_public() -> None:
    assert {name for name in KNOWLEDGE.operations if "." not in name} <= set(dir(ServerInvocationContext))


def test_an_operation_is_found_by_its_reference() -> None:
    get = KNOWLEDGE.operation("restate.ObjectContext().get")
    assert get is not None
    assert (get.gives, get.journals, get.waits, get.compares) == ("future", True, False, ("name", "entry_name"))
    value = KNOWLEDGE.operation("restate.DurablePromise().value")
    assert value is not None
    assert value.waits
    scoped = KNOWLEDGE.operation("restate.ScopedContext().service_call")
    assert scoped is not None
    assert scoped.parameters[2] == "limit_key"
    assert KNOWLEDGE.operation("restate.Context().nothing") is None
    assert KNOWLEDGE.operation("shop.Context().get") is None
    assert KNOWLEDGE.operation("restate.Context().promise.value") is None


def test_durations_are_timedeltas_in_the_sdk() -> None:
    for name, info in KNOWLEDGE.operations.items():
        if "." in name or not info.durations:
            continue
        parameters = inspect.signature(getattr(restate.WorkflowContext, name)).parameters
        assert all("timedelta" in str(parameters[p].annotation) for p in info.durations), name


def test_every_sdk_name_exists() -> None:
    names = [
        *KNOWLEDGE.contexts,
        *KNOWLEDGE.services,
        *KNOWLEDGE.handles,
        *KNOWLEDGE.combinators,
        *KNOWLEDGE.recovering,
        *KNOWLEDGE.registrations,
    ]
    assert [name for name in names if name.startswith("restate.") and _lookup(name) is None] == []
    assert set(KNOWLEDGE.ambient.values()) <= set(KNOWLEDGE.contexts)


def test_steps_are_taken_by_every_context_that_runs_them() -> None:
    takers = {name.split("().")[0] for name in KNOWLEDGE.steps if name.endswith("().run_typed")}
    assert takers == {name for name, kind in KNOWLEDGE.contexts.items() if kind != "scope"}
    assert {(taker.position, taker.keyword) for taker in KNOWLEDGE.steps.values()} == {(1, "action")}


# --- replacements


@pytest.mark.parametrize("name", sorted(KNOWLEDGE.replacements))
def test_a_replacement_is_an_expression_that_names_only_what_it_imports(name: str) -> None:
    replacement = KNOWLEDGE.replacements[name]
    text = replacement.template.replace("{ctx}", "ctx").replace("{args}", "args")
    tree = ast.parse(f"async def handler(ctx):\n    {text}")
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - {"ctx", "args", *dir(builtins)}
    assert read == {dotted.rpartition(".")[2] for dotted in replacement.imports}
    assert replacement.awaited == any(isinstance(node, ast.Await) for node in ast.walk(tree))
    assert ("{args}" in replacement.template) == (replacement.arguments in {"one", "some"}) or replacement.arguments == "any"


def test_what_is_replaced_has_an_effect_and_what_replaces_it_has_none() -> None:
    assert [name for name in KNOWLEDGE.replacements if not KNOWLEDGE.is_known(name)] == []
    assert KNOWLEDGE.effect("datetime.datetime.fromtimestamp", call(given(), given("datetime.timezone.utc"))) is None


def test_a_safe_replacement_leaves_the_journal_alone() -> None:
    journaled = {name for name, info in KNOWLEDGE.operations.items() if info.journals}
    for name, replacement in KNOWLEDGE.replacements.items():
        used = set(re.findall(r"\{ctx\}\.(\w+)", replacement.template))
        assert not (replacement.safe and used & journaled), name


# --- agents


def test_agent_parts_say_where_tools_and_agents_are() -> None:
    agent = KNOWLEDGE.agents["agents.Agent"]
    assert (agent.kind, agent.tools, agent.agents) == ("agent", ("tools",), ("handoffs",))
    assert KNOWLEDGE.agents["agents.function_tool"].swallows
    assert not KNOWLEDGE.agents["restate.ext.openai.durable_function_tool"].swallows
    assert KNOWLEDGE.agents["restate.ext.openai.DurableRunner.run"].kind == "durable"
    assert KNOWLEDGE.agents["agents.Runner.run_streamed"].streams
    assert "middleware" in KNOWLEDGE.agents["langchain.agents.create_agent"].guards
    assert KNOWLEDGE.agents[KNOWLEDGE.canonical("google.adk.agents.llm_agent.Agent")].agents == ("sub_agents",)
    assert KNOWLEDGE.agents["restate.ext.pydantic.RestateAgent"].wraps == "auto_wrap_tools"


# --- strictness


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[efects]\nclock = []\n", "`efects`: unknown table `efects`; did you mean `effects`?"),
        ('[effects]\nclok = ["a.b"]\n', "`effects.clok`: unknown effect `clok`; did you mean `clock`?"),
        ("[effects]\nclock = ['a..b']\n", "`effects.clock`: 'a..b' is not a dotted name"),
        ("[effects]\nclock = ['a.b', 'a.*.b']\n", "`effects.clock`: 'a.*.b' is not a dotted name"),
        ("[effects]\nclock = 'a.b'\n", "`effects.clock`: takes a list of names, not 'a.b'"),
        ("[effects]\nclock = ['a.b', 3]\n", "`effects.clock`: 3 is not a dotted name"),
        ("effects = 3\n", "`effects`: takes a table, not 3"),
        ("deterministic = ['a b']\n", "`deterministic`: 'a b' is not a dotted name"),
        ("[aliases]\n'a.b' = 3\n", "`aliases.a.b`: takes a string, not 3"),
        ("[contexts]\n'a.B' = 'objekt'\n", "`contexts.a.B`: unknown word `objekt`; did you mean `object`?"),
        ("[handlers]\n'a.b' = 'exclusiv'\n", "`handlers.a.b`: unknown word `exclusiv`; did you mean `exclusive`?"),
        (
            "[conditions]\n'a.b' = {effect = 'clock'}\n",
            "`conditions.a.b`: says neither `position` nor `keyword` of the argument that decides",
        ),
        ("[conditions]\n'a.b' = {position = 0}\n", "`conditions.a.b.effect`: is missing"),
        ("[conditions]\n'a.b' = {effect = 'clock', position = -1}\n", "`conditions.a.b.position`: takes a number from 0, not -1"),
        ("[conditions]\n'a.b' = {effect = 'clock', place = 1}\n", "`conditions.a.b`: unknown key `place`; there is `effect`"),
        ("[replacements]\n'a.b' = '{context}.time()'\n", "`replacements.a.b`: unknown placeholder `context`; did you mean `ctx`?"),
        ("[replacements]\n'a.b' = '{ctx.time()'\n", "`replacements.a.b`: has an unpaired brace: '{ctx.time()'"),
        ("[replacements]\n'a.b' = {with = 'x()', safe = 1}\n", "`replacements.a.b.safe`: takes true or false, not 1"),
        ("[replacements]\n'a.b' = {with = 'x()', arguments = 'two'}\n", "`replacements.a.b.arguments`: unknown word `two`"),
        ("[steps]\n'a.b' = {position = 0}\n", "`steps.a.b`: needs `position` and `keyword` of the action"),
        ("[operations.x]\ngives = 'futur'\n", "`operations.x.gives`: unknown word `futur`; did you mean `future`?"),
        ("[operations.x]\ngives = 'none'\nparameters = ['a']\ncompares = ['b']\n", "`operations.x`: unknown parameter `b`"),
        ("[operations.x]\ngives = 'none'\naction = 'b'\n", "`operations.x.action`: unknown parameter `b`"),
        ("[operations.x]\ngives = 'none'\ncontexts = 'any'\n", "`operations.x.contexts`: takes a list of words, not 'any'"),
        ("[agents.'a.B']\nkind = 'agend'\n", "`agents.a.B.kind`: unknown kind `agend`; did you mean `agent`?"),
        ("[agents.'a.B']\nkind = 'agent'\ntools = [1.5]\n", "`agents.a.B.tools`: takes a list of keywords and positions, not [1.5]"),
        ("[effects\n", "Expected ']'"),
    ],
)
def test_a_mistake_in_a_pack_names_file_and_key(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(UserError) as error:
        pack(tmp_path, text)
    assert str(tmp_path / "ours.toml") in str(error.value)
    assert complaint in str(error.value)


def test_a_pack_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"missing\.toml: cannot read this pack: No such file"):
        load([tmp_path / "missing.toml"])
    (tmp_path / "latin.toml").write_bytes(b"# \xe9\n")
    with pytest.raises(UserError, match=r"latin\.toml: this pack is not UTF-8"):
        load([tmp_path / "latin.toml"])


def test_the_users_pack_adds_and_wins(tmp_path: Path) -> None:
    knowledge = pack(
        tmp_path,
        """
        deterministic = ["time.time", "shop.clock.*"]

        [effects]
        network = ["shop.api.*", "httpx.Timeout"]

        [contexts]
        "shop.Ctx" = "object"

        [steps]
        "shop.durable" = { position = 0, keyword = "action" }

        [replacements]
        "shop.clock.now" = "await {ctx}.time()"

        [handlers]
        "shop.handler" = "exclusive"
        """,
    )
    assert knowledge.effect("time.time", None) is None
    assert knowledge.effect("time.time_ns", None) is Effect.CLOCK
    assert knowledge.effect("shop.api.get", None) is Effect.NETWORK
    assert knowledge.effect("httpx.Timeout", None) is Effect.NETWORK
    assert knowledge.steps["shop.durable"].keyword == "action"
    assert knowledge.steps["shop.Ctx().run_typed"].position == 1
    assert knowledge.operation("shop.Ctx().get") == KNOWLEDGE.operation("restate.ObjectContext().get")
    assert knowledge.registrations["shop.handler"] == "exclusive"
    assert knowledge.replacements["shop.clock.now"].template == "await {ctx}.time()"


def test_the_configuration_says_the_same_inline() -> None:
    knowledge = load(inline=[("rea-lint.toml", {"deterministic": ["shop.now"], "effects": {"network": ["shop.api.get"]}})])
    assert knowledge.is_known("shop.now")
    assert knowledge.effect("shop.api.get", None) is Effect.NETWORK
    with pytest.raises(UserError, match=r"rea-lint.toml: `effects\.networks`: unknown effect `networks`; did you mean `network`\?"):
        load(inline=[("rea-lint.toml", {"effects": {"networks": ["shop.api.get"]}})])


# --- the house


def test_no_name_is_decided_twice() -> None:
    seen: dict[str, str] = {}
    twice = []
    for path in sorted(RULES.glob("*.toml")):
        tables = tomli.loads(path.read_text(encoding="utf-8"))
        groups = {"deterministic": tables.get("deterministic", []), "conditions": list(tables.get("conditions", {}))}
        groups |= {f"{table}.{effect}": names for table in ("effects", "reads") for effect, names in tables.get(table, {}).items()}
        for group, names in groups.items():
            for name in names:
                if name in seen:
                    twice.append(f"{name}: {seen[name]} and {path.name} {group}")
                seen[name] = f"{path.name} {group}"
    assert twice == []


def test_every_effect_is_somebodys() -> None:
    decisions = [*KNOWLEDGE.exact.values(), *KNOWLEDGE.patterns.values()]
    assert {d.effect if isinstance(d, Condition) else d for d in decisions} - {None} == set(Effect)


def test_the_readme_names_every_table_and_effect() -> None:
    text = (RULES / "README.md").read_text(encoding="utf-8")
    assert text.startswith("# Packs: knowledge as data")
    assert [effect.value for effect in Effect if f"`{effect.value}`" not in text] == []
    for table in (
        *(
            "deterministic",
            "effects",
            "reads",
            "conditions",
            "results",
            "attributes",
            "aliases",
            "contexts",
            "ambient",
            "services",
            "handlers",
        ),
        *("steps", "operations", "handles", "combinators", "replacements", "agents", "callers", "recovering"),
    ):
        assert f"`{table}`" in text or f"`[{table}]`" in text, table


def test_every_pack_opens_with_what_it_covers() -> None:
    assert [path.name for path in RULES.glob("*.toml") if not path.read_text(encoding="utf-8").startswith("# ")] == []
