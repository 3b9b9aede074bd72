"""Building blocks of fixes: text edits, in characters of the file, that keep comments and layout.

Each gives None where the change would be wrong or would not parse: then there is no fix.
"""

from __future__ import annotations

import ast
import keyword
import re
import sys
import warnings
from collections import defaultdict
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from rea_lint import cst
from rea_lint.diagnostic import Applicability, Fix
from rea_lint.syntax import arguments_of
from rea_lint.text import Edit, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rea_lint.durable import Durable
    from rea_lint.facts import Call, Function
    from rea_lint.packs import Replacement
    from rea_lint.project import Project
    from rea_lint.syntax import Syntax
    from rea_lint.text import Source

Edits = tuple[Edit, ...]

STRINGS = frozenset({"JoinedStr", "TemplateStr"})
RESERVED = frozenset({"name", "action", "options"})  # parameters of `run_typed` itself
JSON = frozenset(f"builtins.{kind}()" for kind in ("str", "int", "float", "bool", "list", "dict", "tuple", "NoneType"))


def safe(title: str, edits: Edits | None) -> Fix | None:
    """A fix that means the same and leaves the journal as it is; None without edits."""
    return Fix(title, edits, Applicability.SAFE) if edits else None


def unsafe(title: str, edits: Edits | None) -> Fix | None:
    """A fix that may change behaviour, but not the journal; None without edits."""
    return Fix(title, edits, Applicability.UNSAFE) if edits else None


def journaling(title: str, edits: Edits | None) -> Fix | None:
    """A fix that adds, removes or moves journal entries, which its title says; None without edits."""
    return unsafe(f"{title} (changes the journal: deploy it as a new version while invocations are in flight)", edits)


# -- expressions -------------------------------------------------------------------------------------------------------


def replace(code: Durable, node: cst.BaseExpression, text: str) -> Edits | None:
    """Put an expression in the place of another, in parentheses where the place needs them.

    None if a comment would be lost, or the text cannot stand in the f-string around it (before Python 3.12 an f-string's own quotes,
    backslashes and comments are no part of it).
    """
    new = _parsed(text)
    if new is None:
        return None
    if not node.lpar and _binds_looser(new, node, code.parent(node)):
        text = f"({text})"
    if not _fits_strings(code, node, text) or any(comment not in text for comment in _comments(node)):
        return None
    span = code.span(node)
    return (Edit(span, _apart(code.source.text, span, text)),)


@lru_cache(maxsize=64)  # the same is put into many places
def _parsed(text: str) -> cst.BaseExpression | None:
    try:
        return cst.parse_expression(text)
    except (cst.ParserSyntaxError, TypeError):
        return None


def add_await(code: Durable, call: cst.Call) -> Edits | None:
    """`await` a call; None where no `await` can stand, or one stands already."""
    parent = code.parent(call)
    if not code.awaits(call) or isinstance(parent, cst.Await) or not _fits_strings(code, call, ""):
        return None
    span = code.span(call)
    before = Span(span.start, span.start)
    if call.lpar or not _binds_looser(cst.Await(call), call, parent):
        return (Edit(before, _apart(code.source.text, before, "await ")),)
    return (Edit(before, "(await "), Edit(Span(span.end, span.end), ")"))


def drop_await(code: Durable, node: cst.Await) -> Edits | None:
    """Leave out an `await`; None if a comment stands between it and what it awaits."""
    start = code.span(node).start
    head = re.match(r"await[ \t]*", code.source.text[start : code.span(node.expression).start])
    if head is None or any(not comment.startswith("#") for comment in _comments(node.whitespace_after_await)):
        return None
    return (Edit(Span(start, start + head.end()), ""),)


def arguments(code: Durable, call: cst.Call) -> str:
    """The text of a call's arguments, as it stands between its parentheses, without a trailing comma and the space around it."""
    return _arguments(code, code.span(call.func), code.span(call))


def _arguments(code: Durable, callee: Span, call: Span) -> str:
    after = code.source.text[callee.end : call.end]
    opening = re.match(r"[\s)\\]*\(", after)
    return after[opening.end() : -1].strip().removesuffix(",").rstrip() if opening is not None else ""


def substitute(code: Durable, function: str, call: Call, replacement: Replacement) -> Edits | None:
    """Put what a pack says in the place of a call in a function, with the imports that it needs, and without that of what it called.

    None where it is not valid.
    """
    owner, here = code.project.functions[function], call.span.start
    node = code.syntax.at(call.span) if code.syntax is not None else None
    if code.syntax is None or not isinstance(node, ast.Call) or (replacement.awaited and not code.syntax.awaits(node)):
        return None
    if len(arguments_of(node)) != len(call.arguments):  # a `partial` has some already
        return None
    context = code.context_at(owner, here)
    fits = {
        "none": not call.arguments,
        "one": len(call.arguments) == 1 and call.arguments[0].keyword is None,
        "some": bool(call.arguments),
        "any": True,
    }[replacement.arguments]
    if context is None or not fits:
        return None
    template, imports = replacement.template, list[Edit]()
    for dotted in replacement.imports:
        found = spelled_at(code, owner, here, dotted)
        if found is None:
            return None
        template = re.sub(rf"(?<![\w.]){dotted.rpartition('.')[2]}\b", found[0], template)
        imports += found[1]
    text = template.replace("{ctx}", context).replace("{args}", _arguments(code, call.callee_span, call.span))
    return in_place_of(code, call, text, imports)


def in_place_of(code: Durable, call: Call, text: str, imports: Iterable[Edit] = ()) -> Edits | None:
    """Put a text in the place of a call, with imports, and without that of what it called if nothing else uses it; None where it is not valid."""
    node = code.syntax.at(call.span) if code.syntax is not None else None
    edits = _put(code, node, call.span, text) if node is not None else None
    if edits is None:
        return None
    first = node.func if isinstance(node, ast.Call) else None
    while isinstance(first, ast.Attribute):
        first = first.value
    return _without_import(code, first.id, call.callee_span, (*edits, *imports)) if isinstance(first, ast.Name) else (*edits, *imports)


def _put(code: Durable, node: ast.expr, span: Span, text: str) -> Edits | None:
    """`replace`, of an expression that stands in the file as most do: then libcst need not read it."""
    syntax, source = code.syntax, code.source.text
    try:
        new = ast.parse(text, mode="eval").body
    except SyntaxError:
        return None
    if (
        syntax is None
        or _is_in_string(syntax, node)
        or "#" in source[span.start : span.end]
        or not isinstance(new, ast.Await | ast.Call | ast.Attribute)
    ):
        old = code.node(span)
        return replace(code, old, text) if old is not None else None
    if isinstance(new, ast.Await) and syntax.binds(node) and not syntax.is_wrapped(node):
        text = f"({text})"
    return (Edit(span, _apart(source, span, text)),)


def _is_in_string(syntax: Syntax, node: ast.expr) -> bool:
    return any(type(each).__name__ in STRINGS for each in syntax.ancestors(node))


def without_import(code: Durable, callee: cst.BaseExpression, edits: Edits | None) -> Edits | None:
    """The edits that put something in the place of a call, and those that drop the import of what it called, if nothing else uses that."""
    name = _first_name(callee)
    return _without_import(code, name, code.span(callee), edits) if name is not None and edits is not None else edits


def _without_import(code: Durable, name: str, callee: Span, edits: Edits) -> Edits:
    if any(re.search(rf"(?<![\w.]){name}\b", edit.new) for edit in edits):
        return edits
    return joined(edits, remove_import(code, name, callee))


def _first_name(node: cst.BaseExpression) -> str | None:
    """The name that a dotted expression begins with."""
    while isinstance(node, cst.Attribute):
        node = node.value
    return node.value if isinstance(node, cst.Name) else None


OPEN = {  # where any expression may stand without parentheses, but for `:=`, `yield` and bare tuples
    ("AnnAssign", "value"),
    ("Arg", "value"),
    ("Assert", "test"),
    ("Assert", "msg"),
    ("Assign", "value"),
    ("AugAssign", "value"),
    ("DictElement", "value"),
    ("Element", "value"),
    ("Expr", "value"),
    ("For", "iter"),
    ("If", "test"),
    ("Index", "value"),
    ("Lambda", "body"),
    ("Match", "subject"),
    ("Raise", "exc"),
    ("Return", "value"),
    ("While", "test"),
    ("WithItem", "item"),
}
PRIMARY = {("Attribute", "value"), ("Await", "expression"), ("Call", "func"), ("Subscript", "value")}  # what binds tighter than `await`
CLOSED = frozenset(  # what stands for itself anywhere; a number does not before `.name`
    {
        "Attribute",
        "Call",
        "Dict",
        "DictComp",
        "FormattedString",
        "GeneratorExp",
        "List",
        "ListComp",
        "Name",
        "Set",
        "SetComp",
        "SimpleString",
        "Subscript",
    }
)


def _binds_looser(new: cst.BaseExpression, old: cst.BaseExpression, parent: cst.CSTNode | None) -> bool:
    """Whether an expression needs parentheses in the place of another."""
    if isinstance(new, cst.BaseNumber):
        return isinstance(parent, cst.Attribute)
    if new.lpar or type(new).__name__ in CLOSED:
        return False
    place = next((place for place in OPEN | PRIMARY if place[0] == type(parent).__name__ and getattr(parent, place[1]) is old), None)
    if isinstance(new, cst.Await):
        return place in PRIMARY
    if isinstance(parent, cst.Arg) and parent.star:
        return True
    return place not in OPEN or isinstance(new, cst.NamedExpr | cst.Yield | cst.Tuple)


def _fits_strings(code: Durable, node: cst.CSTNode, text: str) -> bool:
    """Whether a text can stand where a node stands, as far as the f-strings around it go."""
    inside: cst.CSTNode = node
    for around in code.ancestors(node):
        if isinstance(around, cst.FormattedStringExpression):
            if around.equal is not None or (around.expression is inside and text.startswith("{")):
                return False
        elif isinstance(around, cst.FormattedString):
            quote = around.end
            if quote in text or "\\" in text or "#" in text or (len(quote) == 1 and ("\n" in text or "\r" in text)):
                return False
        inside = around
    return True


def _quote(code: Durable, syntax: Syntax, node: ast.expr) -> str:
    """The quote for a string at a node: not that of an f-string around it, which only libcst tells from those it is put together with."""
    old = code.node(syntax.span(node)) if _is_in_string(syntax, node) else None
    taken = {each.end[0] for each in code.ancestors(old) if isinstance(each, cst.FormattedString)} if old is not None else set()
    return "'" if '"' in taken else '"'


def _comments(node: cst.CSTNode) -> Iterator[str]:
    """The comments within a node."""
    stack: list[cst.CSTNode] = [node]
    while stack:
        at = stack.pop()
        if isinstance(at, cst.Comment):
            yield at.value
        stack += at.children


def _apart(text: str, span: Span, new: str) -> str:
    """The new text with a space where it would run into a word beside it: `return(x)`, `x if"a"else y`."""
    before, after = text[span.start - 1 : span.start], text[span.end : span.end + 1]
    if _is_word(before) and _is_word(new[:1]):
        new = f" {new}"
    return f"{new} " if span.start != span.end and _is_word(after) and _is_word(new[-1:]) else new


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


# -- steps -------------------------------------------------------------------------------------------------------------


def wrap_in_step(code: Durable, span: Span) -> Edits | None:
    """Make a call the action of a step, with what is done to its result: `await ctx.run_typed("get", lambda: requests.get(url).json())`.

    A result that nobody uses is not journaled; one that JSON cannot say, as far as is known, is no step's.  None also where a step
    cannot be awaited, where the context is used within, and where a loop or `with` takes the call itself.
    """
    syntax = code.syntax
    call = syntax.at(span) if syntax is not None else None
    owner = syntax.owner(call) if syntax is not None and call is not None else None
    if syntax is None or not isinstance(call, ast.Call) or owner is None or not syntax.awaits(call):
        return None
    context = code.context_at(owner, span.start)
    whole = _chain(syntax, call)
    parent = syntax.parent(whole)
    if context is None or parent is None or _is_taken(parent, whole):
        return None
    inside = _own(syntax, whole)
    if any(isinstance(node, ast.NamedExpr | ast.Yield | ast.YieldFrom) for node in inside):
        return None
    name = _step_name(call)
    quote = _quote(code, syntax, whole)
    run = f"await {context}.run_typed({quote}{name}{quote}, "
    target = _project_function(code, call)
    is_plain = whole is call or (isinstance(whole, ast.Await) and whole.value is call)
    at = syntax.span(whole)
    if any(_is_context(code, node) for node in inside):  # its values are needed before the step begins
        is_free = is_plain and not any(_is_context(code, node) for node in _own(syntax, call.func))
        handed = _by_keyword(syntax, call, None) if is_free else None
        return _put(code, whole, at, f"{run}{handed})") if handed is not None and _is_json(code, whole, call) else None
    if isinstance(parent, ast.Expr) and not _is_known_json(code, whole) and not (is_plain and _gives_nothing(code, target)):
        return _with_named_step(code, whole, name, run, "")
    if not _is_json(code, whole, call):
        return None
    if any(isinstance(node, ast.Await) for node in inside):
        handed = _by_keyword(syntax, call, target) if is_plain and target is not None and target.is_async else None
        if handed is None:
            return _with_named_step(code, whole, name, run, "return ")
        return _put(code, whole, at, f"{run}{handed})")
    if is_plain and target is not None and not call.args and not call.keywords and not target.is_lambda:
        return _put(code, whole, at, f"{run}{syntax.text(call.func)})")
    return _put(code, whole, at, f"{run}lambda: {syntax.text(whole)})")


def _own(syntax: Syntax, node: ast.AST) -> list[ast.AST]:
    """A node and all nodes in it that are the same function's code."""
    owner = syntax.owner(node)
    return [each for each in syntax.within(node) if syntax.owner(each) is owner]


def _chain(syntax: Syntax, call: ast.Call) -> ast.expr:
    """A call with its `await`, and the attributes, subscripts and calls that follow: `(await client.get(url)).json()`."""
    node: ast.expr = call
    while True:
        match syntax.parent(node):
            case ast.Attribute(value=first) | ast.Await(value=first) | ast.Call(func=first) | ast.Subscript(value=first) as around if (
                first is node
            ):
                node = around
            case _:
                return node


def _is_taken(parent: ast.AST, node: ast.expr) -> bool:
    """Whether what stands around a call takes the call itself, and not what it gives."""
    match parent:
        case ast.withitem() | ast.Delete() | ast.YieldFrom():
            return True
        case ast.Assign(targets=taken) | ast.FunctionDef(decorator_list=taken) | ast.AsyncFunctionDef(decorator_list=taken):
            return node in taken
        case ast.ClassDef(decorator_list=taken):
            return node in taken
        case ast.Raise(cause=taker) | ast.AugAssign(target=taker) | ast.For(target=taker):
            return taker is node
        case ast.AsyncFor():
            return True
        case ast.comprehension():
            return bool(parent.is_async) or parent.target is node
        case _:
            return False


def _is_context(code: Durable, node: ast.AST) -> bool:
    return isinstance(node, ast.Name | ast.Attribute | ast.Call) and any(code.project.is_context(value) for value in code.values(node))


def _project_function(code: Durable, call: ast.Call) -> Function | None:
    """The one function of the project that a call calls."""
    match sorted(code.values(call.func)):
        case [name] if name in code.project.functions:
            return code.project.functions[name]
        case _:
            return None


def _by_keyword(syntax: Syntax, call: ast.Call, target: Function | None) -> str | None:
    """What `run_typed` takes after the name to make this call: `client.post, url=url`; None where it needs positional arguments."""
    names = [p.name for p in target.parameters if p.kind == "positional"] if target is not None else []
    names = names[1:] if target is not None and target.binds is not None else names
    handed = [syntax.text(call.func)]
    for at, argument in enumerate(arguments_of(call)):
        is_named = isinstance(argument, ast.keyword)
        name = argument.arg if isinstance(argument, ast.keyword) else names[at] if at < len(names) else None
        if isinstance(argument, ast.Starred) or name is None or name in RESERVED:
            return None
        value = argument.value if isinstance(argument, ast.keyword) else argument
        text = syntax.text(value)
        handed.append(f"{name}=({text})" if syntax.is_wrapped(value, in_call=not is_named) else f"{name}={text}")
    return ", ".join(handed)


def _gives_nothing(code: Durable, target: Function | None) -> bool:
    """Whether a function says that it returns None."""
    return target is not None and re.search(r"->\s*None\s*:$", code.header(target)) is not None


def _is_known_json(code: Durable, node: ast.expr) -> bool:
    values = code.values(node)
    return bool(values) and values <= JSON


def _is_json(code: Durable, whole: ast.expr, call: ast.Call) -> bool:
    """Whether a result can be journaled, as far as is known.

    The result of a library's function counts as its own kind of object; what is taken from it (`.json()`, `.text`) does not.
    """
    values = code.values(whole)
    if values <= JSON and values:
        return True
    if any(value.endswith("()") and value[:-2] in code.project.classes for value in values):
        return False
    is_plain = whole is call or (isinstance(whole, ast.Await) and whole.value is call)
    target = _project_function(code, call)
    if is_plain and target is not None and target.is_generator:
        return False
    if is_plain and target is not None and target.return_annotation:  # what it says, it gives
        said = code.project.resolve((*target.return_annotation, *target.return_elements))
        return said <= JSON or _gives_nothing(code, target)
    return not is_plain or (target is not None and not values)


def _step_name(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.strip("_") or "step"
        case _:
            return "step"


BRACKETS = ast.Lambda | ast.comprehension | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def _with_named_step(code: Durable, whole: ast.expr, name: str, run: str, returning: str) -> Edits | None:
    """Put an expression into a function of its own before the statement, and run that as the step."""
    syntax = code.syntax
    assert syntax is not None
    above = [whole, *syntax.ancestors(whole)]
    at = next(at for at, node in enumerate(above) if isinstance(node, ast.stmt))
    statement, around = above[at], above[at + 1]
    owner = syntax.owner(whole)
    is_compound = hasattr(statement, "body") or isinstance(statement, ast.Match)
    if owner is None or is_compound or any(isinstance(node, BRACKETS) for node in above[:at]):
        return None
    if not _is_alone(code.source, syntax.span(statement)):
        return None
    taken = _taken_names(code, owner)
    function = name if name.isidentifier() and not keyword.iskeyword(name) else "step"
    function = next(each for each in (function, f"{function}_step", *(f"{function}_step_{n}" for n in range(2, 1000))) if each not in taken)
    text = f"{run}{function})"
    span = syntax.span(whole)
    if _is_in_string(syntax, whole):
        node = code.node(span)
        if node is None or not _fits_strings(code, node, text):
            return None
    made = (Edit(span, f"({text})" if syntax.binds(whole) and not syntax.is_wrapped(whole) else text),)
    start = syntax.span(statement).start
    head_of = around.pattern if isinstance(around, ast.match_case) else around
    indent, outer = _indentation(code.source, start), _indentation(code.source, syntax.span(head_of).start)
    if not indent.startswith(outer):
        return None
    is_async = any(isinstance(node, ast.Await) for node in _own(syntax, whole))
    head = f"{'async ' if is_async else ''}def {function}(){'' if returning else ' -> None'}:"
    newline = code.source.newline
    held = (
        f"({syntax.text(whole)})" if syntax.is_wrapped(whole) else syntax.text(whole)
    )  # its parentheses may be what lets it have several lines
    body = f"{indent}{indent[len(outer) :]}{returning}{held}"
    return joined((Edit(Span(start, start), f"{head}{newline}{body}{newline}{newline}{indent}"), *made), ())


def _is_alone(source: Source, statement: Span) -> bool:
    """Whether a statement has its lines for itself: nothing before it, and at most a comment after it."""
    first, last = source.line_span(source.position(statement.start).row), source.line_span(source.position(statement.end).row)
    after = source.text[statement.end : last.end].lstrip().removeprefix(";").lstrip()
    return not source.text[first.start : statement.start].strip() and (not after or after.startswith("#"))


def _taken_names(code: Durable, owner: Function) -> frozenset[str]:
    """The names that mean something in a function or in what is nested in it."""
    functions = [owner, *(code.project.functions[name] for name in owner.nested)]
    variables = {name for each in functions for name in (*each.names, *each.variables, *(p.name for p in each.parameters))}
    return frozenset(variables | {name.rpartition(".")[2] for name in owner.nested})


def _indentation(source: Source, offset: int) -> str:
    """The whitespace that the line of a place begins with."""
    line = source.line(source.position(offset).row)
    return line[: len(line) - len(line.lstrip(" \t\f"))]


# -- imports -----------------------------------------------------------------------------------------------------------


def spelled(code: Durable, node: cst.CSTNode, dotted: str) -> tuple[str, Edits] | None:
    """How to write a library's name at a node, with the import that has to be added: `timedelta`, `dt.timedelta`.

    None where the name it would have is taken.
    """
    return spelled_at(code, code.owner(node), code.span(node).start, dotted)


def spelled_at(code: Durable, owner: Function, here: int, dotted: str) -> tuple[str, Edits] | None:
    """The same at a place of a function's own code."""
    module, _, last = dotted.rpartition(".")
    for function in _around(code, owner):
        for name, bindings in function.variables.items():
            if (
                all(b.values == (dotted,) for b in bindings)
                and (function is not owner or bindings[0].span.end <= here)
                and name.isidentifier()
            ):
                return name, ()
    imports = _imports(code.source.text)
    for name, meant in imports.names.items():
        if meant in {dotted, module} and not _is_shadowed(code, owner, name):
            return (name if meant == dotted else f"{name}.{last}"), ()
    facts = code.project.facts[code.path]
    if last in facts.variables or f"{facts.module}.{last}" in {*facts.functions, *facts.classes} or _is_shadowed(code, owner, last):
        return None
    return last, add_import(code.source, f"from {module} import {last}" if module else f"import {last}")


def add_import(source: Source, statement: str) -> Edits:
    """Add a top-level import, given as `import m` or `from m import name`; () if the file has it.

    It goes into an import of the same module, or else to its place among the imports: after the docstring and `from __future__`,
    the standard library first, `import` before `from`, by name.
    """
    imports = _imports(source.text)
    wanted = ast.parse(statement).body[0]
    assert isinstance(wanted, ast.Import | ast.ImportFrom)
    name = wanted.names[0].name
    dotted = f"{wanted.module}.{name}" if isinstance(wanted, ast.ImportFrom) else name
    if imports.names.get(name) == dotted:
        return ()
    if isinstance(wanted, ast.ImportFrom):
        for present in imports.statements:
            if (
                isinstance(present, ast.ImportFrom)
                and present.module == wanted.module
                and not present.level
                and present.names[0].name != "*"
            ):
                return (_merged(source, present, name),)
    return (_inserted(source, imports, wanted, statement),)


def remove_import(code: Durable, name: str, *gone: Span) -> Edits:
    """Remove the top-level import that binds `name`, if nothing uses the name but what stands at the spans; () if something does."""
    text = code.source.text
    facts = code.project.facts[code.path]
    spelling = f"{facts.module}.{name}"
    if any(_says(function, name, gone, text) for function in facts.functions.values()):
        return ()
    imports = _imports(text)
    holders = [s for s in imports.statements for alias in s.names if (alias.asname or alias.name.partition(".")[0]) == name]
    if len(holders) != 1:
        return ()
    if not _is_nowhere_else(code.source, name, (*gone, _node_span(code.source, holders[0]))) and any(
        not any(span.contains(use) for span in gone) for use in _mentions(code.source, name, holders[0])
    ):
        return ()
    importers = code.project.once(_importers)
    if any(importers.get(each, {code.path}) != {code.path} for each in (spelling, facts.module, f"{facts.module}.*")):
        return ()
    return _without(code.source, holders[0], name)


def _importers(project: Project) -> dict[str, set[str]]:
    """What is imported, with `.*` all that it has -> the files that do so."""
    found: dict[str, set[str]] = defaultdict(set)
    for path, facts in project.facts.items():
        for name in (*facts.imports, *(f"{module}.*" for module in facts.stars)):
            found[name].add(path)
    return found


class _Imports:
    """The top-level imports of a module, those that run whenever it is imported, and where names are said."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.tree = _head(text)  # as far as there are imports
        self.statements = [each for each in self.tree.body if isinstance(each, ast.Import | ast.ImportFrom)]
        self.names: dict[str, str] = {}  # what they bind -> what it is
        for statement in self.statements:
            for alias in statement.names:
                if isinstance(statement, ast.ImportFrom):
                    if not statement.level:
                        self.names[alias.asname or alias.name] = f"{statement.module}.{alias.name}"
                elif alias.asname or "." not in alias.name:
                    self.names[alias.asname or alias.name] = alias.name

    @cached_property
    def said(self) -> tuple[dict[str, list[ast.Name | ast.stmt]], list[tuple[str, ast.Constant]]]:
        """Name -> where it is said, imports included; and the string constants: annotations may be among them."""
        plainly: dict[str, list[ast.Name | ast.stmt]] = defaultdict(list)
        texts: list[tuple[str, ast.Constant]] = []
        for node in ast.walk(_module(self._text)):
            match node:
                case ast.Name():
                    plainly[node.id].append(node)
                case ast.Constant(value=str(text)):
                    texts.append((text, node))
                case ast.Import() | ast.ImportFrom():
                    for alias in node.names:
                        plainly[alias.asname or alias.name].append(node)
                case _:
                    pass
        return plainly, texts

    @property
    def leading(self) -> list[ast.Import | ast.ImportFrom]:
        """Those before any other code, docstring and `from __future__` aside."""
        found: list[ast.Import | ast.ImportFrom] = []
        for statement in self.tree.body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                found.append(statement)
            elif found or not _is_string(statement):
                break
        return [each for each in found if not _is_future(each)]

    @property
    def opening(self) -> ast.stmt | None:
        """The last of the docstring and the `from __future__` imports: what imports come after."""
        return next(
            (each for each in reversed(self.tree.body) if _is_future(each) or (each is self.tree.body[0] and _is_string(each))), None
        )


def _is_string(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)


def _is_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


_imports = lru_cache(maxsize=4)(_Imports)  # by the text of the file


def _head(text: str) -> ast.Module:
    """A module, as far as there may be imports in it: most end before the first definition."""
    definition = re.search(r"^(?:@|(?:async\s+)?def\s|class\s)", text, re.MULTILINE)
    if definition is None or re.compile(r"^(?:import|from)\s|;[ \t]*(?:import|from)\s", re.MULTILINE).search(text, definition.start()):
        return _module(text)
    try:
        head = _module(text[: definition.start()])
    except SyntaxError:  # it stands in a string
        return _module(text)
    return head if head.body else _module(text)


def _module(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as in `survey`
        return ast.parse(text)


def _around(code: Durable, function: Function) -> Iterator[Function]:
    """A function and those around it, from the inside out."""
    at: Function | None = function
    while at is not None:
        yield at
        at = code.project.functions.get(at.scope)


def _is_shadowed(code: Durable, owner: Function, name: str) -> bool:
    """Whether a name is something else in a function than in its module."""
    return any(name in f.variables or any(p.name == name for p in f.parameters) for f in _around(code, owner)) or any(
        each.rpartition(".")[2] == name for f in _around(code, owner) for each in f.nested
    )


def _merged(source: Source, present: ast.ImportFrom, name: str) -> Edit:
    """The edit that puts a name into a `from` import, in order if the names are."""
    names = [alias.name for alias in present.names]
    first = present.names[0]
    start, end = _offset(source, first.lineno, first.col_offset), 0
    is_listed = len({alias.lineno for alias in present.names}) == len(names) and first.lineno != present.lineno
    between = f",{source.newline}{_indentation(source, start)}" if is_listed else ", "
    after = next((alias for alias in present.names if alias.name > name), None) if names == sorted(names) else None
    if after is not None:
        start = _offset(source, after.lineno, after.col_offset)
        return Edit(Span(start, start), f"{name}{between}")
    last = present.names[-1]
    assert last.end_lineno is not None
    assert last.end_col_offset is not None
    end = _offset(source, last.end_lineno, last.end_col_offset)
    return Edit(Span(end, end), f"{between}{name}")


def _inserted(source: Source, imports: _Imports, wanted: ast.Import | ast.ImportFrom, statement: str) -> Edit:
    """The edit that puts an import on a line of its own."""
    newline = source.newline
    group = [each for each in imports.leading if _rank(each)[0] == _rank(wanted)[0]]
    before = [each for each in group if _rank(each) <= _rank(wanted)]
    later = [each for each in imports.leading if _rank(each)[0] > _rank(wanted)[0]]
    if before:
        return _after(source, before[-1], f"{statement}{newline}")
    if group or later:
        start = source.line_span((group or later)[0].lineno).start
        return Edit(Span(start, start), f"{statement}{newline}{newline if not group else ''}")
    last = imports.leading[-1] if imports.leading else imports.opening
    if last is not None:
        return _after(source, last, f"{newline}{statement}{newline}")
    start = _first_code_row(source, imports.tree)
    return Edit(Span(start, start), f"{statement}{newline}{newline}")


def _after(source: Source, statement: ast.stmt, lines: str) -> Edit:
    """The edit that inserts lines below a statement."""
    assert statement.end_lineno is not None
    below = source.line_span(statement.end_lineno + 1).start
    is_last = source.line_span(statement.end_lineno).end == below  # without a line end
    return Edit(Span(below, below), f"{source.newline if is_last else ''}{lines}")


def _first_code_row(source: Source, tree: ast.Module) -> int:
    """Where the first statement begins: after the comments at the top (`#!`, encoding, licence)."""
    if not tree.body:
        return len(source.text)
    first = tree.body[0]
    decorators = getattr(first, "decorator_list", [])
    return source.line_span(min([first.lineno, *(d.lineno for d in decorators)])).start


def _rank(statement: ast.Import | ast.ImportFrom) -> tuple[int, int, str]:
    """The place of an import among others: future, standard library, everything else, relative; `import` before `from`; by name."""
    if isinstance(statement, ast.ImportFrom):
        module = statement.module or ""
        group = 3 if statement.level else 0 if module == "__future__" else 1 if _is_standard(module) else 2
        return group, 1, module.lower()
    return (1 if _is_standard(statement.names[0].name) else 2), 0, statement.names[0].name.lower()


def _is_standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


def _says(function: Function, name: str, gone: Iterable[Span], text: str) -> bool:
    """Whether facts tell that a function says a name elsewhere than at some places: it is another function, or a call that begins with it."""
    if name not in function.stands:
        return False
    if not any(function.span.contains(each) or each.contains(function.span) for each in gone):
        return True
    starts = (call.callee_span.start for call in function.calls)
    said = (start for start in starts if text.startswith(name, start) and not _is_word(text[start + len(name)]))
    return any(not any(each.contains(Span(start, start + len(name))) for each in gone) for start in said)


def _is_nowhere_else(source: Source, name: str, places: Iterable[Span]) -> bool:
    """Whether the text says a name at some places only: a glance, before the tree is looked through."""
    places = tuple(places)
    text = source.text
    words = (Span(*found.span()) for found in re.finditer(rf"{name}\b", text))
    said = (
        word for word in words if not _is_word(text[word.start - 1 : word.start]) or text[word.start - 2 : word.start - 1] == "\\"
    )  # `\ntime`
    return text.isascii() and all(any(place.contains(each) for place in places) for each in said)


def _mentions(source: Source, name: str, holder: ast.stmt) -> Iterator[Span]:
    """Every place of the file that says a name, other than the import that binds it: in code, in strings that may be annotations."""
    plainly, texts = _imports(source.text).said
    for node in plainly.get(name, ()):
        if (node.lineno, node.col_offset) != (holder.lineno, holder.col_offset):
            yield _node_span(source, node)
    word = re.compile(rf"\b{re.escape(name)}\b")
    for text, constant in texts:
        if word.search(text):
            yield _node_span(source, constant)


def _without(source: Source, statement: ast.Import | ast.ImportFrom, name: str) -> Edits:
    """The edits that take a name out of an import; the whole line, if it is the only one."""
    whole = _node_span(source, statement)
    first, last = source.position(whole.start).row, source.position(whole.end).row
    lines = Span(source.line_span(first).start, source.line_span(last).end)
    rest = source.text[lines.start : whole.start] + source.text[whole.end : lines.end]
    if rest.strip() or "#" in source.text[whole.start : whole.end]:
        return ()  # another statement or a comment stands there too
    if len(statement.names) == 1:
        below = source.line_span(last + 1).start
        gap = _gap(source, first, last)
        return (Edit(Span(lines.start, below), ""), *((Edit(Span(below, gap), ""),) if gap > below else ()))
    places = [_node_span(source, alias) for alias in statement.names]
    at = next(i for i, alias in enumerate(statement.names) if (alias.asname or alias.name.partition(".")[0]) == name)
    if at:
        return (Edit(Span(places[at - 1].end, places[at].end), ""),)
    return (Edit(Span(places[0].start, places[1].start), ""),)


def _gap(source: Source, first: int, last: int) -> int:
    """Where the blank lines end that follow rows which stand alone: with the rows, they go."""
    if first > 1 and source.line(first - 1).strip():
        return source.line_span(last + 1).start
    row = last + 1
    while row < len(source) and not source.line(row).strip():
        row += 1
    return source.line_span(row).start


def joined(added: Iterable[Edit], removed: Edits) -> Edits:
    """The edits of a fix and those that remove an import (`remove_import`), with edits that touch made one.

    A group of imports that gets another one keeps the blank line after it.
    """
    added = tuple(added)
    lines, gap = removed[:1], removed[1:]
    if any(edit.span.start in {lines[0].span.start, lines[0].span.end} for edit in added if lines):
        gap = ()
    merged: list[Edit] = []
    for edit in sorted({*added, *lines, *gap}):
        if merged and merged[-1].span.end == edit.span.start:
            merged[-1] = Edit(Span(merged[-1].span.start, edit.span.end), merged[-1].new + edit.new)
        else:
            merged.append(edit)
    return tuple(merged)


def _node_span(source: Source, node: ast.expr | ast.stmt | ast.alias) -> Span:
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return Span(_offset(source, node.lineno, node.col_offset), _offset(source, node.end_lineno, node.end_col_offset))


def _offset(source: Source, row: int, byte_column: int) -> int:
    return source.from_ast(row, byte_column)
