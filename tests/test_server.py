"""The language server, as editors see it: a real process, and clients that can do more or less."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

from clients import editor, emacs, helix, neovim, soon, until, vscode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Tree = Callable[[Mapping[str, str | bytes]], Path]

pytestmark = pytest.mark.asyncio

CLOCK = """import time

import restate

service = restate.Service("service")


@service.handler()
async def handle(ctx: restate.Context, name: str) -> str:
    wide = "😀", time.time()
    if wide:
        await ctx.sleep(None)
    return name
"""
HELPED = """import restate
from helper import now

service = restate.Service("service")


@service.handler()
async def handle(ctx: restate.Context, name: str) -> str:
    if now():
        await ctx.run_typed("step", lambda: 1)
    return name
"""
HELPER = "import time\n\n\ndef now() -> float:\n    return time.time()\n"
HARMLESS = "def now() -> float:\n    return 1.0\n"
SLEEPS = CLOCK.replace("time.time()", "name").replace("import time\n\n", "").replace("ctx.sleep(None)", "ctx.sleep(1)")
CLIENTS = {"vscode": vscode, "neovim": neovim, "helix": helix, "emacs": emacs}


@pytest.mark.parametrize("name", CLIENTS)
async def test_clients_that_count_differently_see_the_same(name: str, tree: Tree) -> None:
    folder = tree({"service.py": HELPED, "helper.py": HARMLESS})
    async with editor(folder, capabilities=CLIENTS[name]()) as shown:
        uri = shown.open(folder / "service.py", CLOCK)
        (finding,) = await shown.diagnostics(uri)
        assert finding.code == "REA101"
        assert finding.severity is lsp.DiagnosticSeverity.Error
        assert shown.text_at(uri, finding.range) == "time.time()"

        actions = await shown.actions(uri, "time.time()")
        fix, line, whole = actions.values()
        assert "unsafe" in fix.title
        shown.apply(line.edit)
        await shown.codes(uri)
        assert 'wide = "😀", time.time()  # rea-lint: ignore[REA101]\n' in shown.texts[uri]
        shown.type(uri, CLOCK)
        shown.apply(whole.edit) if name == "neovim" else shown.type(uri, f"# rea-lint: ignore-file[REA101]\n{CLOCK}")
        await shown.codes(uri)
        shown.type(uri, CLOCK)
        (fix, *_) = (await shown.actions(uri, "time.time()")).values()
        shown.apply(fix.edit)
        await shown.codes(uri)
        assert '    wide = "😀", await ctx.time()\n' in shown.texts[uri]


async def test_a_buffer_of_another_file_counts_and_other_files_are_told_of(tree: Tree) -> None:
    folder = tree({"service.py": HELPED, "helper.py": HARMLESS})
    async with editor(folder) as shown:
        helper = shown.open(folder / "helper.py")
        await shown.codes(helper)
        shown.type(helper, HELPER)
        service = (folder / "service.py").as_uri()
        await shown.codes(service, "REA101")
        (finding,) = shown.client.diagnostics[service]
        assert helper in [related.location.uri for related in finding.related_information or ()]
        shown.close(helper)
        await shown.codes(service)


async def test_the_last_text_is_what_counts(tree: Tree) -> None:
    folder = tree({"service.py": CLOCK})
    async with editor(folder) as shown:
        uri = shown.open(folder / "service.py")
        await shown.diagnostics(uri)
        for n in range(20):
            shown.type(uri, f"{'#' * n}\n{CLOCK}")
        await shown.codes(uri, "REA101")
        await until(lambda: shown.published[-1].version == 21)
        (finding,) = shown.client.diagnostics[uri]
        assert shown.text_at(uri, finding.range) == "time.time()"
        versions = [params.version or 0 for params in shown.published if params.uri == uri]
        assert versions == sorted(versions)
        assert len(versions) < 15, "changes that come at once are looked at once"


async def test_pulled_diagnostics_are_numbered_and_refreshed(tree: Tree) -> None:
    folder = tree({"service.py": HELPED, "helper.py": HARMLESS})
    async with editor(folder, capabilities=vscode()) as shown:
        service, helper = shown.open(folder / "service.py"), shown.open(folder / "helper.py")
        empty = await soon(shown.client.text_document_diagnostic_async(lsp.DocumentDiagnosticParams(lsp.TextDocumentIdentifier(service))))
        assert isinstance(empty, lsp.RelatedFullDocumentDiagnosticReport)
        before = shown.client.diagnostic_refresh_count
        shown.type(helper, HELPER)
        await until(lambda: shown.client.diagnostic_refresh_count > before)
        (finding,) = await shown.diagnostics(service)
        assert finding.code == "REA101"
        assert finding.code_description is not None
        assert finding.code_description.href.endswith("REA101.md")
        params = lsp.DocumentDiagnosticParams(lsp.TextDocumentIdentifier(service))
        full = await soon(shown.client.text_document_diagnostic_async(params))
        assert isinstance(full, lsp.RelatedFullDocumentDiagnosticReport)
        again = await soon(
            shown.client.text_document_diagnostic_async(
                lsp.DocumentDiagnosticParams(lsp.TextDocumentIdentifier(service), previous_result_id=full.result_id)
            )
        )
        assert isinstance(again, lsp.RelatedUnchangedDocumentDiagnosticReport)
        assert not shown.published, "a client that pulls is told nothing twice"


async def test_the_workspace_is_pulled_and_the_next_answer_waits_for_news(tree: Tree) -> None:
    folder = tree({"service.py": HELPED, "helper.py": HELPER})
    async with editor(folder, capabilities=vscode()) as shown:
        first = await soon(shown.client.workspace_diagnostic_async(lsp.WorkspaceDiagnosticParams([])))
        known = [lsp.PreviousResultId(item.uri, item.result_id or "") for item in first.items]
        assert [item.uri for item in first.items] == [(folder / "service.py").as_uri()]
        waiting = asyncio.ensure_future(shown.client.workspace_diagnostic_async(lsp.WorkspaceDiagnosticParams(known)))
        helper = shown.open(folder / "helper.py")
        shown.type(helper, HARMLESS)
        answer = await asyncio.wait_for(waiting, 30)
        (item,) = answer.items
        assert isinstance(item, lsp.WorkspaceFullDocumentDiagnosticReport)
        assert not item.items

        known = [lsp.PreviousResultId(item.uri, item.result_id or "")]
        future = shown.client.protocol.send_request(lsp.WORKSPACE_DIAGNOSTIC, lsp.WorkspaceDiagnosticParams(known), msg_id="waits")
        await asyncio.sleep(0.1)
        shown.client.cancel_request(lsp.CancelParams("waits"))
        with pytest.raises(JsonRpcException, match="cancel"):
            await asyncio.wrap_future(future)
        await shown.codes(helper)


async def test_a_rule_that_raises_and_a_request_that_makes_no_sense_hurt_nobody_else(tree: Tree) -> None:
    own = '''"""A rule."""
from collections.abc import Iterator
import libcst as cst
from rea_lint.diagnostic import Finding, Severity
from rea_lint.durable import Durable
from rea_lint.rule import rule


@rule("XYZ001", "raises", Severity.ERROR)
def raises(call: cst.Call, code: Durable) -> Iterator[Finding]:
    """
    It raises.

    ```python
    x = 1
    ```
    """
    print("this would break the protocol")
    raise RuntimeError("a fault in a rule")
'''
    folder = tree({"service.py": CLOCK, "raises.py": own, "rea-lint.toml": 'rules = ["raises.py"]\nextend-select = ["XYZ001"]\n'})
    async with editor(folder) as shown:
        uri = shown.open(folder / "service.py")
        await shown.codes(uri, "REA101")
        await until(lambda: any("a fault in a rule" in message.message for message in shown.client.log_messages))
        with pytest.raises(JsonRpcException):
            await shown.run("rea-lint.server.fixAll", uri, "too much")
        with pytest.raises(JsonRpcException):
            await shown.run("rea-lint.server.nothing")
        nowhere = lsp.HoverParams(lsp.TextDocumentIdentifier("file:///nowhere/is.py"), lsp.Position(7, 7))
        assert await soon(shown.client.text_document_hover_async(nowhere)) is None
        shown.type(uri, CLOCK.replace("time.time()", "1"))
        await shown.codes(uri)


async def test_configuration_is_read_again_when_it_changes_and_a_broken_one_is_said_once(tree: Tree) -> None:
    folder = tree({"service.py": CLOCK, "rea-lint.toml": 'ignore = ["REA101"]\n'})
    toml = folder / "rea-lint.toml"
    async with editor(folder, capabilities=vscode()) as shown:
        uri = shown.open(folder / "service.py")
        await shown.codes(uri)
        assert lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES in shown.registered
        toml.write_text("ignore = []\n")
        shown.tell_of(toml)
        await shown.codes(uri, "REA101")
        assert shown.client.diagnostic_refresh_count
        assert shown.lens_refreshes
        toml.write_text('ignor = ["REA101"]\n')
        for _ in range(3):
            shown.tell_of(toml)
            await shown.codes(uri, "REA101")
        (message,) = shown.client.messages
        assert f"{toml}:1" in message.message
        assert "`ignor`" in message.message
        toml.write_text('severity = { REA101 = "info" }\n')
        shown.tell_of(toml)
        await until(lambda: True)
        end = [await shown.diagnostics(uri)]
        while end[-1][0].severity is not lsp.DiagnosticSeverity.Information:
            await asyncio.sleep(0.05)
            end.append(await shown.diagnostics(uri))


async def test_a_project_whose_configuration_is_broken_is_looked_at_without(tree: Tree) -> None:
    folder = tree({"service.py": CLOCK, "rea-lint.toml": 'select = ["REA999"]\n'})
    async with editor(folder) as shown:
        uri = shown.open(folder / "service.py")
        await shown.codes(uri, "REA101")
        (message,) = shown.client.messages
        assert "REA999" in message.message
        (folder / "rea-lint.toml").write_text('ignore = ["REA101"]\n')
        shown.save(uri)  # this client does not watch files
        await shown.codes(uri)


async def test_a_broken_configuration_in_a_folder_below_is_said_once_and_changes_nothing(tree: Tree) -> None:
    folder = tree({".git/HEAD": "", "service.py": CLOCK, "rea-lint.toml": "", "other/rea-lint.toml": "", "other/x.py": ""})
    below = folder / "other" / "rea-lint.toml"
    async with editor(folder, capabilities=vscode()) as shown:
        uri = shown.open(folder / "service.py")
        await shown.codes(uri, "REA101")
        below.write_text("ignor = []\n")
        for _ in range(2):
            shown.tell_of(below)
            await shown.codes(uri, "REA101")
        await until(lambda: bool(shown.client.messages))
        (message,) = shown.client.messages
        assert f"{below}:1: unknown key `ignor`" in message.message
        below.write_text("")
        shown.tell_of(below)
        shown.type(uri, CLOCK.replace("time.time()", "1"))
        await shown.codes(uri)


async def test_settings_of_the_client_win_over_files(tree: Tree) -> None:
    folder = tree({"service.py": CLOCK, "strict.toml": "", "rea-lint.toml": 'ignore = ["REA101"]\n'})
    async with editor(folder, capabilities=vscode(), settings={"select": ["REA101"]}) as shown:
        uri = shown.open(folder / "service.py")
        await shown.codes(uri, "REA101")
        for settings, codes in (
            ({"select": ["REA101"], "ignore": ["wall-clock"]}, []),
            ({"configuration": "strict.toml"}, ["REA101"]),
            ({"configuration": 1}, ["REA101"]),
            ({}, []),
        ):
            shown.client.set_configuration({"rea-lint": settings})
            shown.client.workspace_did_change_configuration(lsp.DidChangeConfigurationParams(None))
            await shown.codes(uri, *codes)
        assert "`rea-lint.configuration` takes a string" in shown.client.messages[0].message


async def test_on_save_nothing_is_said_before(tree: Tree) -> None:
    folder = tree({"service.py": HARMLESS})
    async with editor(folder, options={"run": "onSave"}) as shown:
        uri = shown.open(folder / "service.py")
        other = shown.open(folder / "other.py", CLOCK)
        await shown.codes(other, "REA101")
        shown.type(uri, CLOCK)
        shown.save(other)
        await asyncio.sleep(0.6)
        assert not shown.client.diagnostics.get(uri)
        shown.save(uri)
        await shown.codes(uri, "REA101")


async def test_folders_are_projects_by_themselves_and_come_and_go(tree: Tree) -> None:
    root = tree({f"{name}/{file}": text for name in ("one", "two") for file, text in (("service.py", HELPED), ("helper.py", HARMLESS))})
    (root / "two" / "helper.py").write_text(HELPER)
    (root / "two" / "rea-lint.toml").write_text('extend-select = ["REA101"]\n')
    async with editor(root / "one") as shown:
        one = shown.open(root / "one" / "service.py")
        await shown.codes(one)
        folder = lsp.WorkspaceFolder((root / "two").as_uri(), "two")
        shown.client.workspace_did_change_workspace_folders(
            lsp.DidChangeWorkspaceFoldersParams(lsp.WorkspaceFoldersChangeEvent([folder], []))
        )
        two = shown.open(root / "two" / "helper.py")
        service = (root / "two" / "service.py").as_uri()
        await shown.codes(service, "REA101")
        await shown.codes(one)
        shown.client.workspace_did_change_workspace_folders(
            lsp.DidChangeWorkspaceFoldersParams(lsp.WorkspaceFoldersChangeEvent([], [folder]))
        )
        await shown.codes(service)
        shown.type(two, CLOCK)
        await shown.codes(two, "REA101")


async def test_files_outside_new_files_and_files_that_are_left_out(tree: Tree) -> None:
    root = tree(
        {
            "work/rea-lint.toml": 'extend-exclude = ["generated"]\n',
            "work/.gitignore": "ignored.py\n",
            "work/generated/a.py": CLOCK,
            "work/ignored.py": CLOCK,
            "outside.py": CLOCK,
            "lib/site-packages/lib.py": CLOCK,
        }
    )
    async with editor(root / "work") as shown:
        outside = shown.open(root / "outside.py")
        await shown.codes(outside, "REA101")
        new = shown.open(root / "work" / "new.py", CLOCK)
        await shown.codes(new, "REA101")
        untitled = shown.open("untitled:Untitled-1", CLOCK)
        await shown.codes(untitled, "REA101")
        left_out = [
            shown.open(path) for path in (root / "work/generated/a.py", root / "work/ignored.py", root / "lib/site-packages/lib.py")
        ]
        shown.open("git:/work/service.py?ref", CLOCK)
        shown.open(root / "work" / "notes.txt", CLOCK, language="plaintext")
        shown.close(untitled)
        await shown.codes(untitled)
        shown.type(new, f"{CLOCK}\n")
        await shown.codes(new, "REA101")
        assert not any(shown.client.diagnostics.get(uri) for uri in left_out)
        assert {params.uri for params in shown.published} <= {outside, new, untitled, *left_out}


async def test_hovers(tree: Tree) -> None:
    folder = tree({"service.py": CLOCK})
    async with editor(folder, capabilities=helix()) as shown:
        uri = shown.open(folder / "service.py")
        over_finding = await shown.hover(uri, "time.time()")
        assert over_finding is not None
        assert "**REA101** `wall-clock`" in over_finding
        assert "```python" in over_finding
        assert "# expect" not in over_finding
        over_operation = await shown.hover(uri, "ctx.sleep")
        assert over_operation is not None
        assert "Adds an entry to the journal" in over_operation
        assert await shown.hover(uri, "return name") is None


async def test_a_hover_does_not_repeat_what_the_client_shows_by_itself(tree: Tree) -> None:
    folder = tree({"service.py": CLOCK})
    async with editor(folder, options={"showsMessages": True}) as shown:
        uri = shown.open(folder / "service.py")
        over_finding = await shown.hover(uri, "time.time()")
        assert over_finding is not None
        assert over_finding.startswith("A clock is read outside a step")


async def test_code_lenses_count_what_a_handler_journals_and_show_it(tree: Tree) -> None:
    folder = tree({"service.py": HELPED})
    async with editor(folder) as shown:
        uri = shown.open(folder / "service.py")
        (lens,) = await shown.lenses(uri)
        assert shown.text_at(uri, lens.range) == "handle"
        assert lens.command is not None
        assert lens.command.title == "0 operations, 1 step"
        (entry,) = await shown.run(lens.command.command, *(lens.command.arguments or ()))
        assert entry["text"] == 'step "step"'
        assert "service.handle" in shown.client.messages[-1].message
        (handler,) = await shown.run("rea-lint.server.handlers")
        assert handler["name"] == "service.handle"
        assert (await shown.run("rea-lint.server.page", "REA101")).startswith("# REA101 wall-clock\n\nA clock is read outside a step")
        assert await shown.run("rea-lint.server.page", "REA000") == ""
        assert {"code": "REA101", "name": "wall-clock"}.items() <= (await shown.run("rea-lint.server.rules"))[2].items()
    async with editor(folder, options={"showsOperations": True}) as shown:
        uri = shown.open(folder / "service.py")
        (lens,) = await shown.lenses(uri)
        assert lens.command is not None
        assert lens.command.command == "rea-lint.showOperations"
    async with editor(folder, options={"codeLens": False}) as shown:
        uri = shown.open(folder / "service.py")
        assert not await shown.lenses(uri)


@pytest.mark.parametrize("name", ["vscode", "neovim"])
async def test_all_safe_fixes_at_once(name: str, tree: Tree) -> None:
    twice = SLEEPS.replace("    return", "    await ctx.sleep(2)\n    return")
    folder = tree({"service.py": twice})
    async with editor(folder, capabilities=CLIENTS[name]()) as shown:
        uri = shown.open(folder / "service.py")
        await shown.codes(uri, "REA808", "REA808")
        assert not await shown.actions(uri, "wide", only=["refactor"])
        (action,) = (await shown.actions(uri, "wide", only=["source.fixAll"])).values()
        assert action.kind == "source.fixAll.rea-lint"
        if action.edit is None:
            action = await soon(shown.client.code_action_resolve_async(action))
        shown.apply(action.edit)
        fixed = twice.replace("sleep(1)", "sleep(timedelta(seconds=1))").replace("sleep(2)", "sleep(timedelta(seconds=2))")
        assert shown.texts[uri] == f"from datetime import timedelta\n\n{fixed}"
        await shown.codes(uri)
        assert not await shown.actions(uri, "wide", only=["source.fixAll"])


async def test_commands_apply_fixes_and_unsafe_ones_only_if_asked_to(tree: Tree) -> None:
    folder = tree({"service.py": CLOCK})
    async with editor(folder) as shown:
        uri = shown.open(folder / "service.py")
        await shown.codes(uri, "REA101")
        await shown.run("rea-lint.server.fixAll", uri)
        assert shown.texts[uri] == CLOCK
        await shown.run("rea-lint.server.fixAllUnsafe", uri)
        assert "await ctx.time()" in shown.texts[uri]
        await shown.codes(uri)


async def test_broken_text_is_said_and_offers_no_comment(tree: Tree) -> None:
    folder = tree({"service.py": CLOCK})
    async with editor(folder) as shown:
        uri = shown.open(folder / "service.py", CLOCK + "x = (\n")
        await shown.codes(uri, "REA001")
        assert not await shown.actions(uri, "x = (")


async def test_a_suppression_that_silences_nothing_is_faded(tree: Tree) -> None:
    folder = tree({"service.py": CLOCK.replace("return name", "return name  # rea-lint: ignore[REA103]")})
    async with editor(folder) as shown:
        uri = shown.open(folder / "service.py")
        await shown.codes(uri, "REA002", "REA101")
        unused = next(item for item in shown.client.diagnostics[uri] if item.code == "REA002")
        assert unused.tags == (lsp.DiagnosticTag.Unnecessary,)


@pytest.mark.parametrize(("goodbye", "code"), [(b"", 1), (b"exit", 1), (b"shutdown exit", 0)])
async def test_the_server_leaves_when_its_client_does(goodbye: bytes, code: int) -> None:
    def message(body: bytes) -> bytes:
        return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)

    start = message(b'{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}, "rootUri": null}}')
    messages = {
        b"shutdown": message(b'{"jsonrpc": "2.0", "id": 2, "method": "shutdown"}'),
        b"exit": message(b'{"jsonrpc": "2.0", "method": "exit"}'),
    }
    text = start + b"".join(messages[word] for word in goodbye.split())
    command = [sys.executable, "-m", "rea_lint", "server"]
    ran = await asyncio.to_thread(subprocess.run, command, input=text, capture_output=True, timeout=60, check=False)
    assert ran.returncode == code, ran.stderr.decode()
    assert ran.stdout.startswith(b"Content-Length: ")
