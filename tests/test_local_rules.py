"""What the rules about futures and steps take from the SDK and from Python is so."""

from __future__ import annotations

import dataclasses
import inspect
import pydoc
import sys

import pytest
from restate import RunOptions
from restate.server_context import ServerCallDurableFuture, ServerDurableFuture, ServerDurableSleepFuture

from rea_lint.rules import actions, awaitable
from rea_lint.rules.steps import step_builtin_signature as signatures


def test_the_options_of_a_step_are_those_of_the_sdk() -> None:
    assert {field.name for field in dataclasses.fields(RunOptions)} == actions.OPTIONS


def test_durable_futures_have_the_attributes_that_no_value_has() -> None:
    kinds = (ServerDurableFuture, ServerDurableSleepFuture, ServerCallDurableFuture)
    public = {name for kind in kinds for name in vars(kind) if not name.startswith("_")}
    assert public <= awaitable.OWN
    source = inspect.getsource(ServerDurableFuture.__init__)
    assert all(f"self.{name} =" in source for name in awaitable.OWN - public - {"invocation_id_future"})


@pytest.mark.parametrize("name", sorted(signatures.NEVER | signatures.LATE))
def test_the_sdk_cannot_read_the_signature(name: str) -> None:
    if name in signatures.LATE and sys.version_info >= (3, 13):
        pytest.skip("it has a signature in this Python")
    with pytest.raises(ValueError, match="signature"):
        inspect.signature(pydoc.locate(name), eval_str=True)  # type: ignore[arg-type]
