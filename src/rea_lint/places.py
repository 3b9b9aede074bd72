"""Where each node of a libcst tree begins and ends in the code that libcst generates from it.  Imported only when there is a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from libcst._nodes.internal import CodegenState

if TYPE_CHECKING:
    from types import TracebackType

    import libcst as cst


def places(module: cst.Module) -> tuple[str, dict[cst.CSTNode, tuple[int, int]]]:
    """The code of a module, and node -> start and end in it, in characters, without parentheses and whitespace around; may raise RecursionError."""
    state = _Recorder(module.default_indent, module.default_newline)
    module._codegen(state)  # noqa: SLF001 -- what `Module.code` and libcst's position provider call
    return "".join(state.tokens), state.places


class _Recorder(CodegenState):
    """Notes where each node begins and ends in the code that libcst generates; its syntactic position goes before the whole."""

    def __init__(self, default_indent: str, default_newline: str) -> None:
        super().__init__(default_indent, default_newline)
        self.places: dict[cst.CSTNode, tuple[int, int]] = {}
        self.at = 0
        self._open: list[int] = []

    def add_indent_tokens(self) -> None:
        self.tokens.extend(self.indent_tokens)
        self.at += sum(map(len, self.indent_tokens))

    def add_token(self, value: str) -> None:
        self.tokens.append(value)
        self.at += len(value)

    def before_codegen(self, node: cst.CSTNode) -> None:  # noqa: ARG002 -- the signature is libcst's
        self._open.append(self.at)

    def after_codegen(self, node: cst.CSTNode) -> None:
        self.places.setdefault(node, (self._open.pop(), self.at))

    def record_syntactic_position(  # type: ignore[override]  # libcst's is a generator made a context manager, five times as slow
        self, node: cst.CSTNode, *, start_node: cst.CSTNode | None = None, end_node: cst.CSTNode | None = None
    ) -> _Syntactic:
        return _Syntactic(self, node, start_node, end_node)


class _Syntactic:
    __slots__ = ("_end_node", "_node", "_recorder", "_start", "_start_node")

    def __init__(self, recorder: _Recorder, node: cst.CSTNode, start_node: cst.CSTNode | None, end_node: cst.CSTNode | None) -> None:
        self._recorder = recorder
        self._node = node
        self._start_node = start_node
        self._end_node = end_node
        self._start = 0

    def __enter__(self) -> None:
        self._start = self._recorder.at

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        places = self._recorder.places
        start = self._start if self._start_node is None else places[self._start_node][0]
        end = self._recorder.at if self._end_node is None else places[self._end_node][1]
        places[self._node] = (start, end)
