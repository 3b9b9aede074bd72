"""What is kept between runs: that it changes no finding, that nothing in it can do harm, and that losing it is no error."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from rea_lint import cache, cli, discovery, engine, files, walk
from rea_lint.cache import Cache
from rea_lint.config import load
from rea_lint.discovery import Discovery, Passed, discover
from rea_lint.files import File
from rea_lint.survey import survey
from running import SAFE, Tree

if TYPE_CHECKING:
    from rea_lint.config import Config
    from rea_lint.facts import Facts
    from rea_lint.packs import Knowledge

FIXTURES = sorted((Path(__file__).parent / "fixtures").rglob("*.py"))


def test_facts_come_back_as_they_were(tmp_path: Path) -> None:
    sources = [file for path in FIXTURES if (file := given(path)) is not None]
    surveyed = [facts_of(tmp_path, file) for file in sources]
    store = Cache(tmp_path)
    assert [store.facts_of(file) for file in sources] == surveyed
    assert not store._new


def facts_of(folder: Path, file: File) -> Facts:
    store = Cache(folder)
    facts = store.facts_of(file)
    store.close()
    return facts


def given(path: Path, module: str = "m") -> File | None:
    text, _, broken = files.read(str(path))
    return None if text is None or broken is not None else File(str(path), module, text=text)


@pytest.mark.parametrize("jobs", ["cold", "warm", "without"])
def test_findings_are_the_same_with_and_without(tree: Tree, capsys: pytest.CaptureFixture[str], jobs: str) -> None:
    root = tree({"app.py": SAFE.replace("print", "other.pay").replace("import time", "import other"), "other.py": "def pay(): ...\n"})
    expected = cli.run(["check", str(root), "--no-cache"]), capsys.readouterr()
    for _ in range({"cold": 1, "warm": 2, "without": 0}[jobs]):
        assert (cli.run(["check", str(root)]), capsys.readouterr()) == expected


def test_a_file_is_known_by_its_content_wherever_it_is(tmp_path: Path) -> None:
    facts_of(tmp_path, File("/a/x.py", "x", text="def f(): ...\n"))
    store = Cache(tmp_path)
    facts = store.facts_of(File("/b/x.py", "x", text="def f(): ...\n"))
    assert not store._new
    assert facts == survey("/b/x.py", "x", "def f(): ...\n", is_package=False)
    for other in (
        File("/a/x.py", "y", text="def f(): ...\n"),
        File("/a/x.py", "x", text="def f(): ...\n\n"),
        File("/a/x.py", "x", is_package=True),
    ):
        store.facts_of(other)
    assert len(store._new) == 3


def test_the_folder_tells_git_and_backups_to_leave_it_alone(tmp_path: Path) -> None:
    Cache(tmp_path / "kept").close()
    assert (tmp_path / "kept" / ".gitignore").read_text().splitlines()[-1] == "*"
    assert (tmp_path / "kept" / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55\n")


def test_another_version_finds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = File("/x.py", "x", text="")
    facts_of(tmp_path, file)
    monkeypatch.setattr(cache, "_salt", lambda: b"other")
    store = Cache(tmp_path)
    store.facts_of(file)
    assert store._new


def test_the_modules_that_make_facts_are_part_of_their_key() -> None:
    program = "import sys, rea_lint.survey; print(*(name.partition('.')[2] for name in sys.modules if name.startswith('rea_lint.')))"
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert set(run.stdout.split()) <= set(cache._SOURCES)
    assert all((Path(cache.__file__).parent / f"{name}.py").exists() for name in cache._SOURCES)


def test_packs_are_merged_again_if_one_has_changed(tmp_path: Path) -> None:
    pack = tmp_path / "ours.toml"
    pack.write_text('deterministic = ["ours.one"]\n')
    config = replace(load(tmp_path, isolated=True), packs=(pack,))
    loads: list[object] = []

    def loaded(config: Config) -> Knowledge:
        loads.append(config)
        return engine.knowledge_for(config)

    for expected in (1, 1, 2, 2):
        if expected == 2:
            pack.write_text('deterministic = ["ours.two"]\n')
        store = Cache(tmp_path / "kept")
        assert store.knowledge(config, loaded) == engine.knowledge_for(config)
        store.close()
        assert len(loads) == expected


# -- what others may have done to it -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_file_gives_what_a_survey_gives(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    sources = [File(f"/{path.name}", "m", text=path.read_text("utf-8", "replace")) for path in FIXTURES[seed::40]][:5]
    for file in sources:
        facts_of(tmp_path, file)
    damage(tmp_path / cache.FILE, dice)
    store = Cache(tmp_path)
    assert [store.facts_of(file) for file in sources] == [survey(f.path, f.module, f.text or "", is_package=False) for f in sources]
    assert store.passed("here") == Passed()
    store.close()
    again = Cache(tmp_path)
    assert [again.facts_of(file) for file in sources] == [survey(f.path, f.module, f.text or "", is_package=False) for f in sources]


def damage(path: Path, dice: random.Random) -> None:
    content = bytearray(path.read_bytes())
    match dice.randrange(4):
        case 0:
            del content[dice.randrange(len(content)) :]
        case 1:
            start = dice.randrange(len(content))
            content[start : start + 512] = dice.randbytes(512)
        case 2:
            for _ in range(1 + dice.randrange(200)):
                content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
        case _:
            content[: dice.randrange(200)] = dice.randbytes(100)
    path.write_bytes(content)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE facts ADD COLUMN more",
        "DROP TABLE facts",
        "CREATE TRIGGER t AFTER UPDATE ON facts BEGIN DELETE FROM facts; END",
        "CREATE VIEW v AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x FROM n) SELECT * FROM n",
        "PRAGMA user_version = 99",
    ],
)
def test_a_file_of_another_form_is_begun_anew(tmp_path: Path, statement: str) -> None:
    file = File("/x.py", "x", text="")
    facts_of(tmp_path, file)
    with sqlite3.connect(tmp_path / cache.FILE) as connection:
        connection.execute(statement)
    connection.close()
    store = Cache(tmp_path)
    store.facts_of(file)
    assert store._new
    store.close()
    assert not store.problem
    assert rows(tmp_path) == 1


def rows(folder: Path) -> int:
    connection = sqlite3.connect(folder / cache.FILE)
    (count,) = connection.execute("SELECT count(*) FROM facts").fetchone()
    connection.close()
    assert isinstance(count, int)
    return count


def test_a_row_that_is_not_what_it_says_is_none(tmp_path: Path) -> None:
    file = File("/x.py", "x", text="def f(): ...")
    facts_of(tmp_path, file)
    for data in (b"", b"x", cache._encoded({"path": 1}), cache._encoded([[]] * 9), cache._encoded(Passed()), "text", None):
        with sqlite3.connect(tmp_path / cache.FILE) as connection:
            connection.execute("UPDATE OR IGNORE facts SET data = ?", (data if data is not None else 7,))
        connection.close()
        store = Cache(tmp_path)
        assert store.facts_of(file) == survey("/x.py", "x", "def f(): ...", is_package=False)


# -- where it cannot be ------------------------------------------------------------------------------------------------


def test_where_no_folder_can_be_made_there_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str], tree: Tree) -> None:
    (tmp_path / "file").touch()
    store = Cache(tmp_path / "file" / "kept")
    assert store.problem
    assert store.facts_of(File("/x.py", "x", text="")).path == "/x.py"
    store.keep_passed("here", Passed())
    store.close()
    root = tree({"app.py": SAFE})
    assert cli.run(["check", str(root), "--cache-dir", str(tmp_path / "file"), "-q"]) == 1
    assert capsys.readouterr().err == ""
    cli.run(["check", str(root), "--cache-dir", str(tmp_path / "file"), "-v"])
    assert "no cache: " in capsys.readouterr().err


def test_a_folder_that_goes_away_is_no_error(tmp_path: Path) -> None:
    store = Cache(tmp_path / "kept")
    store.facts_of(File("/x.py", "x", text=""))
    for path in sorted((tmp_path / "kept").iterdir()):
        path.unlink()
    (tmp_path / "kept").rmdir()
    store.close()


def test_a_file_that_has_grown_too_large_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts_of(tmp_path, File("/x.py", "x", text=""))
    monkeypatch.setattr(cache, "MOST", 1)
    Cache(tmp_path).close()
    assert rows(tmp_path) == 0


def test_facts_that_no_run_used_for_long_are_dropped(tmp_path: Path) -> None:
    old, used, new = (File("/x.py", "x", text=text) for text in ("old = 1", "used = 1", "new = 1"))
    facts_of(tmp_path, old)
    facts_of(tmp_path, used)
    store = Cache(tmp_path)
    store._today += cache.DAYS
    store.facts_of(used)
    store.close()
    store = Cache(tmp_path)
    store._today += cache.DAYS + 1
    store.facts_of(new)
    store.close()
    store = Cache(tmp_path)
    assert rows(tmp_path) == 2
    store.facts_of(used)
    assert not store._new


def test_several_processes_lose_nothing(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from rea_lint.cache import Cache; from rea_lint.files import File\n"
        "for n in range(15):\n"
        "    store = Cache(Path(sys.argv[1])); store.facts_of(File('/x.py', 'x', text=f'x = {sys.argv[2]}{n}'));\n"
        "    store.close(); assert not store.problem, store.problem\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "kept"), str(number)]) for number in range(1, 4)]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert rows(tmp_path / "kept") == 45


# -- files that are no candidates --------------------------------------------------------------------------------------

HANDLER = "import restate\nsvc = restate.Service('s')\n"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are read."""
    read: list[str] = []
    original = files.read_bytes

    def noting(path: str) -> object:
        read.append(Path(path).name)
        return original(path)

    monkeypatch.setattr(discovery, "FRESH", -(10**13))  # what a test writes is old
    monkeypatch.setattr(walk, "read_bytes", noting)
    monkeypatch.setattr(files, "read_bytes", noting)
    return read


def looked(root: Path, passed: Passed) -> Discovery:
    return discover([root], load(root, isolated=True), passed=passed)


def test_what_was_no_candidate_is_not_read_again(tree: Tree, reads: list[str]) -> None:
    root = tree({"app.py": HANDLER + "import near\n", "near.py": "", "far.py": "x = 1\n", "sub/far.py": ""})
    first = looked(root, Passed())
    assert sorted(Path(path).name for path in first.passed.states) == ["far.py", "far.py", "near.py"]
    reads.clear()
    second = looked(root, first.passed)
    assert set(reads) == {"app.py", "near.py"}
    assert second == first


@pytest.mark.parametrize("text", ["import restate\n", "@x.handler()\nasync def f(ctx): ...\n"])
def test_a_file_that_was_changed_is(tree: Tree, reads: list[str], text: str) -> None:
    root = tree({"app.py": HANDLER, "far.py": "x = 1\n", "other.py": ""})
    first = looked(root, Passed())
    (root / "far.py").write_text(text)
    reads.clear()
    assert [Path(file.path).name for file in looked(root, first.passed).files] == ["app.py", "far.py"]
    assert "other.py" not in reads


def test_a_new_decorator_of_the_project_makes_old_files_candidates(tree: Tree, reads: list[str]) -> None:
    root = tree({"app.py": HANDLER, "user.py": "@durable\nasync def f(ctx): ...\n", "other.py": ""})
    first = looked(root, Passed())
    assert [Path(file.path).name for file in first.files] == ["app.py"]
    (root / "app.py").write_text(HANDLER + "def durable(f):\n    return svc.handler()(f)\n")
    second = looked(root, first.passed)
    assert [Path(file.path).name for file in second.files] == ["app.py", "user.py"]
    reads.clear()
    third = looked(root, second.passed)
    assert [Path(file.path).name for file in third.files] == ["app.py", "user.py"]
    assert "other.py" not in reads


def test_what_was_changed_just_now_is_read_again(tree: Tree) -> None:
    assert not looked(tree({"app.py": HANDLER, "far.py": ""}), Passed()).passed.states


def test_a_registration_counts_once_something_mentions_restate(tree: Tree, reads: list[str]) -> None:
    root = tree({"app.py": "@svc.handler()\nasync def f(ctx): ...\n", "other.py": ""})
    first = looked(root, Passed())
    assert not first.files
    (root / "other.py").write_text("import restate\n")
    assert [Path(file.path).name for file in looked(root, first.passed).files] == ["app.py", "other.py"]
    assert reads
