"""`rea-lint server`: the language server, for editors."""

from __future__ import annotations

import os
import sys

import click

from rea_lint.cli import CONTEXT


@click.command("server", context_settings=CONTEXT)
@click.option("--stdio", is_flag=True, help="Talk on stdin and stdout, as is done in any case; editors say it.")
def command(*, stdio: bool) -> None:  # noqa: ARG001 -- there is no other way to talk
    """Run the language server: editors start it, and talk to it on stdin and stdout."""
    from rea_lint.server.app import serve

    code = serve()
    sys.stderr.flush()
    os._exit(code)  # the worker may be deep in libcst: leaving in good order would wait for it, or tear it down in the middle
