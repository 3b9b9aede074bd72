"""What rules say about the context inside a step.  Their words, in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rea_lint.diagnostic import Finding, Related

if TYPE_CHECKING:
    from rea_lint.diagnostic import Fix
    from rea_lint.durable import Durable
    from rea_lint.project import StepViolation


def finding(violation: StepViolation, code: Durable, consequence: str, fix: Fix | None = None) -> Finding:
    """The finding where the step's code uses the context, with the way from there to the operation, and where the step is handed over."""
    project, step = code.project, violation.step
    path = project.path_of(violation.function)
    first, *rest = violation.chain
    hops = [Related(hop.path, hop.span, f"`{caller.name}` calls `{hop.name}`") for caller, hop in zip(violation.chain, rest, strict=False)]
    handed = [Related(code.path, step.call.span, "the step is handed over here")] if violation.function != step.function else []
    span = violation.call.span if violation.function != step.function else step.action.span
    taker = _text(code, step.call.callee_span.start, step.call.callee_span.end)
    if rest:
        calls = ", which calls ".join(f"`{hop.name}`" for hop in rest[:-1])
        called = f"{calls}, which calls `ctx.{violation.method}`" if calls else f"`ctx.{violation.method}`"
        said = f"`{first.name}` calls {called}, inside the step of `{taker}`"
    else:
        callee = violation.call.callee_span
        own = path == code.path and violation.function != step.function
        name = _text(code, callee.start, callee.end) if own else f"ctx.{violation.method}"
        said = f"`{name}` runs inside the step of `{taker}`"
    return Finding(span, f"{said}: {consequence}.", fix, (*hops, *handed), path=path)


def _text(code: Durable, start: int, end: int) -> str:
    """Code on one line."""
    return " ".join(code.source.text[start:end].split())
