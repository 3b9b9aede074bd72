"""`--since` and `--staged`, in real repositories: what changes are to blame for, judged with the whole project."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rea_lint import git
from rea_lint.config import UserError
from running import CLEAN, FIXED, HANDLER, SAFE

if TYPE_CHECKING:
    from running import Lint, Tree

TWO = SAFE.replace("    return item\n", "    x = 1\n    await ctx.run_typed(str(uuid.uuid4()), repr)\n    return item\n")
CONCISE = ("-q", "--output-format", "concise")


@pytest.fixture
def repository(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a commit that has `app.py` (one finding in row 11), on the branch `main`."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    root = tree({"app.py": SAFE, "rea-lint.toml": ""})
    run(root, "init", "-q", "-b", "main")
    run(root, "config", "user.email", "a@b")
    run(root, "config", "user.name", "A")
    commit(root)
    return root


def run(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


def commit(root: Path) -> None:
    run(root, "add", "-A")
    run(root, "commit", "-q", "-m", "x", "--no-verify")


def rows(out: str) -> list[str]:
    return [":".join(line.split(":")[:2]) for line in out.splitlines()]


# -- since -------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("repository")
def test_only_what_stands_in_changed_lines_is_reported(lint: Lint) -> None:
    assert lint("check", *CONCISE, "--since", "HEAD") == (0, "", "")
    result = lint("check", "--output-format", "concise", "--since", "HEAD", files={"app.py": TWO})
    assert (result.code, rows(result.out)) == (1, ["app.py:13"])
    assert result.err.splitlines()[1] == "1 more finding is not in what has changed since HEAD."


@pytest.mark.usefixtures("repository")
def test_what_comes_from_a_changed_line_elsewhere_is_reported_where_it_stands(lint: Lint, repository: Path) -> None:
    caller = (
        HANDLER.replace("import uuid\n", "import uuid\nimport clients\n")
        + "    await ctx.run_typed(clients.name(), print)\n    return item\n"
    )
    lint("check", files={"app.py": caller, "clients.py": "import uuid\n\n\ndef name():\n    return 'x'\n"})
    commit(repository)
    result = lint(
        "check", *CONCISE, "--since", "HEAD", files={"clients.py": "import uuid\n\n\ndef name():\n    return str(uuid.uuid4())\n"}
    )
    assert rows(result.out) == ["app.py:12"]
    assert rows(lint("check", *CONCISE, "--since", "HEAD", "clients.py").out) == []


def test_what_others_did_on_the_branch_meanwhile_is_no_change(lint: Lint, repository: Path) -> None:
    run(repository, "checkout", "-q", "-b", "mine")
    lint("check", files={"mine.py": SAFE.replace("Shop", "Mine")})
    commit(repository)
    run(repository, "checkout", "-q", "main")
    lint("check", files={"app.py": FIXED})
    commit(repository)
    run(repository, "checkout", "-q", "mine")
    assert rows(lint("check", *CONCISE, "--since", "main").out) == ["mine.py:11"]
    assert rows(lint("check", *CONCISE, "--since", "main^").out) == ["mine.py:11"]


@pytest.mark.usefixtures("repository")
def test_files_that_git_does_not_know_are_new_unless_they_are_ignored(lint: Lint) -> None:
    other = {"new/a b.py": SAFE.replace("Shop", "New"), "skipped.py": SAFE.replace("Shop", "Skipped"), ".gitignore": "skipped.py\n"}
    assert rows(lint("check", *CONCISE, "--since", "HEAD", files=other).out) == ["new/a b.py:11"]


def test_a_file_that_is_renamed_has_not_changed(lint: Lint, repository: Path) -> None:
    run(repository, "mv", "app.py", "shop.py")
    assert lint("check", *CONCISE, "--since", "HEAD").out == ""
    assert rows(lint("check", *CONCISE, "--since", "HEAD", files={"shop.py": TWO}).out) == ["shop.py:13"]


@pytest.mark.usefixtures("repository")
def test_a_row_beside_deleted_ones_has_changed(lint: Lint, repository: Path) -> None:
    silenced = SAFE.replace("    await", "    # rea-lint: ignore[REA103]\n    await")
    lint("check", files={"app.py": silenced})
    commit(repository)
    assert rows(lint("check", *CONCISE, "--since", "HEAD", files={"app.py": SAFE}).out) == ["app.py:11"]


@pytest.mark.parametrize(
    "name",
    ["a b.py", 'quo"te.py', "tab\t.py", "new\nline.py", "ü日本.py", "-flag.py", "back\\slash.py", "b/b/x.py", " lead.py", "trail .py"],
)
@pytest.mark.usefixtures("repository")
def test_odd_names(lint: Lint, repository: Path, name: str) -> None:
    lint("check", files={name: SAFE.replace("Shop", "Odd")})
    commit(repository)
    assert lint("check", *CONCISE, "--since", "HEAD").out == ""
    changed = {name: TWO.replace("Shop", "Odd")}
    (found,) = lint("check", "-q", "--output-format", "json-lines", "--since", "HEAD", files=changed).out.splitlines()
    assert '"row": 13' in found


@pytest.mark.usefixtures("repository")
def test_what_the_user_has_configured_about_diffs_does_not_matter(lint: Lint, repository: Path) -> None:
    for key, value in {
        "diff.noprefix": "true", "diff.mnemonicPrefix": "true", "diff.context": "9", "diff.interHunkContext": "9", "diff.external": "false",
        "color.diff": "always", "color.ui": "always", "diff.submodule": "log", "diff.relative": "true", "core.quotePath": "false",
        "diff.renames": "false", "diff.wordRegex": ".", "diff.algorithm": "patience", "core.pager": "false",
    }.items():  # fmt: skip
        run(repository, "config", key, value)
    lint("check", files={".gitattributes": "*.py -diff\n", "app.py": TWO})
    assert rows(lint("check", *CONCISE, "--since", "HEAD").out) == ["app.py:13"]
    run(repository, "add", "-A")
    assert rows(lint("check", *CONCISE, "--staged").out) == ["app.py:13"]


def test_rows_that_look_like_a_patch_are_none(lint: Lint, repository: Path) -> None:
    text = SAFE + '"""\n-- a\n++ b/other.py\n@@ -1,9 +1,99 @@\n"""\n'
    lint("check", files={"app.py": text})
    commit(repository)
    changed = text.replace("-- a\n++ b/other.py\n@@ -1,9 +1,99 @@\n", "-- c\n++ b/none.py\n@@ -1,99 +1,999 @@\n")
    assert lint("check", *CONCISE, "--since", "HEAD", files={"app.py": changed}).out == ""


def test_a_file_in_a_submodule_has_the_changes_of_the_submodule(lint: Lint, repository: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    run(inner, "init", "-q", "-b", "main")
    (inner / "lib.py").write_text(SAFE.replace("Shop", "Lib"))
    run(inner, "add", "-A")
    run(inner, "-c", "user.name=a", "-c", "user.email=b", "commit", "-q", "-m", "x")
    run(repository, "-c", "protocol.file.allow=always", "submodule", "-q", "add", str(inner), "sub")
    commit(repository)
    assert lint("check", *CONCISE, "--since", "HEAD").out == ""
    assert rows(lint("check", *CONCISE, "--since", "HEAD", files={"sub/lib.py": TWO.replace("Shop", "Lib")}).out) == ["sub/lib.py:13"]
    assert rows(lint("check", *CONCISE, "--since", "HEAD", "sub").out) == ["sub/lib.py:13"]


def test_paths_may_be_in_folders_below_and_lead_through_links(lint: Lint, repository: Path, tmp_path: Path) -> None:
    lint("check", files={"pkg/app.py": SAFE.replace("Shop", "Below")})
    commit(repository)
    lint("check", files={"pkg/app.py": TWO.replace("Shop", "Below")})
    assert rows(lint("check", *CONCISE, "--since", "HEAD", "pkg").out) == ["pkg/app.py:13"]
    assert rows(lint("check", *CONCISE, "--since", "HEAD", "pkg/app.py").out) == ["pkg/app.py:13"]
    (tmp_path / "link").symlink_to(repository)
    assert rows(lint("check", *CONCISE, "--since", "HEAD", str(tmp_path / "link")).out) == [f"{tmp_path / 'link'}/pkg/app.py:13"]
    run(repository, "add", "-A")
    lint("check", files={"pkg/app.py": CLEAN.replace("Shop", "Below")})
    assert rows(lint("check", *CONCISE, "--staged", str(tmp_path / "link" / "pkg")).out) == [f"{tmp_path / 'link'}/pkg/app.py:13"]


@pytest.mark.usefixtures("repository")
def test_only_what_changed_is_fixed_though_fixes_move_rows(lint: Lint) -> None:
    two = TWO.replace("import time\n", "import time\nimport random\n").replace("x = 1", "x = random.random()")
    assert lint("check", "--fix", "--since", "HEAD", files={"app.py": two}).code in {0, 1}
    assert Path("app.py").read_text().count("uuid.uuid4()") == 1
    assert Path("app.py").read_text().count("ctx.uuid()") == 1


@pytest.mark.usefixtures("repository")
def test_baseline_and_changes_go_together(lint: Lint) -> None:
    lint("check", "--write-baseline", files={"app.py": TWO, "rea-lint.toml": 'baseline = "b"'})
    result = lint("check", "--output-format", "concise", "--since", "HEAD", files={"app.py": TWO.replace("x = 1", "str(uuid.uuid4())")})
    assert rows(result.out) == ["app.py:12"]
    assert "2 more findings are in the baseline b." in result.err


def test_outside_of_a_repository_or_with_a_ref_that_is_none_is_wrong_use(lint: Lint, tmp_path: Path) -> None:
    result = lint("check", "--since", "main", files={"app.py": SAFE})
    assert result.code == 2
    assert result.err.startswith("rea-lint: error: git rev-parse: not a git repository")
    assert lint("check", "--staged").code == 2
    run(tmp_path / "project", "init", "-q")
    result = lint("check", "--since", "HEAD")
    assert (result.code, result.err) == (2, f"rea-lint: error: --since: git knows no commit `HEAD` in {Path.cwd()}\n")


@pytest.mark.parametrize("ref", ["nowhere", "--output=x", "", "HEAD..HEAD", "main:app.py"])
@pytest.mark.usefixtures("repository")
def test_a_ref_is_one_commit(lint: Lint, ref: str) -> None:
    result = lint("check", f"--since={ref}")
    assert result.code == 2
    assert f"git knows no commit `{ref}`" in result.err
    assert not Path("x").exists()


def test_a_ref_without_a_common_past_says_what_to_do(lint: Lint, repository: Path) -> None:
    run(repository, "checkout", "-q", "--orphan", "other")
    run(repository, "commit", "-q", "-m", "another beginning")
    result = lint("check", "--since", "main")
    assert result.code == 2
    assert "have no commit in common" in result.err
    assert "git fetch --unshallow" in result.err


def test_without_git_it_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="git is not installed"):
        git.staged([str(tmp_path)])


# -- staged ------------------------------------------------------------------------------------------------------------


def test_what_is_staged_is_judged_not_what_is_on_the_disk(lint: Lint, repository: Path) -> None:
    lint("check", files={"app.py": TWO})
    assert lint("check", *CONCISE, "--staged").out == "", "nothing is staged"
    run(repository, "add", "app.py")
    lint("check", files={"app.py": CLEAN})
    assert rows(lint("check", *CONCISE, "--staged").out) == ["app.py:13"]
    run(repository, "add", "app.py")
    lint("check", files={"app.py": TWO})
    assert lint("check", *CONCISE, "--staged").out == ""


def test_a_cause_in_another_file_is_read_as_staged(lint: Lint, repository: Path) -> None:
    caller = (
        HANDLER.replace("import uuid\n", "import uuid\nimport clients\n")
        + "    await ctx.run_typed(clients.name(), print)\n    return item\n"
    )
    lint("check", files={"app.py": caller, "clients.py": "import uuid\n\n\ndef name():\n    return 'x'\n"})
    commit(repository)
    lint("check", files={"clients.py": "import uuid\n\n\ndef name():\n    return str(uuid.uuid4())\n"})
    run(repository, "add", "clients.py")
    lint("check", files={"clients.py": "import uuid\n\n\ndef name():\n    return 'y'\n"})
    assert rows(lint("check", *CONCISE, "--staged").out) == ["app.py:12"]


def test_a_file_that_is_staged_and_gone_from_the_disk_is_judged(lint: Lint, repository: Path) -> None:
    lint("check", files={"new/other.py": SAFE.replace("Shop", "Other")})
    run(repository, "add", "new/other.py")
    Path("new/other.py").unlink()
    Path("new").rmdir()
    assert rows(lint("check", *CONCISE, "--staged").out) == ["new/other.py:11"]
    assert rows(lint("check", *CONCISE, "--staged", "new/other.py").out) == ["new/other.py:11"]


def test_the_first_commit_has_changed_everything(lint: Lint, tree: Tree) -> None:
    root = tree({})
    run(root, "init", "-q")
    lint("check", files={"app.py": SAFE})
    run(root, "add", "-A")
    assert rows(lint("check", *CONCISE, "--staged").out) == ["app.py:11"]


def test_what_is_left_out_or_not_named_stays_so(lint: Lint, repository: Path) -> None:
    texts = {"a/x.py": SAFE.replace("Shop", "A"), "b/x.py": SAFE.replace("Shop", "B"), "rea-lint.toml": "extend-exclude = ['b']"}
    lint("check", files=texts)
    run(repository, "add", "-A")
    lint("check", files={"a/x.py": CLEAN, "b/x.py": CLEAN})
    assert rows(lint("check", *CONCISE, "--staged").out) == ["a/x.py:11"]
    assert lint("check", *CONCISE, "--staged", "app.py").out == ""


def test_files_added_without_content_and_files_in_conflict_are_read_from_the_disk(lint: Lint, repository: Path) -> None:
    lint("check", files={"new.py": SAFE.replace("Shop", "New")})
    run(repository, "add", "-N", "new.py")
    assert lint("check", *CONCISE, "--staged").out == ""
    run(repository, "checkout", "-q", "-b", "other")
    lint("check", files={"app.py": SAFE.replace("item: str", "item: int")})
    commit(repository)
    run(repository, "checkout", "-q", "main")
    lint("check", files={"app.py": SAFE.replace("item: str", "item: bool")})
    commit(repository)
    subprocess.run(["git", "merge", "-q", "other"], cwd=repository, check=False, capture_output=True)
    assert "<<<<<<<" in Path("app.py").read_text()
    assert lint("check", "--staged").code in {0, 1}


HOOK = f"""#!/bin/sh
PYTHONPATH={os.pathsep.join(sys.path)} exec {sys.executable} -m rea_lint check --staged --output-format concise -q app.py pkg >> "$SAID"
"""


@pytest.mark.parametrize("place", ["main", "worktree"])
def test_in_a_hook_it_sees_what_this_commit_takes(
    lint: Lint, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Git tells hooks in the environment which index it commits from, and which repository it is in."""
    said = tmp_path / "said"
    monkeypatch.setenv("SAID", str(said))
    lint("check", files={"pkg/app.py": SAFE.replace("Shop", "Below")})
    commit(repository)
    hook = repository / ".git" / "hooks" / "pre-commit"
    hook.write_text(HOOK)
    hook.chmod(0o755)
    where = repository
    if place == "worktree":
        where = tmp_path / "tree"
        run(repository, "worktree", "add", "-q", "-b", "other", str(where))
    (where / "app.py").write_text(TWO)
    (where / "pkg" / "app.py").write_text(TWO.replace("Shop", "Below"))
    refused = subprocess.run(["git", "commit", "-q", "-m", "x", "pkg/app.py"], cwd=where, check=False, capture_output=True, text=True)
    assert (refused.returncode, rows(said.read_text())) == (1, ["pkg/app.py:13"]), refused.stderr
    said.unlink()
    refused = subprocess.run(["git", "commit", "-q", "-m", "x", "-a"], cwd=where / "pkg", check=False, capture_output=True, text=True)
    assert (refused.returncode, rows(said.read_text())) == (1, ["app.py:13", "pkg/app.py:13"]), refused.stderr


@pytest.mark.parametrize("options", [("--staged", "--since", "HEAD"), ("--staged", "--fix"), ("--staged", "-"), ("--since", "HEAD", "-")])
@pytest.mark.usefixtures("repository")
def test_what_does_not_go_together_is_wrong_use(lint: Lint, options: tuple[str, ...]) -> None:
    result = lint("check", *options, stdin=b"")
    assert result.code == 2
    assert "do not go together" in result.err
