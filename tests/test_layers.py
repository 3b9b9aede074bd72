"""The house: who may import whom and touch a disk, that no module keeps state, and that the documents tell it as it is."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tomli

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "rea_lint"
MODULES = sorted(SOURCE.rglob("*.py"))
TOUCH_DISKS = {
    "baseline",
    "cache",
    "cli",
    "config",
    "discovery",
    "files",
    "flake8",
    "git",
    "gitignore",
    "naming",
    "own",
    "packs",
    "processes",
    "pylsp",
    "rediscovery",
    "sdk",
    "server",
    "testing",
    "toml",
    "walk",
}
KNOW_LIBCST = {"durable", "names", "order", "rewrite", "rule", "rules", "tree", "words"}
IMPORT_LIBCST = {"cst", "places"}
IO_MODULES = {"fcntl", "glob", "http", "mmap", "shutil", "socket", "sqlite3", "subprocess", "tempfile", "urllib"}
IO_CALLS = {"open", "input", "print", "breakpoint"}
IO_METHODS = {
    "exists",
    "glob",
    "iterdir",
    "is_dir",
    "is_file",
    "mkdir",
    "open",
    "read_bytes",
    "read_text",
    "rglob",
    "unlink",
    "write_bytes",
    "write_text",
}
READS_REGISTRY = re.compile(r"\.(glob|rglob|iterdir|is_dir|read_text|read_bytes)\(")  # the registry of rules is a folder
READS_PAGE = re.compile(r"^\(HERE / 'page\.(css|js)'\)\.read_text")  # what the HTML report has in it, which stands beside it
PURE = {"urllib.parse"}
CHANGING = {"add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove", "setdefault", "update"}


def family(module: Path) -> str:
    """The layer's name: of `rules/values/clock.py`, `rules`."""
    return module.relative_to(SOURCE).parts[0].removesuffix(".py")


def title(module: Path) -> str:
    return str(module.relative_to(SOURCE))


def test_each_module_imports_only_from_the_lines_below_it() -> None:
    run = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_contributors_are_told_the_layers() -> None:
    contracts = tomli.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    assert "\n\n" + "".join(f"    {layer}\n" for layer in layers) + "\n" in (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def test_the_architecture_page_has_the_modules_in_the_order_of_their_imports() -> None:
    table = (ROOT / "docs" / "architecture.md").read_text("utf-8").partition("| module | owns |\n|---|---|\n")[2].partition("\n\n")[0]
    place = {name: row for row, line in enumerate(table.splitlines()) for name in re.findall(r"`(\w+)/?`", line.split("|")[1])}
    assert place.keys() == {family(module) for module in MODULES} - {"__init__", "__main__"}
    imports = {(family(module), name) for module in MODULES for name in imported(module) if family(module) in place and name in place}
    assert not [f"{module} imports {name}" for module, name in sorted(imports) if place[name] > place[module]]


def imported(module: Path) -> Iterator[str]:
    """The modules of ours, or layers, that a module imports."""
    for node in ast.walk(ast.parse(module.read_bytes())):
        match node:
            case ast.ImportFrom(module="rea_lint", names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=str(name)) if name.startswith("rea_lint."):
                yield name.split(".")[1]


@pytest.mark.parametrize("module", [m for m in MODULES if family(m) not in TOUCH_DISKS], ids=title)
def test_no_io_in_the_middle(module: Path) -> None:
    found = [ast.unparse(node) for node in ast.walk(ast.parse(module.read_bytes())) if does_io(node)]
    allowed = {"rule": READS_REGISTRY, "report": READS_PAGE}.get(family(module))
    assert not [code for code in found if allowed is None or not allowed.search(code)]


def does_io(node: ast.AST) -> bool:
    match node:
        case ast.Import(names=names):
            return any(name.name.split(".")[0] in IO_MODULES for name in names)
        case ast.ImportFrom(module=str(module), level=0):
            return module.split(".")[0] in IO_MODULES and module not in PURE
        case ast.Call(func=ast.Name(id=name)):
            return name in IO_CALLS
        case ast.Call(func=ast.Attribute(value=ast.Name(id="os"))):
            return True
        case ast.Call(func=ast.Attribute(attr=method)):
            return method in IO_METHODS
    return False


@pytest.mark.parametrize("module", MODULES, ids=title)
def test_only_durable_rewrite_and_rules_know_libcst(module: Path) -> None:
    imports = [node for node in ast.walk(ast.parse(module.read_bytes())) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [
        name for node in imports for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names])
    ]
    assert family(module) in IMPORT_LIBCST or not [name for name in names if name.split(".")[0] == "libcst"]
    borrowed = [a.name for n in imports if isinstance(n, ast.ImportFrom) and n.module == "rea_lint" for a in n.names]
    assert family(module) in KNOW_LIBCST or "cst" not in borrowed


def test_no_module_keeps_state() -> None:
    """Tables are fine: what is written once, in full, and changed nowhere."""
    trees = {title(module): ast.parse(module.read_bytes()) for module in MODULES}
    changed = {name for tree in trees.values() for name in changes(tree)}
    assert not [f"{where}:{row}" for where, tree in trees.items() for row in state(tree.body, changed)]


def state(body: list[ast.stmt], changed: set[str]) -> list[int]:
    """The rows in which a module or a class gets something that is changed later, or a function changes a global."""
    rows = []
    for statement in body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                if is_mutable(value) and (is_empty(value) or name in changed):
                    rows.append(statement.lineno)
            case ast.ClassDef():
                rows += state(statement.body, changed)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                rows += [node.lineno for node in ast.walk(statement) if isinstance(node, ast.Global)]
            case ast.If() | ast.Try() | ast.With():
                rows += state([node for node in ast.iter_child_nodes(statement) if isinstance(node, ast.stmt)], changed)
    return rows


def changes(tree: ast.AST) -> set[str]:
    """Names in capitals whose content something changes."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), ctx=ast.Store() | ast.Del()):
                found.add(name)
            case ast.AugAssign(target=ast.Name(id=name)):
                found.add(name)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name) | ast.Attribute(attr=name), attr=method)) if method in CHANGING:
                found.add(name)
    return {name for name in found if name.isupper()}


def is_mutable(value: ast.expr) -> bool:
    match value:
        case ast.Dict() | ast.List() | ast.Set() | ast.DictComp() | ast.ListComp() | ast.SetComp():
            return True
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name in {"dict", "list", "set", "defaultdict", "Counter", "deque", "OrderedDict", "bytearray", "ContextVar"}
    return False


def is_empty(value: ast.expr) -> bool:
    match value:
        case ast.Dict(keys=[]) | ast.List(elts=[]) | ast.Call(args=[], keywords=[]) | ast.Call(func=ast.Name(id="defaultdict")):
            return True
    return False


@pytest.mark.parametrize(
    ("code", "rows"),
    [
        ("X = {}", [1]),
        ("X: list[int] = []", [1]),
        ("X = defaultdict(list)", [1]),
        ("class C:\n    seen = set()", [2]),
        ("if True:\n    X = [1]\nX.append(2)", [2]),
        ("X = {1: 2}\ndef f():\n    X[2] = 3", [1]),
        ("X = {1: 2}\ndef f():\n    del X[2]", [1]),
        ("def f():\n    global X\n    X = 1", [2]),
        ("X = (1, 2)\nY = {1: 2}\nZ = [3]\nW: int\nclass C:\n    a: int = 1\ndef f():\n    x = []\n    x.append(Y[1])", []),
    ],
)
def test_the_test_for_state_sees_state(code: str, rows: list[int]) -> None:
    tree = ast.parse(code)
    assert state(tree.body, changes(tree)) == rows


@pytest.mark.parametrize(
    "code", ["open(p)", "p.read_text()", "os.stat(p)", "import subprocess", "from tempfile import mkdtemp", "print(1)"]
)
def test_the_test_for_io_sees_io(code: str) -> None:
    assert any(does_io(node) for node in ast.walk(ast.parse(code)))


def test_libcst_is_imported_only_when_something_is_durable() -> None:
    code = "import sys, rea_lint.config, rea_lint.files, rea_lint.packs, rea_lint.survey; sys.exit('libcst' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
