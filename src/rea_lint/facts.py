"""What a survey can say about one file: frozen, storable, free of `ast`.

A *ref* is a string that says what an expression is, as far as its file knows:

====================================  ======================================================================
ref                                   means
====================================  ======================================================================
``httpx.AsyncClient``                 the thing of that dotted name: a module, function, class, global variable
``shop.orders.charge``                a function or class of the project, by its dotted place in its module
``shop.orders.charge:client``         the variable or parameter ``client`` of the function ``shop.orders.charge``
``X()``                               what calling ``X`` gives; of a class, an instance
``X.name``                            the attribute ``name`` of ``X``
``X[]``, ``X[0]``                     an element of ``X``: any one (iteration, subscript), or the one at a literal index
``X.<enter>``                         what ``with X as it`` binds
``X.<partial>``                       ``functools.partial`` of ``X``: called like it, with other arguments
``m.C.<super>``                       ``super()`` in a method of the class ``m.C``
``(empty)``                           not known
====================================  ======================================================================

Awaiting is not written down: the result of a coroutine function is what it returns.  A ref holds no Restate knowledge; what it
comes to is decided when files are linked (`project`).  Names that are one binding in one file (an import, a `def`) are
replaced by what they are bound to already; all others stay `scope:name` or `module.name` and are looked up when linking.

A tuple that is written down is a variable of its own, ``m.f:tuple@ROW,COLUMN``, so that what is kept in it is not lost.

Functions get unique names.  A second `def f` in the same scope is ``m.f#2``; a lambda is ``m.f.<lambda@ROW,COLUMN>``; what a
module does at import belongs to a function called ``m.<module>``.

What is kept is written down as rows, without the names of fields.  No fact refers to itself, so that none need be looked at for garbage.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping  # noqa: TC003 -- what is kept is checked against these annotations
from itertools import takewhile

from msgspec import Struct, field

from rea_lint.text import Span  # noqa: TC001 -- the same

Ref = str
Refs = tuple[Ref, ...]  # several things an expression may be, in source order; () is not known


class Argument(Struct, frozen=True, array_like=True, gc=False):
    """An argument of a call.  `keyword` is None for a positional one, `*` and `**` for unpacked ones."""

    keyword: str | None
    values: Refs
    span: Span  # of the value, without `keyword=`
    literal: str | None = None  # of a constant, as `ast.literal_eval` takes it; None for enormous numbers too
    elements: tuple[Refs, ...] = ()  # of a list, tuple or set display: what each element is
    element_spans: tuple[Span, ...] = ()

    @property
    def text(self) -> str | None:
        """The value of a constant string."""
        return string(self.literal)


def string(literal: str | None) -> str | None:
    """What a `repr` of a string says; None for that of anything else."""
    if literal is None or literal[0] not in "'\"":
        return None
    inner = literal[1:-1]
    return inner.encode("latin-1", "backslashreplace").decode("unicode-escape") if "\\" in inner else inner


class Call(Struct, frozen=True, array_like=True, gc=False):
    """A call in a function's own code (not in the functions nested in it)."""

    callees: Refs
    span: Span
    callee_span: Span
    arguments: tuple[Argument, ...] = ()
    awaited: bool = False
    discarded: bool = False  # the call (or the await of it) is a statement of its own
    entered: bool = False  # it is the context expression of a `with`
    decorates: str | None = None  # the function or class it decorates
    around: str = ""  # the kind of node it stands in, as `ast` calls it: `Await`, `Expr`, `Assign`, `Call` (an argument), ...

    def argument(self, position: int | None, keyword: str | None) -> Argument | None:
        """The argument given for a parameter, by position or by keyword; None if it is absent or hidden behind `*` or `**`."""
        positional = 0
        for argument in self.arguments:
            if argument.keyword is None:
                if positional == position:
                    return argument
                positional += 1
            elif argument.keyword == "*":
                position = None
            elif argument.keyword == keyword and keyword is not None:
                return argument
        return None

    @property
    def unpacks(self) -> bool:
        """Whether `*args` or `**kwargs` hide which arguments are given."""
        return any(a.keyword in {"*", "**"} for a in self.arguments)


class Read(Struct, frozen=True, array_like=True, gc=False):
    """A name or attribute chain that is read and not called: `os.environ`, `self.now` (perhaps a property), `uuid4` handed over."""

    values: Refs
    span: Span
    around: str = ""  # the kind of node it stands in, as that of a call


class Parameter(Struct, frozen=True, array_like=True, gc=False):
    """A parameter.  `kind` is one of `positional`, `keyword`, `*`, `**`."""

    name: str
    kind: str
    annotation: Refs = ()  # what a value of it is: for `client: httpx.AsyncClient | None`, `httpx.AsyncClient()`
    elements: Refs = ()  # for `list[X]`: what an element is
    default: Refs = ()
    has_default: bool = False


class Binding(Struct, frozen=True, array_like=True, gc=False):
    """One way a variable, attribute or class field gets its value."""

    values: Refs
    span: Span  # of the expression that gives the value (of the target, where there is none)
    elements: Refs = ()  # if it is a container: what its elements may be
    items: tuple[Refs, ...] = ()  # if it is a tuple with a place for each item: what each is
    annotated: bool = False  # the values come from an annotation
    literal: str | None = None  # of a constant, as that of an argument


class Wait(Struct, frozen=True, array_like=True, gc=False):
    """An `await`, or an `async for` (in a comprehension too), in a function's own code."""

    values: Refs  # what is waited for
    span: Span  # of what is waited for
    place: Span  # the whole `await`; what an `async for` runs over


class Clause(Struct, frozen=True, array_like=True, gc=False):
    """An `except` clause in a function's own code."""

    catches: tuple[Refs, ...]  # each class it names; () of a bare one
    span: Span
    covers: Span  # the statements of its `try`
    is_plain: bool  # none of its statements holds others
    raises: bool  # whatever it catches is raised again: it ends with a bare `raise`, and nothing leads elsewhere before


class Write(Struct, frozen=True, array_like=True, gc=False):
    """A change of something that is not a local variable: `global x`, `self.count += 1`, `cache[k] = v`, `items.append(v)`."""

    target: Refs  # what is changed: the variable, attribute or container
    span: Span


class Function(Struct, frozen=True, array_like=True, gc=False):
    """A function, method, lambda, or what a module does at import."""

    name: str
    span: Span  # from the first decorator to the end of the body
    name_span: Span  # the name after `def`; the whole of a lambda
    header: Span  # from `def` to the colon
    scope: str  # the function, class or module it stands in
    parameters: tuple[Parameter, ...] = ()
    decorators: tuple[Refs, ...] = ()  # top to bottom; of `@svc.handler()`, `...handler()`
    is_async: bool = False
    is_generator: bool = False
    is_lambda: bool = False
    owner: str | None = None  # the class it is a method of
    binds: str | None = None  # what the first parameter is: `self`, `cls`, or None (static, or no method)
    is_property: bool = False
    calls: tuple[Call, ...] = ()  # in source order
    reads: tuple[Read, ...] = ()
    writes: tuple[Write, ...] = ()
    variables: Mapping[str, tuple[Binding, ...]] = field(default_factory=dict)
    names: Mapping[str, Refs] = field(default_factory=dict)  # every plain name it mentions -> what the name is there
    stands: Mapping[str, frozenset[str]] = field(default_factory=dict)  # every plain name it reads -> the kinds of node around it there
    waits: tuple[Wait, ...] = ()  # in source order
    clauses: tuple[Clause, ...] = ()
    compares: Mapping[str, frozenset[str]] = field(default_factory=dict)  # name -> the texts it is compared with; "": those of patterns
    loops: tuple[Span, ...] = ()  # its `for` and `while` statements
    returns: Refs = ()  # what it returns, by its return statements
    return_annotation: Refs = ()
    return_elements: Refs = ()
    return_items: tuple[Refs, ...] = ()  # of a tuple with a place for each item: what each is
    nested: tuple[str, ...] = ()  # functions and lambdas directly within, in source order
    shape: frozenset[str] = frozenset()  # the kinds of statement and expression within that rules look at: `Try`, `For`, `With`, ...

    @property
    def written_name(self) -> str:
        """Its name as its `def` says it: `f`, also of the second `m.f`, whose name is `m.f#2`."""
        return self.name.rpartition(".")[2].partition("#")[0]

    def call(self, span: Span) -> Call | None:
        """The call in its own code that stands at a span."""
        at = bisect_left(self.calls, _order(span), key=lambda call: _order(call.span))
        return self.calls[at] if at < len(self.calls) and self.calls[at].span == span else None

    def wait(self, place: Span) -> Wait | None:
        """The `await` at a place of its own code, or the `async for` over what stands there."""
        at = bisect_left(self.waits, place.start, key=lambda wait: wait.place.start)
        return next(
            (wait for wait in takewhile(lambda wait: wait.place.start == place.start, self.waits[at:]) if wait.place == place), None
        )


def _order(span: Span) -> tuple[int, int]:
    """The order of calls in a function: a call stands before those in it."""
    return span.start, -span.end


class Class(Struct, frozen=True, array_like=True, gc=False):
    """A class of the project."""

    name: str
    span: Span
    scope: str
    bases: tuple[Refs, ...] = ()
    decorators: tuple[Refs, ...] = ()
    methods: Mapping[str, Refs] = field(default_factory=dict)  # method name -> functions (several: overloads, conditional definitions)
    attributes: Mapping[str, tuple[Binding, ...]] = field(default_factory=dict)  # class body, `self.x = ...` in any method, annotations
    fields: tuple[str, ...] = ()  # annotated names of the class body, in order: the constructor's parameters of a dataclass or model


class Suppression(Struct, frozen=True, array_like=True, gc=False):
    """A comment that silences: `# rea-lint: ignore[REA101] reason`, `# noqa: REA101`, `# rea-lint: ignore-file[REA211]`."""

    codes: tuple[str, ...]  # codes or names as written; () silences every rule
    span: Span  # the comment, from its `#`
    row: int  # the row it silences (the next code row for a comment that stands alone); 0: the whole file
    last_row: int  # the last row of the statement that starts in `row`, or of the logical line it ends
    form: str  # `ignore`, `ignore-file`, `noqa`
    reason: str = ""


class Broken(Struct, frozen=True, array_like=True, gc=False):
    """Why a file has no facts: it cannot be decoded, or it is not Python (of this version)."""

    message: str
    span: Span


class Facts(Struct, frozen=True, array_like=True, gc=False):
    """All that is known of one file."""

    path: str
    module: str  # dotted name; of `pkg/__init__.py`, `pkg`
    is_package: bool = False
    functions: Mapping[str, Function] = field(default_factory=dict)  # by name, in source order
    classes: Mapping[str, Class] = field(default_factory=dict)
    variables: Mapping[str, tuple[Binding, ...]] = field(default_factory=dict)  # module level; an import binds too
    stars: Refs = ()  # modules of `from x import *`
    imports: Refs = ()  # every module or name imported, absolute, sorted
    suppressions: tuple[Suppression, ...] = ()
    depth: int = 0  # the deepest nesting of expressions and statements
    broken: Broken | None = None

    def enclosing(self, span: Span) -> str:
        """The innermost function or class with a name in which a span stands, as `Shop.order`, without the module; empty: none."""
        named: list[Function | Class] = [*self.functions.values(), *self.classes.values()]
        around = (each for each in named if each.span.contains(span) and "<" not in each.name.rpartition(".")[2])  # no lambda, no module
        innermost = max(around, key=lambda each: each.span.start, default=None)
        if innermost is None:
            return ""
        return ".".join(part.partition("#")[0] for part in innermost.name.removeprefix(f"{self.module}.").split("."))
